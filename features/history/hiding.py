"""Which facts are not to be used, whatever registers say: withheld, or disputed by a ticket that is open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

import polars as pl

from features.facts.values import Gap
from features.history.closing import Closings
from features.history.deliveries import Deliveries
from features.history.merging import GAPS
from features.history.reading import Hidden
from features.history.tickets import Tickets, TicketState
from features.history.withholding import Withholding


class Hiding:
    """What people withhold and dispute, brought together with what registers said since.

    Args:
        deliveries: what registers said; refreshed by whoever asks.
        tickets: what is disputed.
        withholding: what is withheld.
    """

    def __init__(self, deliveries: Deliveries, tickets: Tickets, withholding: Withholding) -> None:
        self._deliveries, self._tickets, self._withholding = deliveries, tickets, withholding
        self._closings = Closings(deliveries)

    def gaps(self, kind: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> dict[tuple[str, str], Gap]:
        """By subject and fact why it is not to be used.

        What is withheld counts as withheld, even if it is disputed too.

        Args:
            kind: the kind of subject.
            known_at: what was learned later does not exist.
            ids: only of these subjects.
        """
        chosen = None if ids is None else set(ids)
        disputed = {
            (state.ticket.subject, state.ticket.fact): Gap.CONFLICTING
            for state in self.ticket_states(known_at)
            if state.closed_at is None
            and state.ticket.kind == kind
            and (chosen is None or state.ticket.subject in chosen)
        }
        withheld = dict.fromkeys(self._withholding.in_force(kind, known_at), Gap.WITHHELD)
        return disputed | {pair: gap for pair, gap in withheld.items() if chosen is None or pair[0] in chosen}

    def by_fact(self, kind: str, known_at: dt.datetime, names: Collection[str]) -> dict[str, list[Hidden]]:
        """The same for some facts of everybody, by subjects' numbers, as a reading of a day takes it."""
        wanted = set(names)
        told = [
            (fact, gap, subject) for (subject, fact), gap in sorted(self.gaps(kind, known_at).items()) if fact in wanted
        ]
        numbers = self._deliveries.numbering[kind].of(pl.Series([subject for _, _, subject in told], dtype=pl.String))
        places: dict[tuple[str, Gap], list[int]] = {}
        for place, (fact, gap, _) in enumerate(told):
            if numbers[place] >= 0:
                places.setdefault((fact, gap), []).append(place)
        hidden: dict[str, list[Hidden]] = {}
        for (fact, gap), mine in places.items():
            hidden.setdefault(fact, []).append(Hidden(numbers[mine], GAPS.index(gap)))
        return hidden

    def ticket_states(self, known_at: dt.datetime) -> list[TicketState]:
        """Every ticket opened until a moment, and whether it is still open then."""
        tickets = self._tickets.all()
        return [
            TicketState(ticket, _first_known([changed_at, ticket.answered_at], known_at))
            for ticket, changed_at in zip(tickets, self._closings.changed_at(tickets), strict=True)
            if ticket.opened_at <= known_at
        ]


def _first_known(moments: Iterable[dt.datetime | None], known_at: dt.datetime) -> dt.datetime | None:
    return min((moment for moment in moments if moment is not None and moment <= known_at), default=None)
