"""Which tickets a register's own record has closed: found for all of them together, and remembered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.history.deliveries import Deliveries
from features.history.disputes import Disputed, first_changes
from features.history.numbering import Numbers
from features.history.records import View
from features.history.tickets import Ticket

Moments = Sequence[dt.datetime | None]


@dataclass(frozen=True, slots=True)
class _Followed:
    """A view as it was last gone through.

    Attributes:
        stems: of its parts, in reading order.
        until: when the last of them was learned; None: there was none.
        tickets: how many tickets there were.
        changed: by place of a ticket when the view first said something else.
    """

    stems: tuple[str, ...]
    until: dt.datetime | None
    tickets: int
    changed: dict[int, dt.datetime]


_NEVER = _Followed((), None, 0, {})


class Closings:
    """The moment at which registers changed what was disputed.

    It depends on what was delivered, not on the moment of knowledge asked about: who asks of an earlier one leaves out
    what came later. So each view is gone through once after each delivery, for all tickets that it may close.

    Args:
        deliveries: what registers said; refreshed by whoever asks.
    """

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._followed: dict[str, _Followed] = {}
        self._found: tuple[int, Sequence[Ticket], Moments] = (0, (), ())
        self._carriers: dict[tuple[str, str, str], list[View]] = {}
        for view in deliveries.views.values():
            for fact in view.facts:
                self._carriers.setdefault((view.kind, view.register, fact), []).append(view)

    def changed_at(self, tickets: Sequence[Ticket]) -> Moments:
        """For each ticket when a view of its register first said something else of its fact; None: none did yet.

        Args:
            tickets: every ticket there is, oldest first.
        """
        commit, known, moments = self._found
        if (commit, known) != (self._deliveries.last_commit, tickets):
            moments = self._changed_at(tickets)
            self._found = (self._deliveries.last_commit, tickets, moments)
        return moments

    def _changed_at(self, tickets: Sequence[Ticket]) -> Moments:
        of_view: dict[str, list[int]] = {}
        for place, ticket in enumerate(tickets):
            for view in self._carriers.get((ticket.kind, ticket.register, ticket.fact), ()):
                of_view.setdefault(view.id, []).append(place)
        numbers = self._numbers(tickets) if of_view else np.zeros(0, dtype=np.int64)
        found: list[dt.datetime | None] = [None] * len(tickets)
        for view_id, places in of_view.items():
            for place, moment in self._follow(self._deliveries.views[view_id], tickets, numbers, places).items():
                before = found[place]
                found[place] = moment if before is None else min(before, moment)
        return found

    def _follow(
        self, view: View, tickets: Sequence[Ticket], numbers: Numbers, places: Sequence[int]
    ) -> dict[int, dt.datetime]:
        """By place of a ticket when a view changed; looked for only where that is not known already."""
        parts = self._deliveries.known(view, dt.datetime.max.replace(tzinfo=dt.UTC))
        stems = tuple(part.stem for part in parts)
        before = self._followed.get(view.id, _NEVER)
        came = parts[len(before.stems) :]
        if stems[: len(before.stems)] != before.stems or any(
            before.until is not None and part.batch.learned_at <= before.until for part in came
        ):
            before, came = _NEVER, parts  # something was put among what had been read
        wanted = [
            place
            for place in places
            if numbers[place] >= 0 and place not in before.changed and (came or place >= before.tickets)
        ]
        disputed = [
            Disputed(int(numbers[place]), tickets[place].fact, _since(tickets[place], place, before))
            for place in wanted
        ]
        count = self._deliveries.numbering[view.kind].count
        moments = first_changes(self._deliveries.partitions, view, parts, disputed, count)
        new = {place: moment for place, moment in zip(wanted, moments, strict=True) if moment is not None}
        until = parts[-1].batch.learned_at if parts else None
        self._followed[view.id] = _Followed(stems, until, len(tickets), before.changed | new)
        return before.changed | new

    def _numbers(self, tickets: Sequence[Ticket]) -> Numbers:
        """The number of each ticket's subject; -1 where nothing was ever said of it."""
        found = np.full(len(tickets), -1, dtype=np.int64)
        for kind, numbering in self._deliveries.numbering.items():
            mine = [place for place, ticket in enumerate(tickets) if ticket.kind == kind]
            if mine:
                found[mine] = numbering.of(pl.Series([tickets[place].subject for place in mine], dtype=pl.String))
        return found


def _since(ticket: Ticket, place: int, followed: _Followed) -> dt.datetime:
    """From when on a view is to be looked at: of what was looked for already, from there on."""
    if place < followed.tickets and followed.until is not None:
        return max(ticket.opened_at, followed.until)
    return ticket.opened_at
