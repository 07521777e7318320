"""Joining what is new of subjects to what a place holds of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from features.store.backends.place import Place
from features.store.rows import HiddenFacts, ViewRows, dump, load

_AT_ONCE = 5_000


def take_in(place: Place, news: Mapping[str, bytes], whole: Collection[str] = (), known_at: int = -1) -> int:
    """Join subjects by key, some thousands in each step; how many changed.

    Args:
        place: where.
        news: subjects as :func:`features.store.rows.dump` writes them.
        whole: the keys of which the news are all there is: what they do not say of a view is gone, and what
            they do not hide is shown again.
        known_at: the moment as of which that is so.

    Steps are taken in the order of the keys. Whoever is stopped between two has lost nothing: the same again changes
    nothing that is there.
    """
    keys = sorted(news)
    written = 0
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        written += place.change(some, lambda there, some=some: _joined(there, news, some, whole, known_at))  # type: ignore[misc]
    return written


def _joined(
    there: Mapping[str, bytes], news: Mapping[str, bytes], keys: list[str], whole: Collection[str], known_at: int
) -> dict[str, bytes]:
    changed: dict[str, bytes] = {}
    for key in keys:
        before = there.get(key)
        if before is None:
            changed[key] = news[key]
        elif before != news[key]:
            held, new = load(before), load(news[key])
            if key in whole:
                new.views |= {view: ViewRows(known_at) for view in held.views.keys() - new.views.keys()}
                if new.hidden.known_at < known_at:
                    new.hidden = HiddenFacts(known_at)
            if held.take(new):
                changed[key] = dump(held)
    return changed
