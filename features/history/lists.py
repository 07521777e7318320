"""Views whose deliveries list everybody: one list after the other, each stored as what it changes.

Lists are read in the order of the day they speak for. A list that was learned after one of a later day is overtaken:
it is recorded and read by nobody, for what the register said of a later day was known already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl

from features.history.partitions import DELIVERY, ENDED, INDEX, ROWS, SUBJECT, Part, Partitions
from features.history.records import ROW, STATUS, TRUE_FROM, TRUE_TO, Batch

ENDED_SCHEMA = pl.Schema({DELIVERY: pl.UInt32(), INDEX: pl.UInt32()})

T = TypeVar("T")


def list_order(batch: Batch) -> tuple[object, ...]:
    """In which order lists are read."""
    return (batch.attested_on, batch.learned_at, batch.content_hash)


def message_order(batch: Batch) -> tuple[object, ...]:
    """In which order deliveries that list only some are read."""
    return (batch.learned_at, batch.attested_on, batch.content_hash)


def overtaken(batches: Sequence[Batch]) -> list[bool]:
    """Which lists were learned after a list of a later day."""
    return [
        any(other.attested_on > batch.attested_on and other.learned_at < batch.learned_at for other in batches)
        for batch in batches
    ]


def listing(
    partitions: Partitions, chain: Sequence[Part], columns: Sequence[str], types: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """The rows that the last of these lists holds, with where each is stored (`delivery`, `index`).

    Args:
        partitions: where the rows are.
        chain: the lists, in reading order.
        columns: those to read, as far as they were delivered.
        types: of the view's columns today. A list may have been stored when fewer codes were known: before a district
            got a code of its own, or a code list a new entry.
    """
    frames: list[pl.DataFrame] = []
    ended = _ended(partitions, chain)
    for position, part in enumerate(chain):
        if part.new == 0:
            continue
        rows = partitions.read(part.stem, ROWS, columns).with_row_index(INDEX)
        rows = rows.cast({name: types[name] for name in rows.columns if name in types})
        gone = ended.filter(pl.col(DELIVERY) == position).get_column(INDEX)
        if len(gone):
            live = np.ones(part.new, dtype=np.bool_)
            live[gone.to_numpy()] = False
            rows = rows.filter(pl.Series(live))
        frames.append(rows.with_columns(pl.lit(position, pl.UInt32).alias(DELIVERY)))
    if not frames:
        return pl.DataFrame(schema={SUBJECT: pl.UInt32, **ENDED_SCHEMA})
    return pl.concat(frames, how="diagonal")


def _ended(partitions: Partitions, chain: Sequence[Part]) -> pl.DataFrame:
    marks = [partitions.read(part.stem, ENDED) for part in chain if part.ended]
    return pl.concat([pl.DataFrame(schema=ENDED_SCHEMA), *marks])


@dataclass(frozen=True, slots=True)
class Changes:
    """What a list changes against the one before it."""

    new: pl.DataFrame
    ended: pl.DataFrame
    left: pl.Series
    unchanged: int


def changes(before: pl.DataFrame, rows: pl.DataFrame, facts: Sequence[str], *, undated: bool) -> Changes:
    """Compare a list with the one before.

    A row says nothing new where the list before held it with the same period, status and facts. Of a list without
    dates it says nothing new where the subject's latest row of the list before had the same status and facts.

    Args:
        before: the rows of the list before, as :func:`listing` gives them.
        rows: the rows of this one, one for each subject and first day.
        facts: the columns to compare.
        undated: see :class:`features.history.partitions.Part`.
    """
    if before.height == 0:
        return Changes(rows, pl.DataFrame(schema=ENDED_SCHEMA), pl.Series([], dtype=pl.UInt32), 0)
    held = [name for name in facts if name in before.columns]
    fresh = [name for name in facts if name not in before.columns]
    latest = before.sort(SUBJECT, TRUE_FROM).unique(SUBJECT, keep="last") if undated else before
    keys = [SUBJECT] if undated else [SUBJECT, TRUE_FROM]
    compared = [STATUS, TRUE_TO, *held]
    pairs = rows.join(
        latest.select(*keys, *compared, DELIVERY, INDEX), on=keys, how="left", suffix="@", nulls_equal=True
    )
    same = pl.all_horizontal(
        pl.col(INDEX).is_not_null(),
        *(pl.col(name).eq_missing(pl.col(name + "@")) for name in compared),
        *(pl.col(name).is_null() for name in fresh),
    )
    pairs = pairs.with_columns(same.alias("@same"))
    kept = pairs.filter("@same").select(DELIVERY, INDEX)
    new = pairs.filter(~pl.col("@same")).select(rows.columns)
    ended = before.select(DELIVERY, INDEX).join(kept, on=[DELIVERY, INDEX], how="anti").cast(ENDED_SCHEMA)
    left = before.select(SUBJECT).unique().join(rows.select(SUBJECT), on=SUBJECT, how="anti").get_column(SUBJECT)
    return Changes(new, ended.sort(DELIVERY, INDEX), left.sort(), kept.height)


ROW_COLUMNS = (SUBJECT, TRUE_FROM, TRUE_TO, STATUS, ROW)
"""The columns every stored row has, before those of its view."""
