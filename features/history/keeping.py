"""How a delivery becomes a stored part: checked, numbered, compared with the list before, and committed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.units import LAST_DAY
from features.history.errors import HistoryError
from features.history.lists import (
    ROW_COLUMNS,
    changes,
    list_order,
    listing,
    overtaken,
)
from features.history.numbering import Numbering
from features.history.partitions import ENDED, LEFT, ROWS, SUBJECT, Part, Partitions
from features.history.records import QUARANTINED, ROW, STATUS, STATUS_TYPE, TRUE_FROM, TRUE_TO, Batch, View

Types = dict[str, pl.DataType]
_MOMENT = dt.timedelta(microseconds=1)
"""Moments of learning are kept in microseconds."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What came of a delivery.

    Attributes:
        taken: False where the same content, attested of the same day, was there already.
        new: rows stored.
        unchanged: rows that a list repeats; not stored again, their age begins anew.
        closed: subjects that the list before named and this one does not.
        overtaken: a list of a later day was known before; recorded, and read by nobody.
    """

    taken: bool
    new: int = 0
    unchanged: int = 0
    closed: int = 0
    overtaken: bool = False


def is_repeated(batch: Batch, parts: Sequence[Part]) -> bool:
    """Was the same content, attested of the same day, taken in before?"""
    identity = (batch.content_hash, batch.attested_on)
    return any((part.batch.content_hash, part.batch.attested_on) == identity for part in parts)


def learned_after(batch: Batch, parts: Sequence[Part], answered_until: dt.datetime | None) -> Batch:
    """The batch, learned after all that was answered for good, and after others of its view that were moved like it.

    A delivery whose reading began before a sweep and ended after it would else be known at a moment at which nobody
    knew it, and be news to no later sweep.
    """
    if answered_until is None or batch.learned_at > answered_until:
        return batch
    taken = {part.batch.learned_at for part in parts}
    moment = answered_until + _MOMENT
    while moment in taken:
        moment += _MOMENT
    return replace(batch, learned_at=moment)


def check(batch: Batch, view: View, rows: pl.DataFrame, types: Types) -> pl.DataFrame:
    """The rows with the columns and types of the view.

    Raises:
        HistoryError: something is missing, or has another type.
    """
    where = f"{batch.source} ({view.id})"
    if batch.learned_at.utcoffset() != dt.timedelta(0):
        raise HistoryError(where, "The moment of learning is not given in UTC.", "Pass an aware datetime in UTC.")
    fixed: Types = {
        ID: pl.String(),
        TRUE_FROM: pl.Date(),
        TRUE_TO: pl.Date(),
        STATUS: STATUS_TYPE,
        ROW: pl.UInt32(),
    }
    known = {**fixed, **types}
    missing = [name for name in fixed if name not in rows.columns]
    strange = [name for name in rows.columns if name not in known]
    if missing or strange:
        what = f"Columns are missing ({', '.join(missing)})" if missing else f"It has other columns ({strange[0]})"
        raise HistoryError(where, f"{what}.", "Rows hold id, true_from, true_to, status, row and the view's facts.")
    try:
        rows = rows.with_columns(pl.col(name).cast(known[name]) for name in rows.columns)
    except pl.exceptions.PolarsError:
        wrong = [name for name in rows.columns if rows.schema[name] != known[name]]
        raise HistoryError(where, f"Columns are not encoded: {', '.join(wrong)}.", "Encode them first.") from None
    bad = rows.filter(
        pl.col(ID).is_null() | (pl.col(ID) == NONE) | pl.col(TRUE_FROM).is_null() | pl.col(STATUS).is_null()
    )
    if bad.height:
        raise HistoryError(
            f"{where}, row {bad[ROW][0]}", "The id, the first day or the status is missing.", "Quarantine such rows."
        )
    return rows.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in types.items() if n not in rows.columns)


def ended(rows: pl.DataFrame, view: View) -> pl.DataFrame:
    """The rows, each ended no later than with the certificate (or the like) that it is about.

    What a certificate says is not known after its last day: it may have been renewed or have run out, and that is for
    its register to tell. A row that begins after that day says nothing either, and nothing older speaks in its place.
    The last day that a fact can have says that there is no end.
    """
    if view.ends_with is None:
        return rows
    last = pl.col(view.ends_with)
    after = pl.when(last < LAST_DAY).then(last.dt.offset_by("1d"))
    return rows.with_columns(pl.min_horizontal(TRUE_TO, after).alias(TRUE_TO))


def without_unreadable(rows: pl.DataFrame, facts: Sequence[str]) -> pl.DataFrame:
    """A row that could not be read says nothing of facts (its links may stand: it shows whose it is)."""
    if not (rows.get_column(STATUS) == QUARANTINED).any():
        return rows
    return rows.with_columns(pl.when(pl.col(STATUS) != QUARANTINED).then(pl.col(name)).alias(name) for name in facts)


def numbered(rows: pl.DataFrame, numbering: Numbering) -> tuple[pl.DataFrame, pl.Series]:
    """The rows by subject's number, one for each subject and first day; and the ids that have no number yet."""
    numbers = numbering.of(rows.get_column(ID))
    new = pl.Series([], dtype=pl.String)
    unknown = np.flatnonzero(numbers < 0)
    if len(unknown):
        named = rows.get_column(ID).gather(unknown)
        new = named.unique(maintain_order=True)
        order = pl.DataFrame({ID: new, SUBJECT: numbering.count + np.arange(len(new))})
        found = pl.DataFrame({ID: named}).join(order, on=ID, how="left", maintain_order="left")
        numbers[unknown] = found.get_column(SUBJECT).to_numpy()
    facts = [name for name in rows.columns if name not in (ID, *ROW_COLUMNS)]
    whole = rows.with_columns(pl.Series(SUBJECT, numbers, dtype=pl.UInt32)).select(*ROW_COLUMNS, *facts)
    keys = whole.select(SUBJECT, TRUE_FROM, ROW).with_row_index("@at").sort(SUBJECT, TRUE_FROM, ROW, "@at")
    last = keys.filter(
        ~(pl.struct(SUBJECT, TRUE_FROM) == pl.struct(SUBJECT, TRUE_FROM).shift(-1)).fill_null(value=False)
    )
    at = last.get_column("@at")
    return (whole if at.len() == whole.height and at.is_sorted() else whole[at]), new


def keep_message(partitions: Partitions, stem: str, batch: Batch, rows: pl.DataFrame) -> Part:
    """Store a delivery that lists only some subjects: every row of it."""
    if rows.height:
        partitions.write(stem, ROWS, rows)
    return Part(batch, stem, rows.height, 0, 0, rows.height, undated=False, overtaken=False)


def keep_list(
    partitions: Partitions, stem: str, batch: Batch, rows: pl.DataFrame, parts: Sequence[Part], types: Types
) -> tuple[tuple[Part, ...], bool]:
    """Store a list of everybody as what it changes against the list before.

    Args:
        partitions: where to.
        stem: the beginning of files' names, without the number of the part.
        batch: the delivery.
        rows: its rows.
        parts: every list of the view so far.
        types: of the columns of the view.

    Returns:
        The stored parts, and whether they stand for all earlier ones of the view: a list that belongs before others is
        inserted by storing them all anew, so that what is read depends on the lists alone, not on how they came.
    """
    undated = rows.height > 0 and bool((rows.get_column(TRUE_FROM) == batch.attested_on).all())
    chain = sorted((part for part in parts if not part.overtaken), key=lambda part: list_order(part.batch))
    behind = [*(part.batch for part in chain), batch]
    late = overtaken(behind)
    if late[-1]:
        return (Part(batch, f"{stem}-0", 0, 0, 0, rows.height, undated=undated, overtaken=True),), False
    if not any(late) and (not chain or list_order(chain[-1].batch) < list_order(batch)):
        return (_keep_changes(partitions, f"{stem}-0", batch, rows, chain, types, undated),), False
    return tuple(_inserted(partitions, stem, (batch, rows, undated), parts, chain, types)), True


def _keep_changes(
    partitions: Partitions,
    stem: str,
    batch: Batch,
    rows: pl.DataFrame,
    chain: Sequence[Part],
    types: Types,
    undated: bool,
) -> Part:
    before = listing(partitions, chain, [*ROW_COLUMNS, *types], types)
    found = changes(before, rows, list(types), undated=undated)
    if found.new.height:
        partitions.write(stem, ROWS, found.new)
    if found.ended.height:
        partitions.write(stem, ENDED, found.ended)
    if len(found.left):
        partitions.write(stem, LEFT, found.left.to_frame())
    return Part(
        batch, stem, found.new.height, found.ended.height, len(found.left), rows.height, undated, overtaken=False
    )


def _inserted(
    partitions: Partitions,
    stem: str,
    inserted: tuple[Batch, pl.DataFrame, bool],
    parts: Sequence[Part],
    chain: Sequence[Part],
    types: Types,
) -> list[Part]:
    """All lists of a view stored anew, with one among them that came later than its place."""
    columns = [*ROW_COLUMNS, *types]
    whole: list[tuple[Batch, pl.DataFrame, bool]] = [inserted]
    for position, part in enumerate(chain):
        rows = listing(partitions, chain[: position + 1], columns, types)
        if part.undated:
            rows = rows.with_columns(pl.lit(part.batch.attested_on).alias(TRUE_FROM))
        rows = rows.sort(SUBJECT, TRUE_FROM) if rows.height else inserted[1].clear()
        whole.append((part.batch, rows.select(name for name in columns if name in rows.columns), part.undated))
    whole.sort(key=lambda one: list_order(one[0]))
    late = overtaken([batch for batch, _, _ in whole])
    stored = [part for part in parts if part.overtaken]
    kept: list[Part] = []
    for number, ((batch, rows, undated), is_late) in enumerate(zip(whole, late, strict=True)):
        if is_late:
            stored.append(Part(batch, f"{stem}-{number}", 0, 0, 0, rows.height, undated, overtaken=True))
            continue
        kept.append(_keep_changes(partitions, f"{stem}-{number}", batch, rows, kept, types, undated))
    return [*stored, *kept]
