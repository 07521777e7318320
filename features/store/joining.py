"""What several views say of one fact, brought together row by row with the history's own rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from features.facts.vocabulary import Vocabulary
from features.history.merging import HELD, Said, merge, stale_days
from features.history.records import QUARANTINED, View
from features.store.columns import ROW_ATTESTED, ROW_STATUS, ROW_TRUE_FROM, fact_type, from_stored
from features.store.purposes import PART, feast_name

_ON_DATE = "on_date"


def join_views(
    answers: pl.DataFrame, views: Mapping[str, View], facts: Mapping[str, Sequence[str]], vocabulary: Vocabulary
) -> pl.DataFrame:
    """One column for each fact, encoded; null where it is not known.

    Args:
        answers: `on_date`, and of each view the facts and rows' own columns, named by :func:`column`.
        views: the views asked.
        facts: the facts asked of each.
        vocabulary: types, maximum ages, orders of authority.
    """
    carriers: dict[str, list[View]] = {}
    for view_id, names in facts.items():
        for name in names:
            carriers.setdefault(name, []).append(views[view_id])
    columns: list[pl.Series] = []
    for name, carrying in carriers.items():
        fact = vocabulary.dictionary.facts.get(name)
        months = None if fact is None else fact.maximum_age_months
        only = [_fresh(answers, view, name, months) for view in carrying]
        joined = only[0] if len(only) == 1 else _joined(answers, carrying, name, vocabulary, only)
        encoded = from_stored(name, fact_type(name, vocabulary))
        columns.append(joined.alias(name).to_frame().select(encoded).to_series())
    return pl.DataFrame(columns)


def _fresh(answers: pl.DataFrame, view: View, name: str, months: int | None) -> pl.Series:
    """What one view says, where it is not too old."""
    said = pl.col(column(view, name))
    if months is not None:
        stale_on = pl.col(column(view, ROW_ATTESTED)).cast(pl.Date).dt.offset_by(f"{months}mo")
        said = pl.when(stale_on > pl.col(_ON_DATE)).then(said)
    return answers.select(said).to_series()


def _joined(
    answers: pl.DataFrame, carrying: Sequence[View], name: str, vocabulary: Vocabulary, only: Sequence[pl.Series]
) -> pl.Series:
    """Where one view speaks, what it says; where several do, what the history makes of it, day by day."""
    fact = vocabulary.dictionary.facts.get(name)
    months, authority = (None, None) if fact is None else (fact.maximum_age_months, fact.authority)
    speak = [_speaks(answers, view, name) for view in carrying]
    several = pl.DataFrame([s.cast(pl.Int8).alias(str(i)) for i, s in enumerate(speak)]).sum_horizontal() > 1
    joined = only[0]
    for says in only[1:]:
        joined = joined.zip_with(joined.is_not_null(), says)
    rows = answers.with_row_index("place").filter(several)
    for (on_date,), some in rows.group_by(_ON_DATE):
        said = [_said(some, view, name, months, is_link=name in vocabulary.subjects.links) for view in carrying]
        merged = merge(said, on_date, authority)
        known = pl.Series(merged.gap == HELD)
        nothing = pl.Series([None], dtype=merged.values.dtype).new_from_index(0, len(known))
        joined = joined.scatter(some.get_column("place"), merged.values.zip_with(known, nothing))
    return joined


def _speaks(answers: pl.DataFrame, view: View, name: str) -> pl.Series:
    says = pl.col(column(view, name)).is_not_null()
    return answers.select(says | (pl.col(column(view, ROW_STATUS)) == QUARANTINED).fill_null(value=False)).to_series()


def _said(rows: pl.DataFrame, view: View, name: str, months: int | None, *, is_link: bool) -> Said:
    def days(of: str) -> pl.Series:
        return rows.get_column(column(view, of)).cast(pl.Int32).fill_null(0)

    unreadable = (rows.get_column(column(view, ROW_STATUS)) == QUARANTINED).fill_null(value=False)
    if is_link:  # who a person belongs to can be read where other columns could not
        unreadable &= rows.get_column(column(view, name)).is_null()
    attested = days(ROW_ATTESTED).to_numpy()
    return Said(
        view,
        rows.get_column(column(view, name)),
        unreadable.to_numpy().astype(np.bool_),
        days(ROW_TRUE_FROM).to_numpy(),
        attested,
        stale_days(attested, months),
    )


def column(view: View, name: str) -> str:
    """The column of an answer that holds a feature of a view."""
    return f"{feast_name(view.id)}{PART}{name}"
