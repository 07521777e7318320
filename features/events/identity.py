"""Two ids that are one person, one id that was two persons: what the register found out, applied to what is read.

A merge retires an id: what was said under it is said of the person who is kept, links to it lead there, and grants made
to it count as that person's. A split only says that an id was shared: nobody knows by machine whose its older records
and grants are, so they go to a human.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from features.facts.encoding import ID, STALE_SUFFIX, Tables
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary

MERGED_INTO, SPLIT_FROM = "merged_into", "split_from"
_AT = "@at"


@dataclass(frozen=True, slots=True)
class Identities:
    """Who is who, as known at the moment that was read.

    Attributes:
        kept: by retired id, the id that stands for the person now.
        origin: by id that a split brought forth, the id that was shared until then.
        circular: ids that are said to be merged into one another: none of them is taken for another.
    """

    kept: Mapping[str, str]
    origin: Mapping[str, str]
    circular: frozenset[str]

    def current(self, person: str) -> str:
        """The id that stands for a person now."""
        return self.kept.get(person, person)

    def ids_of(self, person: str) -> list[str]:
        """Every id under which records and grants of a person may stand, the current one first."""
        current = self.current(person)
        return [current, *sorted(old for old, new in self.kept.items() if new == current)]

    @property
    def shared(self) -> frozenset[str]:
        """Ids that were two persons': their older grants need a human."""
        return frozenset(self.origin.values())

    def doubled(self, grants: pl.DataFrame) -> pl.DataFrame:
        """Grants of one thing for one period that one person has under several ids: a human decides about them.

        Args:
            grants: the column `id`, and whatever else makes a grant what it is (benefit, period).

        Returns:
            Those rows, with the column `person`, by person.
        """
        current = pl.DataFrame({ID: list(self.kept), "person": list(self.kept.values())}, schema=[ID, "person"]).cast(
            pl.String
        )
        named = grants.join(current, on=ID, how="left").with_columns(pl.coalesce("person", ID).alias("person"))
        what = ["person", *(name for name in grants.columns if name != ID)]
        return named.filter(pl.col(ID).n_unique().over(what) > 1).sort(*what, ID)


def identities(tables: Tables) -> Identities:
    """Who is who in tables as of a day."""
    merged = _pairs(tables, MERGED_INTO)
    kept: dict[str, str] = {}
    circular: set[str] = set()
    for start in merged:
        path = [start]
        while path[-1] in merged and path[-1] not in path[:-1]:
            path.append(merged[path[-1]])
        if path[-1] in path[:-1]:
            circular.add(start)
        else:
            kept[start] = path[-1]
    return Identities(kept, _pairs(tables, SPLIT_FROM), frozenset(circular))


def _pairs(tables: Tables, column: str) -> dict[str, str]:
    persons = tables.get(PERSON)
    if persons is None or column not in persons.columns:
        return {}
    return dict(persons.select(ID, column).drop_nulls().iter_rows())


def unified(
    tables: Tables, known: Identities, vocabulary: Vocabulary, hidden: Mapping[str, Collection[str]] | None = None
) -> Tables:
    """The tables with one row per person: retired ids are gone, and what was said under them is said of the kept one.

    Where records under two ids of a person disagree about a fact, it is not known: neither silently wins. A value is as
    old as the oldest of those that agree. What is withheld or disputed under one id of a person is not known, whatever
    the others say: who withholds a fact means the fact, not the number under which an office keeps it.

    Args:
        tables: id by id.
        known: who is who.
        vocabulary: what links there are.
        hidden: by the current id of a person the facts that are withheld or disputed under any of their ids.
    """
    if not known.kept:
        return tables
    persons = tables[PERSON].with_row_index(_AT)
    links = [name for name in vocabulary.subjects.links if name in persons.columns]
    groups = {group.link for group in vocabulary.subjects.groups.values()}  # their ids are no persons'
    named = [ID, *(name for name in links if name not in groups)]
    persons = persons.with_columns(pl.col(name).replace(dict(known.kept)) for name in named)
    several = {*known.kept.values()}
    alone, together = persons.filter(~pl.col(ID).is_in(several)), persons.filter(pl.col(ID).is_in(several))
    grouped: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in together.iter_rows(named=True):
        grouped[row[ID]].append(row)
    rows = [_one(each, links, (hidden or {}).get(person, ())) for person, each in grouped.items()]
    whole = pl.concat([alone, pl.DataFrame(rows, schema=persons.schema)]).sort(_AT).drop(_AT)
    return {**tables, PERSON: whole}


def _one(rows: list[dict[str, object]], links: list[str], hidden: Collection[str]) -> dict[str, object]:
    """The records of one person as one."""
    one: dict[str, object] = {ID: rows[0][ID], _AT: rows[0][_AT]}
    for name in rows[0]:
        if name in (ID, _AT, MERGED_INTO) or name.endswith(STALE_SUFFIX):
            continue
        told = [row for row in rows if row[name] is not None and not (name in links and row[name] == rows[0][ID])]
        agreed = name not in hidden and bool(told) and all(row[name] == told[0][name] for row in told)
        one[name] = told[0][name] if agreed else None
        stale = name + STALE_SUFFIX
        if stale in rows[0]:
            days = [day for row in told if (day := row[stale]) is not None]
            one[stale] = min(days, key=str) if agreed and days else None
    return one
