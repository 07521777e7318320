"""From what registers said to rows that hold until the next one: what Feast's point-in-time join reads.

Feast takes the last row on or before a day, so a period that ends is ended by a row of its own, without facts. How old a
value may be is told by the day it was attested (`ROW_ATTESTED`) and not by Feast's TTL, which counts from the first day.
"""

from __future__ import annotations

import polars as pl

from features.facts.encoding import ID
from features.facts.vocabulary import Vocabulary
from features.history.records import QUARANTINED, STATUS, TRUE_FROM, TRUE_TO, View
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
from features.history.statements import ATTESTED_ON, LEARNED_AT

_CLOSES, _DAY = "closes", "day"


def timeline(statements: pl.DataFrame, view: View, vocabulary: Vocabulary) -> pl.DataFrame:
    """What a view says, day by day: one row from each day on which a statement begins or ends with none after it.

    Args:
        statements: of the view, see :func:`features.store.statements.statements`.
        view: the facts to keep.
        vocabulary: their types.

    Returns:
        The key of the subject, the moments `EVENT` and `LEARNED`, `ROW_COLUMNS`, and the facts as stores hold them.
    """
    ordered = statements.sort(ID, TRUE_FROM).with_columns(
        pl.when(pl.col(TRUE_TO) > pl.col(TRUE_FROM)).then(TRUE_TO).otherwise(pl.when(pl.col(TRUE_TO).is_not_null()).then(TRUE_FROM)).alias(_CLOSES)
    )
    following = pl.col(TRUE_FROM).shift(-1).over(ID)
    ending = ordered.filter((pl.col(_CLOSES) > pl.col(TRUE_FROM)) & (pl.col(_CLOSES) < following).fill_null(value=True))
    empty = (pl.col(_CLOSES) == pl.col(TRUE_FROM)).fill_null(value=False)
    rows = pl.concat(
        [
            ordered.with_columns(pl.col(TRUE_FROM).alias(_DAY), empty.alias(_CLOSES)),
            ending.with_columns(pl.col(_CLOSES).alias(_DAY), pl.lit(value=True).alias(_CLOSES)),
        ]
    )
    silent = pl.col(_CLOSES) | (pl.col(STATUS) == QUARANTINED)
    return rows.select(
        pl.col(ID).alias(key_column(view.kind)),
        pl.col(_DAY).cast(pl.Datetime("us", "UTC")).alias(EVENT),
        pl.col(LEARNED_AT).alias(LEARNED),
        pl.when(_CLOSES).then(pl.lit(CLOSED)).otherwise(pl.col(STATUS).cast(pl.String)).alias(ROW_STATUS),
        pl.col(ATTESTED_ON).cast(pl.Int32).alias(ROW_ATTESTED),
        pl.col(TRUE_FROM).cast(pl.Int32).alias(ROW_TRUE_FROM),
        pl.col(LEARNED_AT).dt.epoch("us").alias(ROW_LEARNED),
        *(pl.when(~silent).then(to_stored(fact, fact_type(fact, vocabulary))).alias(fact) for fact in view.facts),
    )
