"""Whose records have changed: because something was learned, or because a day has come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.history.lists import listing
from features.history.merging import add_months, stale_days
from features.history.numbering import Numbering
from features.history.partitions import DELIVERY, ENDED, INDEX, LEFT, ROWS, SUBJECT, Part, Partitions
from features.history.records import ROW, View
from features.history.speaking import EVER, Mask, day_number, known_rows
from features.history.tickets import Tickets
from features.history.withholding import Withholding

NEWS_SCHEMA = {
    "kind": pl.String(),
    ID: pl.String(),
    "view": pl.String(),
    "record": pl.String(),
    "learned_at": pl.Datetime("us", "UTC"),
}
UNLISTED_ROW = 0
"""The row named where a list changes something of a subject without a new row: it leaves it out, or one of its rows,
or says it again."""


def of_view(
    partitions: Partitions,
    view: View,
    parts: Sequence[Part],
    after: dt.datetime,
    until: dt.datetime,
    numbering: Numbering,
    shortest_age: int | None,
) -> list[pl.DataFrame]:
    """Changes of a view that were learned in `(after, until]`.

    Args:
        partitions: where the rows are.
        view: the view.
        parts: all its parts that are read, in reading order.
        after: learned later than this,
        until: and not later than this.
        numbering: of its kind.
        shortest_age: the shortest maximum age of its facts, in months; None: none ages.
    """
    frames: list[pl.DataFrame] = []
    for position, part in enumerate(parts):
        if not after < part.batch.learned_at <= until:
            continue
        if part.new:
            rows = partitions.read(part.stem, ROWS, [SUBJECT, ROW])
            frames.append(_news(view, part, rows, numbering))
        if part.left:
            frames.append(_news(view, part, _unlisted(partitions.read(part.stem, LEFT)), numbering))
        if part.ended:
            frames.append(_news(view, part, _unlisted(_shortened(partitions, parts, position)), numbering))
        if view.full and position and _renews(part, parts[position - 1], shortest_age):
            listed = listing(partitions, parts[: position + 1], [SUBJECT], {}).select(SUBJECT).unique()
            frames.append(_news(view, part, _unlisted(listed), numbering))
    return frames


def _shortened(partitions: Partitions, parts: Sequence[Part], position: int) -> pl.DataFrame:
    """Subjects that a list still names, without new rows, and without a row that the list before held of them."""
    part = parts[position]
    marks = partitions.read(part.stem, ENDED)
    named = [pl.DataFrame(schema={SUBJECT: pl.UInt32})]
    for (stored,), rows in marks.group_by(DELIVERY):
        assert isinstance(stored, int)
        named.append(partitions.read(parts[stored].stem, ROWS, [SUBJECT])[rows.get_column(INDEX)])
    found = pl.concat(named).unique()
    told = [(ROWS, part.new), (LEFT, part.left)]
    for other in (partitions.read(part.stem, what, [SUBJECT]) for what, rows in told if rows):
        found = found.join(other, on=SUBJECT, how="anti")
    return found


def _renews(part: Part, before: Part, shortest_age: int | None) -> bool:
    """May a value that had grown too old since the list before be fresh again?"""
    if shortest_age is None:
        return False
    latest = max(part.batch.attested_on, part.batch.learned_at.date())
    return add_months(before.batch.attested_on, shortest_age) <= latest


def _unlisted(subjects: pl.DataFrame) -> pl.DataFrame:
    return subjects.select(SUBJECT).with_columns(pl.lit(UNLISTED_ROW, pl.UInt32).alias(ROW))


def _news(view: View, part: Part, rows: pl.DataFrame, numbering: Numbering) -> pl.DataFrame:
    return rows.select(
        pl.lit(view.kind).alias("kind"),
        numbering.ids.gather(rows.get_column(SUBJECT)).alias(ID),
        pl.lit(view.id).alias("view"),
        pl.format("{}:{}", pl.lit(part.batch.content_hash), pl.col(ROW)).alias("record"),
        pl.lit(part.batch.learned_at).cast(NEWS_SCHEMA["learned_at"]).alias("learned_at"),
    )


def of_people(tickets: Tickets, withholding: Withholding, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
    """What people disputed or withheld in `(after, until]`, or released, or what a register answered."""
    told = [(t.kind, t.subject, "tickets", t.id, t.opened_at) for t in tickets.all()]
    told += [(t.kind, t.subject, "tickets", t.id, t.answered_at) for t in tickets.all() if t.answered_at is not None]
    told += [(w.kind, w.subject, "withholding", w.number, w.learned_at) for w in withholding.entries()]
    rows = [
        (kind, subject, view, f"{view}:{number}", moment)
        for kind, subject, view, number, moment in told
        if after < moment <= until
    ]
    return pl.DataFrame(rows, schema=NEWS_SCHEMA, orient="row")


def gathered(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """All news, by moment."""
    empty = pl.DataFrame(schema=NEWS_SCHEMA)
    return pl.concat([empty, *frames]).unique().sort("learned_at", "kind", ID, "view", "record")


def turning(
    partitions: Partitions,
    view: View,
    parts: Sequence[Part],
    after: dt.date,
    until: dt.date,
    count: int,
    ages: Iterable[int],
) -> Mask:
    """By number: of whom does something begin or end to hold in `(after, until]`, or a value grow too old?

    Args:
        partitions: where the rows are.
        view: the view.
        parts: those known, in reading order.
        after: later than this day,
        until: and not later than this day.
        count: how many subjects of the kind there are.
        ages: maximum ages, in months, of facts that other views carry too.
    """
    rows = known_rows(partitions, parts, None, full=view.full, subjects=count)
    low, high = day_number(after), day_number(until)
    turned = (rows.true_from > low) & (rows.true_from <= high)
    turned |= (rows.true_to > low) & (rows.true_to <= high) & (rows.true_to != EVER)
    for months in set(ages):
        stale = stale_days(rows.attested, months)
        turned |= (stale > low) & (stale <= high)
    named = np.zeros(count, dtype=np.bool_)
    named[rows.subject[turned]] = True
    return named
