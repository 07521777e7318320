"""Which tickets a register's own record has closed, said slowly: each ticket alone, each moment from the beginning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from features.facts.vocabulary import Vocabulary
from features.history.deliveries import Deliveries
from features.history.partitions import ROWS, SUBJECT, Part, Partitions
from features.history.records import View
from features.history.speaking import Chosen, known_rows
from features.history.tickets import Ticket, Tickets, TicketState

Statement = tuple[str, int, int, int, object]


def slow_states(
    folder: Path, vocabulary: Vocabulary, views: Iterable[View], known_at: dt.datetime
) -> list[TicketState]:
    """Every ticket opened until a moment, as the files of a history tell of it, nothing being remembered."""
    deliveries = Deliveries(folder, vocabulary, views)
    deliveries.refresh()
    opened = [ticket for ticket in Tickets(folder).all() if ticket.opened_at <= known_at]
    return [TicketState(ticket, _closed_at(deliveries, ticket, known_at)) for ticket in opened]


def _closed_at(deliveries: Deliveries, ticket: Ticket, known_at: dt.datetime) -> dt.datetime | None:
    numbering = deliveries.numbering[ticket.kind]
    number = int(numbering.of(pl.Series([ticket.subject], dtype=pl.String))[0])
    moments = [ticket.answered_at] if ticket.answered_at is not None and ticket.answered_at <= known_at else []
    for view in deliveries.views.values() if number >= 0 else ():
        if (view.kind, view.register) == (ticket.kind, ticket.register) and ticket.fact in view.facts:
            parts = deliveries.known(view, known_at)
            moments += _changes(deliveries.partitions, view, parts, ticket, number, numbering.count)
    return min(moments, default=None)


def _changes(
    partitions: Partitions, view: View, parts: Sequence[Part], ticket: Ticket, subject: int, count: int
) -> list[dt.datetime]:
    """The moments after the ticket at which a view says something else than when it was opened."""
    then = _statements(partitions, view, _until(parts, ticket.opened_at), ticket.fact, subject, count)
    return [
        moment
        for moment in sorted({part.batch.learned_at for part in parts if part.batch.learned_at > ticket.opened_at})
        if _statements(partitions, view, _until(parts, moment), ticket.fact, subject, count) != then
    ]


def _until(parts: Sequence[Part], moment: dt.datetime) -> list[Part]:
    return [part for part in parts if part.batch.learned_at <= moment]


def _statements(
    partitions: Partitions, view: View, parts: Sequence[Part], fact: str, subject: int, count: int
) -> dict[int, Statement]:
    """What a view says of a subject's fact, by the first day of each statement; the last of each day speaks."""
    rows = known_rows(partitions, parts, Chosen.of([subject], count), full=view.full, subjects=count)
    said: dict[int, Statement] = {}
    for part, index, start, end, status in zip(
        rows.part, rows.index, rows.true_from, rows.true_to, rows.status, strict=True
    ):
        stored = partitions.read(parts[part].stem, ROWS, [SUBJECT, fact], [subject])
        cells = dict(zip(stored["index"], stored[fact], strict=True)) if fact in stored.columns else {}
        cell = cells.get(int(index))
        told = tuple(cell) if isinstance(cell, pl.Series) else cell
        said[int(start)] = (view.id, int(start), int(end), int(status), told)
    return said
