"""Whose caseworkers look after a subject: the district in which a benefit reaches them, as registers say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl

from features.facts.areas import Areas
from features.facts.encoding import ID
from rules.rulebook import Rulebook
from serving.sweep.identities import UnifiedHistory

UNASSIGNED = "unassigned"
"""No register says where: the queue that the city's own desk looks after."""
_HOME: Mapping[str, tuple[str, ...]] = {
    "person": ("residence_area", "hukou_area"),
    "household": ("household_area",),
    "enterprise": ("registration_area",),
}
"""Where a subject is at home, the nearest first."""


def districts_of(
    history: UnifiedHistory, rulebook: Rulebook, on_date: dt.date, known_at: dt.datetime, kind: str, ids: pl.Series
) -> pl.DataFrame:
    """The district of some subjects for each benefit of their kind.

    A benefit is some area's: whoever is at home in a part of it is looked after there, others in the area itself.

    Args:
        history: the facts.
        rulebook: whose benefits.
        on_date: the day.
        known_at: what was learned later does not exist.
        kind: of the subjects.
        ids: which.

    Returns:
        `id`, and a column per benefit of the kind: an area's code, or `UNASSIGNED`.
    """
    vocabulary = rulebook.vocabulary
    area_by = {name: plan.benefit.area_by for name, plan in rulebook.benefits.items() if plan.benefit.subject == kind}
    known = {fact.id for fact in vocabulary.dictionary.of_subject(kind)}
    home = [fact for fact in _HOME.get(kind, ()) if fact in known]
    facts = sorted({*home, *(fact for fact in area_by.values() if fact is not None)})
    tables = history.as_of(on_date, known_at, kinds=[kind], ids={kind: ids.to_list()}, facts=facts)
    found = pl.DataFrame({ID: ids}).join(tables.get(kind, pl.DataFrame({ID: ids})), on=ID, how="left")
    lacking = [pl.lit(None, pl.String).alias(fact) for fact in facts if fact not in found.columns]
    found = found.with_columns(lacking).with_columns(_today(pl.col(f), vocabulary.areas, on_date) for f in facts)
    return found.select(
        ID, *(_district(fact, home, vocabulary.areas).alias(benefit) for benefit, fact in area_by.items())
    )


def _today(column: pl.Expr, areas: Areas, on_date: dt.date) -> pl.Expr:
    """Codes that have a successor become it; of several, the first: its desk passes on what is not its own."""
    now = {code: areas.now(code, on_date)[0] for code in areas.by_code}
    return column.cast(pl.String).replace({old: new for old, new in now.items() if old != new})


def _district(fact: str | None, home: list[str], areas: Areas) -> pl.Expr:
    if fact is None:
        return pl.coalesce(*home, pl.lit(UNASSIGNED)) if home else pl.lit(UNASSIGNED)
    inside = [pl.when(_lies_in(pl.col(place), pl.col(fact), areas)).then(place) for place in home if place != fact]
    return pl.coalesce(*inside, fact, *home, pl.lit(UNASSIGNED))


def _lies_in(place: pl.Expr, area: pl.Expr, areas: Areas) -> pl.Expr:
    """Does one code lie in another? Compared by the lines of the areas that are known."""
    lines = {code: list(areas.line(code)) for code in areas.by_code}
    depth = max((len(line) for line in lines.values()), default=0)
    ways = [
        place.replace_strict({code: line[step] for code, line in lines.items() if step < len(line)}, default=None)
        == area
        for step in range(depth)
    ]
    return pl.any_horizontal(ways) if ways else pl.lit(False)
