"""The online store brought up to what the history knows: filled the first time, then told what changed.

How far it has come is noted beside its rows, so a store that lost them is filled anew. The note is made twice: before
the rows with the moment that they are written as of, after them with the position reached. Whoever is stopped between
the two goes on from the position before; to write the same again changes nothing.

One at a time: the caller sees to it (`serving.online` holds a lock), because of two states of one subject the store
keeps the one of the later moment.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from features.history.position import Position
from features.history.records import View
from features.store.backends.place import Place
from features.store.filling import OnlineFiller
from features.store.places import CAUGHT_UP_KEY
from features.store.rows import moment_number, moment_of

_INSTANT = dt.timedelta(microseconds=1)
Kept = dict[str, list[str]]
"""Facts by view."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an online store has come.

    Attributes:
        known_at: the moment as of which its rows are; while it is written, as of which they are going to be.
        position: of the history, up to which it is told. None: it is not filled yet, or filled for other purposes.
        kept: the facts that it keeps, by view.
    """

    known_at: dt.datetime
    position: Position | None
    kept: Kept

    def views(self, all_views: Iterable[View]) -> tuple[View, ...]:
        """The views cut down to what is kept."""
        cut = (replace(v, facts=tuple(f for f in v.facts if f in self.kept.get(v.id, ()))) for v in all_views)
        return tuple(view for view in cut if view.facts)


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What catching up came to: was everybody written, or only changes; how many subjects differ now; as known when."""

    filled: bool
    written: int
    known_at: dt.datetime


def read_mark(place: Place) -> Mark | None:
    """How far a store has come; None where it was never filled, or lost what it held."""
    raw = place.read([CAUGHT_UP_KEY]).get(CAUGHT_UP_KEY)
    if raw is None:
        return None
    told = json.loads(raw)
    position = None if told["position"] is None else Position(**told["position"])
    return Mark(moment_of(told["known_at"]), position, told["kept"])


def is_current(filler: OnlineFiller) -> bool:
    """Does the store hold all that the history knows, of the facts that the filler keeps?"""
    mark = read_mark(filler.place)
    return mark is not None and mark.kept == _kept(filler) and mark.position == filler.told.position()


def catch_up(filler: OnlineFiller, now: dt.datetime, *, anew: bool = False) -> CaughtUp:
    """Tell the store what was written to the history since it was told last; everything where that is not known.

    Args:
        filler: of the store, with the views to keep. Where they are others than before, everybody is written.
        now: this moment (UTC). Rows are written as of a later one where deliveries bear one, or the clock was set back.
        anew: write everybody, however far the store has come.

    Raises:
        StoreUnreachableError: its server does not answer; the next call goes on.
    """
    filler.place.prepare()
    mark, kept, told = read_mark(filler.place), _kept(filler), filler.told
    reached = mark.position if mark is not None and mark.kept == kept and not anew else None
    position = told.position()  # Before anything is read: what comes meanwhile is told again the next time.
    since = told.learned_since(reached or Position())
    if mark is not None and reached is not None and since is None:
        return CaughtUp(filled=False, written=0, known_at=mark.known_at)
    moments = [now] if since is None else [now, since.last]
    if mark is not None:
        moments.append(mark.known_at + _INSTANT)
    known_at = max(moments)
    _note(filler.place, Mark(known_at, reached, kept))
    if reached is None or since is None:
        written = filler.fill(known_at)
    else:
        written = filler.push_changes(told.changed(since.first - _INSTANT, known_at), known_at)
    _note(filler.place, Mark(known_at, position, kept))
    return CaughtUp(reached is None, written, known_at)


def _kept(filler: OnlineFiller) -> Kept:
    return {view.id: sorted(view.facts) for view in filler.views}


def _note(place: Place, mark: Mark) -> None:
    position = None if mark.position is None else asdict(mark.position)
    told = {"known_at": moment_number(mark.known_at), "position": position, "kept": mark.kept}

    def noted(_: Mapping[str, bytes]) -> dict[str, bytes]:
        return {CAUGHT_UP_KEY: json.dumps(told, sort_keys=True).encode()}

    place.change([CAUGHT_UP_KEY], noted)
