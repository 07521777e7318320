"""Which place a setting names. Nothing here needs Feast, so a page that reads facts starts at once."""

from __future__ import annotations

from features.store.backends.place import Place
from features.store.backends.postgres import PostgresPlace
from features.store.backends.redis import RedisPlace
from features.store.errors import StoreError
from features.store.settings import StoreSettings

CAUGHT_UP_KEY = "@caught_up"
"""The key under which it is noted how far the store has come: see `features.store.catching_up`."""


def place_name(settings: StoreSettings) -> str:
    """The table, or the beginning of the keys."""
    return f"{settings.project}_facts_online"


def open_place(url: str, name: str) -> Place:
    """The place at an address.

    Raises:
        StoreError: the address is of no kind that we know.
    """
    scheme = url.partition("://")[0]
    if scheme in ("postgresql", "postgres"):
        return PostgresPlace(url, name)
    if scheme in ("redis", "rediss", "unix"):
        return RedisPlace(url, f"{name}:")
    raise StoreError("The online store's address begins with neither `postgresql://` nor `redis://`. Correct it.")


def subject_key(kind: str, subject_id: str) -> str:
    """The key under which a subject's rows lie."""
    return f"{kind}:{subject_id}"


def mark_key(view: str) -> str:
    """The key under which the last list of a view is noted."""
    return f"@list:{view}"
