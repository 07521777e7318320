"""From what registers said to rows that hold until the next one: what Feast's point-in-time join reads.

Feast takes the last row on or before a day. So whatever ends a value is a row of its own: the day on which a period
closes, and the day on which a value is too old. What was withdrawn is left out, what was corrected stands once.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from features.facts.encoding import ID
from features.facts.vocabulary import Vocabulary
from features.history.records import QUARANTINED, ROW, STATUS, TRUE_FROM, TRUE_TO, WITHDRAWN, View
from features.store.columns import (
    CLOSED,
    EVENT,
    LEARNED,
    ROW_ATTESTED,
    ROW_LEARNED,
    ROW_STATUS,
    ROW_TRUE_FROM,
    fact_type,
    key_column,
    to_stored,
)

LEARNED_AT, ATTESTED_ON = "learned_at", "attested_on"
_NEXT, _END, _DAY = "next_from", "end", "day"


def timeline(rows: pl.LazyFrame, view: View, vocabulary: Vocabulary) -> pl.LazyFrame:
    """What a view's rows say, day by day, one row from each day on which something changes.

    Args:
        rows: of one view, as known at one moment: id, its facts encoded, true_from, true_to, status, row, learned_at
            (UTC) and attested_on.
        view: the facts to keep.
        vocabulary: how old each fact may be.

    Returns:
        The key of the subject, the moments `EVENT` and `LEARNED`, `ROW_COLUMNS`, and the facts as stores hold them.
    """
    speaking = (
        rows.sort(ID, TRUE_FROM, LEARNED_AT, ROW)
        .unique([ID, TRUE_FROM], keep="last", maintain_order=True)
        .filter(pl.col(STATUS) != WITHDRAWN)
        .with_columns(pl.col(TRUE_FROM).shift(-1).over(ID).alias(_NEXT))
        .with_columns(pl.min_horizontal(TRUE_TO, _NEXT).alias(_END))
        # A period that ends before it begins says nothing; it still ends what was said before.
        .with_columns((pl.col(TRUE_TO) <= pl.col(TRUE_FROM)).fill_null(value=False).alias("is_empty"))
    )
    ages = sorted({months for fact in view.facts if (months := _maximum_age(fact, vocabulary)) is not None})
    days = speaking.with_columns(pl.concat_list(_days(ages)).list.unique().list.drop_nulls().alias(_DAY)).explode(_DAY)
    closed = (pl.col(TRUE_TO) <= pl.col(_DAY)).fill_null(value=False)
    silent = closed | (pl.col(STATUS) == QUARANTINED)
    status = pl.when(closed).then(pl.lit(CLOSED)).otherwise(pl.col(STATUS).cast(pl.String))
    return days.select(
        pl.col(ID).alias(key_column(view.kind)),
        pl.col(_DAY).cast(pl.Datetime("us", "UTC")).alias(EVENT),
        pl.col(LEARNED_AT).cast(pl.Datetime("us", "UTC")).alias(LEARNED),
        status.alias(ROW_STATUS),
        pl.col(ATTESTED_ON).cast(pl.Int32).alias(ROW_ATTESTED),
        pl.col(TRUE_FROM).cast(pl.Int32).alias(ROW_TRUE_FROM),
        pl.col(LEARNED_AT).cast(pl.Datetime("us", "UTC")).dt.epoch("us").alias(ROW_LEARNED),
        *(_fact(fact, silent, vocabulary) for fact in view.facts),
    )


def _days(ages: Iterable[int]) -> list[pl.Expr]:
    """The days on which a row has something new to say: its first, its end unless another begins, and each expiry."""
    closes = (pl.col(TRUE_TO) < pl.col(_NEXT)).fill_null(value=True)
    days = [pl.col(TRUE_FROM), pl.when(closes & ~pl.col("is_empty")).then(pl.col(TRUE_TO))]
    for months in ages:
        day = stale_on(months)
        still = (day < pl.col(_END)).fill_null(value=True)
        days.append(pl.when((day > pl.col(TRUE_FROM)) & still & (pl.col(STATUS) != QUARANTINED)).then(day))
    return days


def _fact(fact: str, silent: pl.Expr, vocabulary: Vocabulary) -> pl.Expr:
    months = _maximum_age(fact, vocabulary)
    if months is not None:
        silent = silent | (stale_on(months) <= pl.col(_DAY))
    stored = to_stored(fact, fact_type(fact, vocabulary))
    return pl.when(~silent).then(stored).alias(fact)


def stale_on(months: int) -> pl.Expr:
    """The first day on which what a row says is too old."""
    return pl.col(ATTESTED_ON).dt.offset_by(f"{months}mo")


def _maximum_age(fact: str, vocabulary: Vocabulary) -> int | None:
    found = vocabulary.dictionary.facts.get(fact)
    return None if found is None else found.maximum_age_months
