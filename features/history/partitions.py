"""The history's files: append-only Parquet partitions, and one manifest per commit that makes them exist.

A commit writes its partitions first and its manifest last (written beside, synced, renamed): a partition that no
manifest names does not exist, so whoever is killed leaves the whole commit or nothing. One writer at a time; readers
need no lock.

    batches/00000007.json                     the manifest of the seventh commit
    answered.json                             the moment of knowledge up to which answers stand
    subjects/person/00000007.parquet          ids of subjects first named in it, in the order of their numbers
    civil_affairs.marriages/00000007-0.rows.parquet
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.history.records import Batch

ROWS, ENDED, LEFT = "rows", "ended", "left"
SUBJECT, DELIVERY, INDEX = "subject", "delivery", "index"
_ANSWERED = "answered.json"
ROW_GROUP = 1 << 15
"""Rows lie by subject: who reads a few subjects reads a few groups of so many rows."""


@dataclass(frozen=True, slots=True)
class Part:
    """One delivery as it is stored.

    Attributes:
        batch: what was delivered.
        stem: the beginning of its files' names, relative to the history's folder.
        new: rows stored in `<stem>.rows.parquet`.
        ended: rows of earlier lists that this list no longer holds (`<stem>.ended.parquet`: `delivery`, the position
            of the list that stored the row, and `index`, its place there).
        left: subjects of the list before that this one does not name (`<stem>.left.parquet`: `subject`).
        listed: rows that were delivered, after those that a later row of the same delivery replaced.
        undated: every row says that it holds from the day attested: the list has no dates of its own.
        overtaken: a list of a later day was already known: this one is recorded, and read by nobody.
    """

    batch: Batch
    stem: str
    new: int
    ended: int
    left: int
    listed: int
    undated: bool
    overtaken: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """What became true at once: new subjects and stored deliveries of one view."""

    number: int
    view: str
    kind: str
    first_subject: int
    subjects: int
    rewrites: bool
    """These parts stand for all earlier ones of the view (a list was inserted before others)."""
    parts: tuple[Part, ...]


class Partitions:
    """The files under the history's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._touched: set[Path] = set()
        (folder / "batches").mkdir(parents=True, exist_ok=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the only right to append."""
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def answered_until(self) -> dt.datetime | None:
        """The latest moment of knowledge for which questions were answered for good; see :meth:`answer_until`."""
        path = self.folder / _ANSWERED
        return dt.datetime.fromisoformat(json.loads(path.read_text("utf-8"))) if path.is_file() else None

    def answer_until(self, moment: dt.datetime) -> None:
        """Note that what was known at a moment is final. Waits for whoever is appending."""
        with self.writing():
            before = self.answered_until()
            if before is None or before < moment:
                beside = self.folder / f"{_ANSWERED}.tmp"
                with beside.open("w", encoding="utf-8") as file:
                    json.dump(moment.isoformat(), file)
                    file.flush()
                    os.fsync(file.fileno())
                beside.rename(self.folder / _ANSWERED)
                _sync(self.folder)

    def commits_after(self, number: int) -> list[Commit]:
        """Commits with a higher number, in order."""
        names = sorted(path.name for path in (self.folder / "batches").glob("[0-9]*.json"))
        wanted = (name for name in names if int(name.removesuffix(".json")) > number)
        return [_commit(json.loads((self.folder / "batches" / name).read_text("utf-8"))) for name in wanted]

    def write(self, stem: str, what: str, frame: pl.DataFrame) -> None:
        """Write one partition, synced; it exists once a manifest names it."""
        path = self._path(stem, what)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._touched |= {path.parent, path.parent.parent, self.folder}
        with path.open("wb") as file:
            frame.write_parquet(file, compression="lz4", row_group_size=ROW_GROUP)
            file.flush()
            os.fsync(file.fileno())

    def commit(self, commit: Commit) -> None:
        """Make a commit's partitions exist, all at once."""
        path = self.folder / "batches" / f"{commit.number:08}.json"
        beside = path.with_suffix(".tmp")
        for folder in self._touched:
            _sync(folder)
        self._touched.clear()
        with beside.open("w", encoding="utf-8") as file:
            json.dump(asdict(commit), file, default=str)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        _sync(path.parent)

    def read(
        self,
        stem: str,
        what: str,
        columns: Sequence[str] | None = None,
        subjects: Collection[int] | npt.NDArray[np.int64] | None = None,
        span: tuple[int, int] | None = None,
    ) -> pl.DataFrame:
        """A partition, or those of its columns that it has.

        Args:
            stem: see :class:`Part`.
            what: `ROWS`, `ENDED` or `LEFT`.
            columns: only these.
            subjects: only the rows of these few subjects, with the place of each row in the column `index`.
            span: only the rows of subjects from the first of these numbers to the last, with their places too.
        """
        path = self._path(stem, what)
        if columns is not None:
            held = pl.read_parquet_schema(path)
            columns = [name for name in columns if name in held]
        if subjects is None and span is None:
            return pl.read_parquet(path, columns=None if columns is None else list(columns))
        lazy = pl.scan_parquet(path, row_index_name=INDEX)
        if columns is not None:
            lazy = lazy.select(INDEX, *columns)
        if span is not None:
            near = pl.col(SUBJECT).is_between(*span)
        else:
            assert subjects is not None
            numbers = subjects if isinstance(subjects, np.ndarray) else np.array(list(subjects), dtype=np.int64)
            near = pl.col(SUBJECT).is_in(pl.Series(numbers.astype(np.uint32)).implode())
        return lazy.filter(near).collect()

    def naming(self, stem: str, link: str, ids: Collection[str]) -> set[int]:
        """The subjects of a part whose rows say that a link leads to one of some ids; no other column is read."""
        path = self._path(stem, ROWS)
        if link not in pl.read_parquet_schema(path):
            return set()
        named = pl.scan_parquet(path).filter(pl.col(link).is_in(list(ids)))
        return set(named.select(SUBJECT).collect().get_column(SUBJECT))

    def _path(self, stem: str, what: str) -> Path:
        return self.folder / f"{stem}.{what}.parquet"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _commit(found: dict[str, Any]) -> Commit:
    return Commit(**{**found, "parts": tuple(_part(part) for part in found["parts"])})


def _part(found: dict[str, Any]) -> Part:
    told = found["batch"]
    told["learned_at"] = dt.datetime.fromisoformat(told["learned_at"])
    told["attested_on"] = dt.date.fromisoformat(told["attested_on"])
    return Part(**{**found, "batch": Batch(**told)})
