"""Rows of subjects in Redis: one string per subject."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from features.store.backends.place import Merge
from features.store.errors import StoreError, StoreUnreachableError

_SCAN = 1_000


class RedisPlace:
    """Bytes by key in Redis, below a prefix.

    Args:
        url: `redis://…`, `rediss://…` or `unix://…`.
        prefix: before every key.

    Raises:
        StoreError: the Redis client is not installed.
    """

    def __init__(self, url: str, prefix: str) -> None:
        # Most installations have no Redis: its client is an extra, looked for where a setting names Redis.
        try:
            client = importlib.import_module("redis")
        except ModuleNotFoundError as error:
            raise StoreError(
                "The online store is set to Redis, but its client is not installed. "
                "Run: pip install 'applyfree[redis]', or set the online store to PostgreSQL."
            ) from error
        self._lost: tuple[type[Exception], ...] = (client.ConnectionError, client.TimeoutError)
        self._conflict: type[Exception] = client.WatchError
        self._redis: Any = client.Redis.from_url(url)
        self._prefix = prefix

    def prepare(self) -> None:
        with self._reached():
            self._redis.ping()

    def read(self, keys: Sequence[str]) -> dict[str, bytes]:
        with self._reached():
            return self._read(self._redis, keys)

    def _read(self, client: Any, keys: Sequence[str]) -> dict[str, bytes]:  # noqa: ANN401 a client without types
        if not keys:
            return {}
        found = client.mget([self._prefix + key for key in keys])
        return {key: held for key, held in zip(keys, found, strict=True) if held is not None}

    def change(self, keys: Sequence[str], merge: Merge) -> int:
        """As one step: whoever else changed one of the keys meanwhile makes us read and merge again."""
        while True:
            with self._reached(), self._redis.pipeline() as pipe:
                try:
                    pipe.watch(*(self._prefix + key for key in keys))
                    changed = merge(self._read(pipe, keys))
                    pipe.multi()
                    if changed:
                        pipe.mset({self._prefix + key: held for key, held in changed.items()})
                    pipe.execute()
                except self._conflict:
                    continue
                return len(changed)

    def drop(self) -> None:
        batch: list[bytes] = []
        for key in self._redis.scan_iter(match=self._prefix + "*", count=_SCAN):
            batch.append(key)
            if len(batch) == _SCAN:
                self._redis.delete(*batch)
                batch.clear()
        if batch:
            self._redis.delete(*batch)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except self._lost:
            raise StoreUnreachableError from None

    def close(self) -> None:
        self._redis.close()
