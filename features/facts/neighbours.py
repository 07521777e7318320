"""The subjects that an answer for one subject can depend on, out of tables of millions."""

from __future__ import annotations

import polars as pl

from features.facts.encoding import ID, Tables
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary


def around(tables: Tables, vocabulary: Vocabulary, kind: str, subject_id: str, steps: int) -> Tables:
    """The rows of a subject and of everyone who can be reached from it in so many steps.

    A step goes from a person to a group it belongs to, from a group to its persons, or from a person to another who is
    related to it, in either direction.
    """
    reached: dict[str, set[str]] = {name: set() for name in vocabulary.subjects.kinds}
    reached[kind].add(subject_id)
    frontier = {kind: {subject_id}}
    for _ in range(steps):
        found = _step(tables, vocabulary, frontier)
        frontier = {name: ids - reached[name] for name, ids in found.items() if ids - reached[name]}
        for name, ids in frontier.items():
            reached[name] |= ids
    return {name: table.filter(_among(ID, reached[name])) for name, table in tables.items()}


def _step(tables: Tables, vocabulary: Vocabulary, frontier: dict[str, set[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    people = tables.get(PERSON, pl.DataFrame({ID: pl.Series([], dtype=pl.String)}))
    persons = frontier.get(PERSON, set())
    here = people.filter(_among(ID, persons))
    subjects = vocabulary.subjects
    for group in subjects.groups.values():
        if group.link in people.columns:
            found.setdefault(group.name, set()).update(_named(here[group.link]))
            members = people.filter(_among(group.link, frontier.get(group.name, set())))
            found.setdefault(PERSON, set()).update(members[ID])
    for link in {link for relation in subjects.relations.values() for link in relation.links}:
        if link in people.columns:
            found.setdefault(PERSON, set()).update(_named(here[link]))
            found[PERSON].update(people.filter(_among(link, persons))[ID])
    return found


def _among(column: str, ids: set[str]) -> pl.Expr:
    return pl.col(column).is_in(sorted(ids)).fill_null(value=False)


def _named(links: pl.Series) -> set[str]:
    return set(links.drop_nulls()) - {NONE}
