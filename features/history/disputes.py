"""When a register's own record of a fact changed: what closes a correction ticket by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import polars as pl

from features.history.partitions import ROWS, SUBJECT, Part, Partitions
from features.history.records import View
from features.history.speaking import Chosen, known_rows

Statement = tuple[str, int, int, int, object]


def first_change(
    partitions: Partitions,
    sources: Iterable[tuple[View, Sequence[Part]]],
    fact: str,
    subject: int,
    after: dt.datetime,
    count: int,
) -> dt.datetime | None:
    """The first moment after another at which a register says something else of a subject's fact.

    Args:
        partitions: where the rows are.
        sources: the register's views that carry the fact, each with its known parts in reading order.
        fact: the disputed fact.
        subject: the subject's number.
        after: the moment at which the ticket was opened.
        count: how many subjects of the kind there are.
    """
    found: list[dt.datetime] = []
    for view, parts in sources:
        then = _statements(partitions, view, _until(parts, after), fact, subject, count)
        for moment in sorted({part.batch.learned_at for part in parts if part.batch.learned_at > after}):
            now = _statements(partitions, view, _until(parts, moment), fact, subject, count)
            if now != then:
                found.append(moment)
                break
    return min(found, default=None)


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
