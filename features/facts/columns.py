"""How facts stand in columns, so that millions of subjects can be asked about at once.

One table per kind of subject, one row per subject: `id`, for persons the link columns, and one column per fact. Null
is unknown. A population (one object per subject) says the same; both directions are here.

| fact | column |
|---|---|
| boolean | Boolean |
| integer, number, money | Int64, in units of the fact: whole, 10^-decimals, minor units |
| date | Date |
| code, area | Enum of the codes, of all areas |
| months | List(Int32) of month numbers, in order |
| a link | String: an id, or `none` for nobody |
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
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
"""A column beside a fact's: the day from which its value is too old to be relied on. Files do not have it."""

Tables = dict[str, pl.DataFrame]


def column_type(fact: Fact, areas: Areas) -> pl.DataType:
    """The type of a fact's column."""
    match fact.type.kind:
        case "boolean":
            return pl.Boolean()
        case "integer" | "number" | "money":
            return pl.Int64()
        case "date":
            return pl.Date()
        case "code":
            return pl.Enum(fact.type.codes)
        case "area":
            return pl.Enum(sorted(areas.by_code))
        case "months":
            return pl.List(pl.Int32)
    return pl.String()


def link_columns(vocabulary: Vocabulary, kind: str) -> tuple[str, ...]:
    """The link columns of a kind of subject: persons have them, groups do not."""
    return vocabulary.subjects.links if kind == PERSON else ()


def encoded(fact: Fact, value: Value) -> object:
    """A value as it stands in its column."""
    if fact.type.kind == "number" and isinstance(value, Decimal | int):
        return int(value * 10**fact.type.decimals)
    if isinstance(value, Decimal):
        return int(value)
    return sorted(value) if isinstance(value, frozenset) else value


def decoded(fact: Fact, cell: Any) -> Value:  # noqa: ANN401 a cell of any column
    """A cell (not null) as the value that the reference evaluator reads."""
    match fact.type.kind:
        case "money":
            return Decimal(cell)
        case "number":
            return Decimal(cell) / Decimal(10**fact.type.decimals)
        case "months":
            return frozenset(cell)
    value: Value = cell
    return value


def population_of(
    tables: Mapping[str, pl.DataFrame], vocabulary: Vocabulary, sources: Mapping[str, str] | None = None
) -> Population:
    """The subjects of some tables, one object each.

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
            records.append(
                Subject(
                    kind,
                    row[ID],
                    {f.id: _held(f, row, source or f.register) for f in facts},
                    {name: row[name] for name in links},
                )
            )
    return Population(vocabulary.subjects, records)


def _held(fact: Fact, row: Mapping[str, Any], source: str) -> Holding:
    cell = row[fact.id]
    if cell is None:
        return Unknown()
    return Known(decoded(fact, cell), source, None, row.get(fact.id + STALE_SUFFIX))


def tables_of(records: Iterable[Subject], vocabulary: Vocabulary) -> Tables:
    """The tables of some subjects; a column that none of them has is left out."""
    by_kind: dict[str, list[Subject]] = {kind: [] for kind in vocabulary.subjects.kinds}
    for record in records:
        by_kind[record.kind].append(record)
    return {kind: _table(kind, subjects, vocabulary) for kind, subjects in by_kind.items()}


def _table(kind: str, subjects: list[Subject], vocabulary: Vocabulary) -> pl.DataFrame:
    columns = [pl.Series(ID, [s.id for s in subjects], dtype=pl.String)]
    for link in link_columns(vocabulary, kind):
        if any(link in s.links for s in subjects):
            columns.append(pl.Series(link, [s.links.get(link) for s in subjects], dtype=pl.String))
    taken = {column.name for column in columns}
    for fact in vocabulary.dictionary.of_subject(kind):
        if fact.id in taken or not any(fact.id in s.facts for s in subjects):
            continue
        holdings = [s.facts.get(fact.id, Unknown()) for s in subjects]
        cells = [encoded(fact, h.value) if isinstance(h, Known) else None for h in holdings]
        columns.append(pl.Series(fact.id, cells, dtype=column_type(fact, vocabulary.areas)))
        stale: list[dt.date | None] = [h.stale_on if isinstance(h, Known) else None for h in holdings]
        if any(day is not None for day in stale):
            columns.append(pl.Series(fact.id + STALE_SUFFIX, stale, dtype=pl.Date))
    return pl.DataFrame(columns)
