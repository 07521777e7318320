"""What a view states as known at a moment, with periods: for stores that keep more than one day's answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.history.lists import INDEX, SUBJECT
from features.history.partitions import ROWS, Part, Partitions
from features.history.records import STATUS, STATUS_TYPE, TRUE_FROM, TRUE_TO, WITHDRAWN
from features.history.speaking import EVER, Mask, known_rows

LEARNED_AT, ATTESTED_ON = "learned_at", "attested_on"
_PART = "part"


def statements(
    partitions: Partitions,
    parts: Sequence[Part],
    wanted: Mask | None,
    ids: pl.Series,
    types: dict[str, pl.DataType],
    *,
    full: bool,
) -> pl.DataFrame:
    """One row for each subject and first day: the last word on it, without what was withdrawn.

    Args:
        partitions: where the rows are.
        parts: those known, in reading order.
        wanted: by subject's number, whose; None: everybody's.
        ids: every id, in the order of their numbers.
        types: the view's columns.
        full: do deliveries list everybody?

    Returns:
        id, the columns of `types`, true_from, true_to (null: open), status, learned_at (UTC) and attested_on.
    """
    rows = known_rows(partitions, parts, wanted, full=full, subjects=len(ids))
    frame = pl.DataFrame(
        {
            SUBJECT: rows.subject,
            TRUE_FROM: pl.Series(rows.true_from).cast(pl.Date),
            TRUE_TO: pl.Series(np.where(rows.true_to == EVER, 0, rows.true_to)).cast(pl.Date),
            "open": rows.true_to == EVER,
            STATUS: STATUS_TYPE.categories.gather(pl.Series(rows.status)).cast(STATUS_TYPE),
            ATTESTED_ON: pl.Series(rows.attested).cast(pl.Date),
            _PART: rows.part.astype(np.uint32),
            INDEX: rows.index.astype(np.uint32),
        }
    )
    spoken = (
        frame.unique([SUBJECT, TRUE_FROM], keep="last", maintain_order=True)
        .filter(pl.col(STATUS) != WITHDRAWN)
        .with_columns(pl.when(~pl.col("open")).then(TRUE_TO).alias(TRUE_TO))
        .sort(_PART, INDEX)
    )
    told = [
        _told(partitions, part, spoken.filter(pl.col(_PART) == position), types) for position, part in enumerate(parts)
    ]
    schema = {**types, LEARNED_AT: pl.Datetime("us", "UTC")}
    facts = pl.concat([pl.DataFrame(schema=schema), *(t for t in told if t is not None)])
    named = ids.gather(spoken.get_column(SUBJECT)).alias(ID).to_frame()
    periods = spoken.select(TRUE_FROM, TRUE_TO, STATUS, ATTESTED_ON)
    return pl.concat([named, facts, periods], how="horizontal").sort(ID, TRUE_FROM)


def _told(partitions: Partitions, part: Part, rows: pl.DataFrame, types: dict[str, pl.DataType]) -> pl.DataFrame | None:
    if rows.height == 0:
        return None
    held = partitions.read(part.stem, ROWS, list(types))
    columns = [pl.col(n).cast(t) if n in held.columns else pl.lit(None, t).alias(n) for n, t in types.items()]
    moment = pl.lit(part.batch.learned_at).cast(pl.Datetime("us", "UTC")).alias(LEARNED_AT)
    return held[rows.get_column(INDEX)].select(*columns, moment)
