"""How facts stand in columns: the encoding that batch evaluation reads.

`id` and links are text; booleans are booleans; integers, numbers and money are whole numbers (money in minor units,
numbers in units of 10^-decimals); dates are dates; codes and areas are enumerations; sets of months are lists of month
numbers. Null is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import polars as pl

from features.facts.areas import Areas
from features.facts.dictionary import Fact
from features.facts.population import Population, Subject
from features.facts.subjects import PERSON
from features.facts.values import Holding, Known, Unknown, Value
from features.facts.vocabulary import Vocabulary

ID = "id"
STALE_SUFFIX = "@stale_on"
"""An optional column beside a fact's: the day from which its value is too old (see `features.facts.values.Known`)."""

Tables = dict[str, pl.DataFrame]


def column_type(fact: Fact, areas: Areas) -> pl.DataType:
    """The column type of a fact."""
    kind = fact.type.kind
    if kind == "boolean":
        return pl.Boolean()
    if kind in ("integer", "number", "money"):
        return pl.Int64()
    if kind == "date":
        return pl.Date()
    if kind == "code":
        return pl.Enum(list(fact.type.codes))
    if kind == "area":
        return area_type(tuple(sorted(areas.by_code)))
    return pl.List(pl.Int32()) if kind == "months" else pl.String()


@lru_cache(maxsize=8)
def area_type(codes: tuple[str, ...]) -> pl.Enum:
    """The enumeration of all areas."""
    return pl.Enum(list(codes))


def encode(fact: Fact, value: Value) -> Any:  # noqa: ANN401 whatever the column holds
    """A value as it stands in a column."""
    if isinstance(value, Decimal):
        return int(value * 10**fact.type.decimals)
    if isinstance(value, frozenset):
        return sorted(value)
    return value


def decode(fact: Fact, value: Any) -> Value:  # noqa: ANN401 whatever the column holds
    """The value that stands in a column."""
    kind = fact.type.kind
    if kind in ("number", "money"):
        return Decimal(value) / Decimal(10**fact.type.decimals)
    if kind == "months":
        return frozenset(int(month) for month in value)
    assert isinstance(value, bool | int | str | dt.date)
    return value


def tables_of(population: Population, vocabulary: Vocabulary) -> dict[str, pl.DataFrame]:
    """A population in memory as encoded tables, one per kind of subject that is listed."""
    tables: dict[str, pl.DataFrame] = {}
    for kind, listed in population.listed.items():
        if listed:
            tables[kind] = _table(kind, list(listed.values()), vocabulary)
    return tables


def _table(kind: str, subjects: list[Subject], vocabulary: Vocabulary) -> pl.DataFrame:
    columns: dict[str, pl.Series] = {"id": pl.Series([s.id for s in subjects], dtype=pl.String)}
    if kind == PERSON:
        for link in dict.fromkeys(link for s in subjects for link in s.links):
            columns[link] = pl.Series([s.links.get(link) for s in subjects], dtype=pl.String)
    for fact_id in dict.fromkeys(fact_id for s in subjects for fact_id in s.facts):
        fact = vocabulary.dictionary.facts[fact_id]
        holdings = [s.facts.get(fact_id) for s in subjects]
        values = [encode(fact, h.value) if isinstance(h, Known) else None for h in holdings]
        columns[fact_id] = pl.Series(values, dtype=column_type(fact, vocabulary.areas))
        stale = [h.stale_on if isinstance(h, Known) else None for h in holdings]
        if any(day is not None for day in stale):
            columns[fact_id + STALE_SUFFIX] = pl.Series(stale, dtype=pl.Date)
    return pl.DataFrame(columns)


def link_columns(vocabulary: Vocabulary, kind: str) -> tuple[str, ...]:
    """The link columns that a kind of subject may have: persons have them, groups do not."""
    return vocabulary.subjects.links if kind == PERSON else ()


def population_of(
    tables: Mapping[str, pl.DataFrame], vocabulary: Vocabulary, sources: Mapping[str, str] | None = None
) -> Population:
    """Encoded tables as a population in memory: one object per subject.

    Args:
        tables: by kind of subject.
        vocabulary: what the columns mean.
        sources: by kind of subject, what to name as the source of its values; the fact's register by default.
    """
    records: list[Subject] = []
    for kind, table in tables.items():
        links = [name for name in link_columns(vocabulary, kind) if name in table.columns]
        facts = [f for f in vocabulary.dictionary.of_subject(kind) if f.id in table.columns and f.id not in links]
        source = (sources or {}).get(kind)
        for row in table.iter_rows(named=True):
            held = {f.id: _holding(f, row, source or f.register) for f in facts}
            records.append(Subject(kind, row[ID], held, {name: row[name] for name in links}))
    return Population(vocabulary.subjects, records)


def _holding(fact: Fact, row: Mapping[str, Any], source: str) -> Holding:
    cell = row[fact.id]
    if cell is None:
        return Unknown()
    return Known(decode(fact, cell), source, None, row.get(fact.id + STALE_SUFFIX))
