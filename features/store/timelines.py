"""From what registers said to rows that hold until the next one: what Feast's point-in-time join reads.

Feast takes the last row on or before a day, so a period that ends is ended by a row of its own, without facts. How old
a value may be is told by the day it was attested (`ROW_ATTESTED`) and not by Feast's TTL, which counts from the first.
"""

from __future__ import annotations

import polars as pl

from features.facts.encoding import ID
from features.facts.vocabulary import Vocabulary
from features.history.records import STATUS, TRUE_FROM, TRUE_TO, View
from features.history.statements import ATTESTED_ON, LEARNED_AT
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

_UNTIL, _DAY, _CLOSED = "until", "day", "closed"


def timeline(statements: pl.DataFrame, view: View, vocabulary: Vocabulary) -> pl.DataFrame:
    """What a view says, day by day: one row from each day on which a statement begins or ends with none after it.

    Args:
        statements: of the view, see :func:`features.store.statements.statements`.
        view: the facts to keep.
        vocabulary: their types.

    Returns:
        The key of the subject, the moments `EVENT` and `LEARNED`, `ROW_COLUMNS`, and the facts as stores hold them.
    """
    day, until = pl.col(TRUE_FROM), pl.max_horizontal(TRUE_FROM, TRUE_TO)
    ordered = statements.sort(ID, TRUE_FROM).with_columns(
        pl.when(pl.col(TRUE_TO).is_not_null()).then(until).alias(_UNTIL)
    )
    following = day.shift(-1).over(ID)
    ending = ordered.filter((pl.col(_UNTIL) > day) & (pl.col(_UNTIL) < following).fill_null(value=True))
    begun = ordered.with_columns(day.alias(_DAY), (pl.col(_UNTIL) == day).fill_null(value=False).alias(_CLOSED))
    ended = ending.with_columns(pl.col(_UNTIL).alias(_DAY), pl.lit(value=True).alias(_CLOSED))
    rows = pl.concat([begun, ended])
    return rows.select(
        pl.col(ID).alias(key_column(view.kind)),
        pl.col(_DAY).cast(pl.Datetime("us", "UTC")).alias(EVENT),
        pl.col(LEARNED_AT).alias(LEARNED),
        pl.when(_CLOSED).then(pl.lit(CLOSED)).otherwise(pl.col(STATUS).cast(pl.String)).alias(ROW_STATUS),
        pl.col(ATTESTED_ON).cast(pl.Int32).alias(ROW_ATTESTED),
        pl.col(TRUE_FROM).cast(pl.Int32).alias(ROW_TRUE_FROM),
        pl.col(LEARNED_AT).dt.epoch("us").alias(ROW_LEARNED),
        *(
            pl.when(~pl.col(_CLOSED)).then(to_stored(fact, fact_type(fact, vocabulary))).alias(fact)
            for fact in view.facts
        ),
    )
