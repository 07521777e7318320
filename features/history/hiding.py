"""Which facts are not to be used, whatever registers say: withheld, or disputed by a ticket that is open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import polars as pl

from features.facts.values import Gap
from features.history.deliveries import Deliveries
from features.history.disputes import first_change
from features.history.merging import GAPS
from features.history.reading import Hidden
from features.history.tickets import Ticket, Tickets, TicketState
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
        self._closed: dict[tuple[int, int, dt.datetime], dt.datetime | None] = {}

    def gaps(self, kind: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> dict[tuple[str, str], Gap]:
        """By subject and fact why it is not to be used.

        What is withheld counts as withheld, even if it is disputed too.

        Args:
            kind: the kind of subject.
            known_at: what was learned later does not exist.
            ids: only of these subjects.
        """
        chosen = None if ids is None else set(ids)
        tickets = [
            ticket
            for ticket in self._tickets.all()
            if ticket.kind == kind and ticket.opened_at <= known_at and (chosen is None or ticket.subject in chosen)
        ]
        disputed = {(t.subject, t.fact): Gap.CONFLICTING for t in tickets if self._closed_at(t, known_at) is None}
        withheld = dict.fromkeys(self._withholding.in_force(kind, known_at), Gap.WITHHELD)
        return disputed | {pair: gap for pair, gap in withheld.items() if chosen is None or pair[0] in chosen}

    def by_fact(self, kind: str, known_at: dt.datetime, names: Collection[str]) -> dict[str, list[Hidden]]:
        """The same for some facts of everybody, by subjects' numbers, as a reading of a day takes it."""
        hidden: dict[str, list[Hidden]] = {}
        wanted = set(names)
        by_fact: dict[tuple[str, Gap], list[str]] = {}
        for (subject, fact), gap in sorted(self.gaps(kind, known_at).items()):
            if fact in wanted:
                by_fact.setdefault((fact, gap), []).append(subject)
        for (fact, gap), ids in by_fact.items():
            numbers = self._deliveries.numbering[kind].of(pl.Series(ids, dtype=pl.String))
            hidden.setdefault(fact, []).append(Hidden(numbers[numbers >= 0], GAPS.index(gap)))
        return hidden

    def ticket_states(self, known_at: dt.datetime) -> list[TicketState]:
        """Every ticket opened until a moment, and whether it is still open then."""
        opened = [ticket for ticket in self._tickets.all() if ticket.opened_at <= known_at]
        return [TicketState(ticket, self._closed_at(ticket, known_at)) for ticket in opened]

    def _closed_at(self, ticket: Ticket, known_at: dt.datetime) -> dt.datetime | None:
        key = (ticket.id, self._deliveries.last_commit, known_at)
        if key not in self._closed:
            numbering = self._deliveries.numbering[ticket.kind]
            number = int(numbering.of(pl.Series([ticket.subject], dtype=pl.String))[0])
            sources = [
                (view, self._deliveries.known(view, known_at))
                for view in self._deliveries.views.values()
                if (view.kind, view.register) == (ticket.kind, ticket.register) and ticket.fact in view.facts
            ]
            self._closed[key] = None
            if number >= 0:
                self._closed[key] = first_change(
                    self._deliveries.partitions, sources, ticket.fact, number, ticket.opened_at, numbering.count
                )
        answered = ticket.answered_at if ticket.answered_at and ticket.answered_at <= known_at else None
        return min((moment for moment in (self._closed[key], answered) if moment is not None), default=None)
