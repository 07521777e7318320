"""One subject as a sweep would read it, without reading everybody: whom its rule looks at, and what registers said.

Whoever belongs to a household, or has somebody as a mother, is found by the rows that name them, not by going through
the links of a whole population.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from explain.compose import Explainer, Looked
from explain.evidence import OnRecord
from explain.explanation import Explanation
from features.facts.encoding import ID, Tables, population_of
from features.facts.population import NONE, Population
from features.facts.subjects import PERSON
from rules.evaluate.columns.positions import Index
from rules.paths import Chain, Links, Step, links_of, paths_of
from rules.reads import Read, reads_of
from rules.rulebook import Rulebook
from serving.sweep.identities import UnifiedHistory
from serving.sweep.partitions import partition_of


@dataclass(frozen=True, slots=True)
class ReadSubject:
    """What an answer about one subject rests on.

    Attributes:
        population: the subject and everybody whose facts its rule may read; no other facts than the rule reads.
        records: what registers said of them.
        doubtful_links: links because of which it is not known who belongs to the subject.
    """

    population: Population
    records: HistoryRecords
    doubtful_links: tuple[str, ...]


def is_known(history: UnifiedHistory, kind: str, subject: str, on_date: dt.date, known_at: dt.datetime) -> bool:
    """Has any register said anything of the subject from on or before the day?"""
    found = history.as_of(on_date, known_at, ids={kind: [subject]}, facts=())
    return kind in found and found[kind].height > 0


def link_of(history: UnifiedHistory, person: str, link: str, on_date: dt.date, known_at: dt.datetime) -> str | None:
    """To whom a link of a person leads; None where it is not known or leads to nobody."""
    found = history.as_of(on_date, known_at, ids={PERSON: [person]}, facts=[link]).get(PERSON)
    if found is None or found.is_empty() or link not in found.columns:
        return None
    target = found.get_column(link)[0]
    return None if target in (None, NONE) else str(target)


def read_subject(
    history: UnifiedHistory,
    rulebook: Rulebook,
    benefit: str,
    kind: str,
    subject: str,
    on_date: dt.date,
    known_at: dt.datetime,
    rules_of: dt.date | None = None,
) -> ReadSubject:
    """Read what the answer for one subject and benefit rests on.

    Args:
        history: the facts.
        rulebook: the rules.
        benefit: of this kind of subject.
        kind: of the subject.
        subject: its id; it is known.
        on_date: the day.
        known_at: what was learned later does not exist.
        rules_of: whose rules decide who is looked at and what is read; by default those of the day.
    """
    rules_of = rules_of or on_date
    plans = rulebook.in_force(rules_of)
    chains = paths_of(benefit, plans)
    near = _Near(history, on_date, known_at)
    links = Links(near.around(kind, subject, chains), rulebook.vocabulary.subjects)
    doubtful = history.doubtful(on_date, known_at, near.persons)
    asked = {kind: _rows(links, kind, [subject])}
    in_doubt = {
        name: _rows(links, name, doubtful.filter(pl.col("kind") == name).get_column(ID).to_list())
        for name in links.subjects.kinds
    }
    partition = partition_of(links, asked, {kind: chains}, in_doubt)
    facts = {name for _, name in reads_of(rulebook, rules_of).get(benefit, ())}
    ids = {name: some.to_list() for name, some in partition.needed.items()}
    tables = history.as_of(on_date, known_at, kinds=list(ids), ids=ids, facts=facts)
    unsure = partition.in_doubt(kind, chains) is not None
    return ReadSubject(
        population_of(tables, rulebook.vocabulary),
        HistoryRecords(history, facts, on_date, known_at),
        tuple(links_of(chains, links.subjects, plans[benefit].names)) if unsure else (),
    )


def explained(
    explainer: Explainer,
    history: UnifiedHistory,
    benefit: str,
    subject: str,
    on_date: dt.date,
    known_at: dt.datetime,
) -> Explanation:
    """The whole answer for one subject, as a sweep of that day and moment gives it.

    Args:
        explainer: of the rules.
        history: the facts.
        benefit: its id.
        subject: of the kind that the benefit is for; it is known.
        on_date: the day.
        known_at: what was learned later does not exist.
    """
    rulebook = explainer.rulebook
    kind = rulebook.benefits[benefit].benefit.subject
    read = read_subject(history, rulebook, benefit, kind, subject, on_date, known_at)
    today = _looks(rulebook, benefit, on_date)

    def by_rules_of(day: dt.date) -> Looked:
        asked = read
        if rulebook.in_force(day)[benefit].variants and _looks(rulebook, benefit, day) != today:
            asked = read_subject(history, rulebook, benefit, kind, subject, on_date, known_at, day)
        return Looked(asked.population, asked.doubtful_links)

    return explainer.explain(
        read.population,
        benefit,
        read.population.listed[kind][subject],
        on_date,
        known_at=known_at,
        records=read.records,
        doubtful_links=read.doubtful_links,
        by_rules_of=by_rules_of,
    )


def _looks(rulebook: Rulebook, benefit: str, day: dt.date) -> tuple[Collection[Chain], Collection[Read]]:
    """Whom the rules of a day look at, and what they read."""
    return paths_of(benefit, rulebook.in_force(day)), reads_of(rulebook, day).get(benefit, ())


class HistoryRecords:
    """What registers said of facts, read for each subject once.

    Args:
        history: the facts.
        facts: the facts and links that may be asked for.
        on_date: the day.
        known_at: what was learned later does not exist.
    """

    def __init__(
        self, history: UnifiedHistory, facts: Collection[str], on_date: dt.date, known_at: dt.datetime
    ) -> None:
        self._history, self._facts = history, facts
        self._on_date, self._known_at = on_date, known_at
        self._read: dict[tuple[str, str], dict[str, OnRecord]] = {}

    def of(self, kind: str, subject_id: str, fact: str) -> OnRecord | None:
        """See :class:`explain.evidence.Records`."""
        key = (kind, subject_id)
        if key not in self._read:
            found = self._history.statements(kind, subject_id, self._on_date, self._known_at, self._facts)
            gaps = self._history.gaps(kind, subject_id, self._on_date, self._known_at, self._facts)
            self._read[key] = {name: OnRecord(gaps[name], tuple(said)) for name, said in found.items()}
        return self._read[key].get(fact)


class _Near:
    """Follows relations from a subject, loading the links of those it comes to."""

    def __init__(self, history: UnifiedHistory, on_date: dt.date, known_at: dt.datetime) -> None:
        self._history, self._on_date, self._known_at = history, on_date, known_at
        self._subjects = history.history.vocabulary.subjects
        self._links: dict[str, dict[str, str | None]] = {}
        self._frames: list[pl.DataFrame] = []
        self._asked: set[str] = set()

    @property
    def persons(self) -> list[str]:
        """Everybody whose links were looked at."""
        return list(self._links)

    def around(self, kind: str, subject: str, chains: frozenset[Chain]) -> Tables:
        """Everybody whom these chains of relations lead to from a subject, with their links; and some others."""
        reached: dict[Chain, set[str]] = {(): {subject}}
        found: dict[str, set[str]] = {name: set() for name in self._subjects.kinds}
        found[kind].add(subject)
        if kind == PERSON:
            self._load([subject])
        for chain in sorted(chains, key=len):
            if chain:
                reached[chain] = self._follow(chain[-1], reached[chain[:-1]])
                found[chain[-1].arrives_at] |= reached[chain]
        groups = {name: ids for name, ids in found.items() if ids and name != PERSON}
        tables = self._history.as_of(self._on_date, self._known_at, kinds=list(groups), ids=groups, facts=())
        if self._frames:
            tables[PERSON] = pl.concat(self._frames, how="diagonal").unique(ID, maintain_order=True)
        return tables

    def _follow(self, step: Step, start: set[str]) -> set[str]:
        if step.way == "to_group":
            return self._targets([self._subjects.groups[step.name].link], start)
        if step.way == "members":
            return self._naming([self._subjects.groups[step.name].link], start)
        relation = self._subjects.relations[step.name]
        if relation.inverse:
            return self._naming(list(relation.links), start)
        found = self._targets(list(relation.links), start)
        self._load(found)
        return found

    def _targets(self, links: list[str], start: set[str]) -> set[str]:
        named = {self._links[person].get(link) for person in start if person in self._links for link in links}
        return {target for target in named if target is not None and target != NONE}

    def _naming(self, links: list[str], start: set[str]) -> set[str]:
        candidates = self._history.naming(links, start, self._known_at)
        self._load(candidates)
        held = ((person, self._links.get(person, {})) for person in candidates)
        return {person for person, said in held if any(said.get(link) in start for link in links)}

    def _load(self, persons: Collection[str]) -> None:
        new = [person for person in persons if person not in self._asked]
        self._asked.update(new)
        if not new:
            return
        links = self._subjects.links
        found = self._history.as_of(self._on_date, self._known_at, ids={PERSON: new}, facts=links).get(PERSON)
        if found is None:
            return
        table = found.select(ID, *(name for name in links if name in found.columns))
        self._frames.append(table)
        for row in table.iter_rows(named=True):
            self._links[row[ID]] = row


def _rows(links: Links, kind: str, ids: list[str]) -> Index:
    return np.flatnonzero(links.ids(kind).is_in(ids).to_numpy())
