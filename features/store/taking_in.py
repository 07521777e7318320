"""Joining what is new of subjects to what a place holds of them."""

from __future__ import annotations

from collections.abc import Mapping

from features.store.backends.place import Place
from features.store.rows import dump, load

_AT_ONCE = 5_000


def take_in(place: Place, news: Mapping[str, bytes]) -> int:
    """Join subjects by key, some thousands in each step; how many changed.

    Steps are taken in the order of the keys. Whoever is stopped between two has lost nothing: the same again changes
    nothing that is there.
    """
    keys = sorted(news)
    written = 0
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        written += place.change(some, lambda there, some=some: _joined(there, news, some))  # type: ignore[misc]
    return written


def _joined(there: Mapping[str, bytes], news: Mapping[str, bytes], keys: list[str]) -> dict[str, bytes]:
    changed: dict[str, bytes] = {}
    for key in keys:
        before = there.get(key)
        if before is None:
            changed[key] = news[key]
        elif before != news[key]:
            held = load(before)
            if held.take(load(news[key])):
                changed[key] = dump(held)
    return changed
