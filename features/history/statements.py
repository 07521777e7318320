"""What a view states as known at a moment, with periods: for stores that keep more than one day's answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import polars as pl

from features.facts.encoding import ID, decode
from features.facts.values import Gap
from features.facts.vocabulary import Vocabulary
from features.history.deliveries import Deliveries
from features.history.merging import add_months
from features.history.partitions import INDEX, ROWS, SUBJECT, Part, Partitions
from features.history.records import (
    QUARANTINED,
    STATUS,
    STATUS_TYPE,
    TRUE_FROM,
    TRUE_TO,
    WITHDRAWN,
    Statement,
    View,
)
from features.history.speaking import EVER, Chosen, known_rows

LEARNED_AT, ATTESTED_ON = "learned_at", "attested_on"
FACT, GAP = "fact", "gap"
_PART = "part"


def rows_stated(deliveries: Deliveries, view: View, known_at: dt.datetime, ids: Collection[str] | None) -> pl.DataFrame:
    """One row for each subject and first day: the last word on it, without what was withdrawn.

    Args:
        deliveries: what was delivered.
        view: whose rows.
        known_at: what was learned later does not exist.
        ids: only of these subjects; None: everybody's.

    Returns:
        id, the view's columns, true_from, true_to (null: open), status, learned_at (UTC) and attested_on.
    """
    partitions, numbering, types = deliveries.partitions, deliveries.numbering[view.kind], deliveries.types[view.id]
    parts = deliveries.known(view, known_at)
    wanted: Chosen | None = None
    if ids is not None:
        numbers = numbering.of(pl.Series(list(ids), dtype=pl.String))
        wanted = Chosen.of(np.unique(numbers[numbers >= 0]), numbering.count)
    rows = known_rows(partitions, parts, wanted, full=view.full, subjects=numbering.count)
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
        _told(partitions, part, spoken.filter(pl.col(_PART) == position), types, None if wanted is None else wanted.few)
        for position, part in enumerate(parts)
    ]
    schema = {**types, LEARNED_AT: pl.Datetime("us", "UTC")}
    facts = pl.concat([pl.DataFrame(schema=schema), *(t for t in told if t is not None)])
    named = numbering.ids.gather(spoken.get_column(SUBJECT)).alias(ID).to_frame()
    periods = spoken.select(TRUE_FROM, TRUE_TO, STATUS, ATTESTED_ON)
    return pl.concat([named, facts, periods], how="horizontal").sort(ID, TRUE_FROM)


def last_words(
    rows: pl.DataFrame, view: View, vocabulary: Vocabulary, names: Collection[str], on_date: dt.date
) -> Iterator[tuple[str, Statement]]:
    """By fact or link the last of one subject's rows from on or before a day.

    Args:
        rows: of one subject, as :func:`rows_stated` gives them.
        view: which they are of.
        vocabulary: of the facts.
        names: the facts and links asked for.
        on_date: the day.
    """
    begun = rows.filter(pl.col(TRUE_FROM) <= on_date)
    if begun.is_empty():
        return
    row = begun.row(-1, named=True)
    unreadable = row[STATUS] == QUARANTINED
    for name in (name for name in view.facts if name in names):
        cell, fact = row[name], vocabulary.dictionary.facts.get(name)
        if cell is None and not unreadable:
            continue
        ages = None if fact is None else fact.maximum_age_months
        yield (
            name,
            Statement(
                view.id,
                view.register,
                cell if fact is None or cell is None else decode(fact, cell),
                row[TRUE_FROM],
                row[TRUE_TO],
                row[ATTESTED_ON],
                row[LEARNED_AT],
                None if ages is None else add_months(row[ATTESTED_ON], ages),
            ),
        )


def last_list(deliveries: Deliveries, view: View, known_at: dt.datetime) -> dt.date | None:
    """The day for which the last list known at a moment speaks; None: there is none, or deliveries are no lists."""
    parts = deliveries.known(view, known_at) if view.full else []
    return parts[-1].batch.attested_on if parts else None


def with_first_days(
    deliveries: Deliveries, kind: str, known_at: dt.datetime, hidden: Mapping[tuple[str, str], Gap]
) -> pl.DataFrame:
    """Hidden facts with the first day of which anything was ever said of their subjects; without whom nobody named.

    Args:
        deliveries: what was delivered.
        kind: the kind of subject.
        known_at: what was learned later does not exist.
        hidden: by subject and fact, why.

    Returns:
        `id`, `fact`, `gap` (its code) and `true_from`, sorted.
    """
    pairs = pl.DataFrame(
        [(subject, fact, gap.value) for (subject, fact), gap in sorted(hidden.items())],
        schema={ID: pl.String, FACT: pl.String, GAP: pl.String},
        orient="row",
    )
    numbering = deliveries.numbering[kind]
    numbers = numbering.of(pairs.get_column(ID))
    wanted = Chosen.of(np.unique(numbers[numbers >= 0]), numbering.count)
    first = np.full(numbering.count + 1, EVER, dtype=np.int32)  # the last place: of whom nothing was said
    for view in deliveries.views.values() if pairs.height else ():
        if view.kind == kind:
            parts = deliveries.known(view, known_at)
            rows = known_rows(deliveries.partitions, parts, wanted, full=view.full, subjects=numbering.count)
            np.minimum.at(first, rows.subject, rows.true_from)
    days = pl.Series(TRUE_FROM, first[numbers], dtype=pl.Int32)
    return pairs.with_columns(days).filter(pl.col(TRUE_FROM) < int(EVER)).cast({TRUE_FROM: pl.Date})


def _told(
    partitions: Partitions,
    part: Part,
    rows: pl.DataFrame,
    types: Mapping[str, pl.DataType],
    few: tuple[int, ...] | None,
) -> pl.DataFrame | None:
    """The facts of rows of a part; None where there are no rows."""
    if rows.height == 0:
        return None
    held = partitions.read(part.stem, ROWS, [SUBJECT, *types], few)
    places = rows.get_column(INDEX).to_numpy()
    if few is not None:
        places = np.searchsorted(held.get_column(INDEX).to_numpy(), places)
    columns = [pl.col(n).cast(t) if n in held.columns else pl.lit(None, t).alias(n) for n, t in types.items()]
    moment = pl.lit(part.batch.learned_at).cast(pl.Datetime("us", "UTC")).alias(LEARNED_AT)
    return held[places].select(*columns, moment)
