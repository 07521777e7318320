"""Worked examples: examples.yaml to small populations with the answer that is expected of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

from features import documents as doc
from features.documents import ConsequenceError, DocumentError, Findings, Place
from features.facts.population import NONE, Population, Subject
from features.facts.reading import UnreadableValueError, read_value
from features.facts.subjects import PERSON
from features.facts.values import Gap, Holding, Known, Unknown
from features.facts.vocabulary import Vocabulary
from features.yaml_files import read_document
from rules.benefits import Benefit

SUBJECT = "example"
UNKNOWN_WORD = "unknown"
EXPECTABLE = ("outcome", "amount", "amount_low", "amount_high", "unmet", "missing", "next_change", "version")

Row = dict[str, doc.Node]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an example expects; a field that is None is not looked at. The empty text expects no figure or no date."""

    outcome: str | None
    amount: str | None
    amount_low: str | None
    amount_high: str | None
    unmet: tuple[str, ...] | None
    missing: tuple[str, ...] | None
    next_change: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: a population, its subject, a day, and the expected answer."""

    benefit: str
    name: str
    on_date: dt.date
    population: Population
    subject: Subject
    expect: Expectation
    source: str
    place: Place
    unknown: str | None = None
    """The fact that `when_unknown` takes away, where this example is one of those."""


@dataclass(slots=True)
class _Draft:
    """The rows of an example, before values are read."""

    rows: dict[str, list[Row]]
    own: Row
    relations: dict[str, list[Row] | None]
    tables: bool = False
    subject_id: str = SUBJECT


def read_examples(path: Path, benefit: Benefit, vocabulary: Vocabulary, findings: Findings) -> list[Example]:
    """Read a benefit's examples.yaml; mistakes are findings, and the examples that have them are left out."""
    examples: list[Example] = []
    with findings.collecting():
        document = read_document(path)
        document.expect(("examples",), ("each", "note"), what="examples.yaml")
        reader = _Reader(benefit, vocabulary, document.get("each"))
        for node in doc.sequence_of(document.entries["examples"], "examples"):
            with findings.collecting():
                examples.extend(reader.read(node))
    return examples


class _Reader:
    """Reads the examples of one file; later ones may build on earlier ones."""

    def __init__(self, benefit: Benefit, vocabulary: Vocabulary, each: doc.Node | None) -> None:
        self.benefit = benefit
        self.vocabulary = vocabulary
        self.each: dict[str, Row] = {}
        if each is not None:
            for kind, node in doc.mapping_of(each, "each").entries.items():
                if kind not in vocabulary.subjects.kinds:
                    raise DocumentError(
                        node.place,
                        f"`{kind}` is no kind of subject.",
                        doc.nearest_advice(kind, vocabulary.subjects.kinds, "There are: "),
                    )
                self.each[kind] = dict(doc.mapping_of(node, kind).entries)
        self.drafts: dict[str, tuple[_Draft, dt.date, doc.Mapping]] = {}
        self.named: set[str] = set()

    def read(self, node: doc.Node) -> list[Example]:
        entry = doc.mapping_of(node, "an example")
        entry.expect(
            ("name",), ("on_date", "like", "given", "expect", "when_unknown", "source", "note"), what="an example"
        )
        get = entry.entries
        name = doc.text_of(get["name"], "name")
        if name in self.named:
            raise DocumentError(entry.place, f"There are two examples named “{name}”.", "Give each its own name.")
        self.named.add(name)
        draft, on_date = self._base(entry)
        if "on_date" in get:
            on_date = doc.date_of(get["on_date"], "on_date")
        if on_date is None:
            raise DocumentError(entry.place, "The example lacks `on_date`.", "Add `on_date: 2026-01-01`.")
        if "given" in get:
            draft = self._merge(draft, doc.mapping_of(get["given"], "given"))
        self.drafts[name] = (draft, on_date, entry)
        source = doc.text_of(get["source"], "source") if "source" in get else ""
        result: list[Example] = []
        if "expect" in get:
            expect = _expectation(get["expect"])
            result.append(self._example(name, on_date, draft, expect, source, entry.place))
        if "when_unknown" in get:
            for fact, expected in doc.mapping_of(get["when_unknown"], "when_unknown").entries.items():
                blank = self._without(draft, fact, expected.place)
                title = f"{name}: {fact}"
                example = self._example(title, on_date, blank, _expectation(expected), source, expected.place)
                result.append(replace(example, unknown=fact))
        if not result:
            raise DocumentError(entry.place, "The example expects nothing.", "Add `expect:` or `when_unknown:`.")
        return result

    def _base(self, entry: doc.Mapping) -> tuple[_Draft, dt.date | None]:
        if "like" not in entry.entries:
            return _Draft({}, {}, {}), None
        like = doc.text_of(entry.entries["like"], "like")
        if like not in self.drafts:
            kind = ConsequenceError if like in self.named else DocumentError
            raise kind(
                entry.entries["like"].place,
                f"There is no earlier example “{like[:60]}”.",
                doc.nearest_advice(like, self.drafts, "Earlier ones: "),
            )
        draft, on_date, _ = self.drafts[like]
        return _copy(draft), on_date

    def _merge(self, draft: _Draft, given: doc.Mapping) -> _Draft:
        if "tables" in given.entries:
            given.expect(("tables", "subject"), what="given with tables")
            tables = {
                kind: [dict(doc.mapping_of(row, "a row").entries) for row in doc.sequence_of(rows_node, kind)]
                for kind, rows_node in doc.mapping_of(given.entries["tables"], "tables").entries.items()
            }
            return _Draft(tables, {}, {}, True, doc.text_of(given.entries["subject"], "subject"))
        subjects = self.vocabulary.subjects
        for key, node in given.entries.items():
            if key == self.benefit.subject:
                draft.own.update(doc.mapping_of(node, key).entries)
            elif key in subjects.kinds:
                rows = draft.rows.setdefault(key, [{}])
                rows[0].update(doc.mapping_of(node, key).entries)
            elif self._is_relation(key):
                if isinstance(node, doc.Scalar) and node.text == UNKNOWN_WORD:
                    draft.relations[key] = None
                else:
                    items = doc.sequence_of(node, key)
                    draft.relations[key] = [dict(doc.mapping_of(item, "a row").entries) for item in items]
            else:
                known = [*subjects.kinds, *self._relations()]
                raise DocumentError(
                    given.places[key],
                    f"`{key}` is no subject or relation here.",
                    doc.nearest_advice(key, known, "There are: "),
                )
        return draft

    def _relations(self) -> list[str]:
        subjects = self.vocabulary.subjects
        if self.benefit.subject == PERSON:
            return [*subjects.relations, *(f"{g.name}.{g.relation}" for g in subjects.groups.values())]
        return [subjects.groups[self.benefit.subject].relation]

    def _is_relation(self, key: str) -> bool:
        return key in self._relations()

    def _without(self, draft: _Draft, fact: str, place: Place) -> _Draft:
        """The draft with one fact unknown wherever it stands."""
        result = _copy(draft)
        blank = doc.Scalar(UNKNOWN_WORD, False, place)
        if fact in self._relations():
            result.relations[fact] = None
            return result
        spec = self.vocabulary.dictionary.facts.get(fact)
        if spec is None:
            known = self.vocabulary.dictionary.facts
            raise DocumentError(place, f"There is no fact `{fact}`.", doc.nearest_advice(fact, known, "Facts are: "))
        for kind, row in self._all_rows(result):
            if kind == spec.subject:
                row[fact] = blank
        if spec.subject in self.vocabulary.subjects.groups and spec.subject != self.benefit.subject:
            for row in result.rows.setdefault(spec.subject, [{}]):
                row[fact] = blank
        return result

    def _all_rows(self, draft: _Draft) -> list[tuple[str, Row]]:
        rows = [(kind, row) for kind, items in draft.rows.items() for row in items]
        rows += [(PERSON, row) for items in draft.relations.values() for row in items or []]
        if not draft.tables:
            rows.append((self.benefit.subject, draft.own))
        return rows

    # -- values ---------------------------------------------------------------------------------------------------

    def _example(
        self, name: str, on_date: dt.date, draft: _Draft, expect: Expectation, source: str, place: Place
    ) -> Example:
        records = self._records(draft)
        population = Population(self.vocabulary.subjects, records)
        subject = population.listed[self.benefit.subject].get(draft.subject_id)
        if subject is None:
            raise DocumentError(
                place,
                f"The example has no {self.benefit.subject} called `{draft.subject_id}`.",
                "Name the `id` of a row.",
            )
        return Example(self.benefit.id, name, on_date, population, subject, expect, source, place)

    def _records(self, draft: _Draft) -> list[Subject]:
        if draft.tables:
            return [self._subject(kind, None, row) for kind, rows in draft.rows.items() for row in rows]
        subjects = self.vocabulary.subjects
        own = self._subject(self.benefit.subject, SUBJECT, draft.own)
        records = [own]
        persons: list[Subject] = []
        for kind, rows in draft.rows.items():
            for row in rows:
                records.append(self._subject(kind, f"own_{kind}", row))
        for key, members in draft.relations.items():
            persons += self._relation_records(key, members, own)
        if own.kind == PERSON:
            for group in subjects.groups.values():
                own.links.setdefault(group.link, f"own_{group.name}")
            for relation in subjects.relations.values():
                if not relation.inverse:
                    for link in relation.links:
                        own.links.setdefault(link, NONE)
            for group in subjects.groups.values():
                if group.name not in draft.rows:
                    records.append(self._subject(group.name, f"own_{group.name}", {}))
        return records + persons

    def _relation_records(self, key: str, members: list[Row] | None, own: Subject) -> list[Subject]:
        subjects = self.vocabulary.subjects
        name = key.rpartition(".")[2]
        group = subjects.group_of_relation(name)
        if group is not None:
            group_id = own.id if own.kind == group.name else f"own_{group.name}"
            if members is None:
                if own.kind == PERSON:
                    own.links[group.link] = None
                return []
            people = [self._subject(PERSON, f"{name}_{n}", row) for n, row in enumerate(members, 1)]
            for person in people:
                person.links.setdefault(group.link, group_id)
            return people
        relation = subjects.relations[name]
        if members is None:
            for link in relation.links:
                if not relation.inverse:
                    own.links[link] = None
            return []
        people = [self._subject(PERSON, f"{name}_{n}", row) for n, row in enumerate(members, 1)]
        for index, person in enumerate(people):
            if relation.inverse:
                person.links.setdefault(relation.links[0], own.id)
            elif index < len(relation.links):
                own.links[relation.links[index]] = person.id
        return people

    def _subject(self, kind: str, subject_id: str | None, row: Row) -> Subject:
        merged = {**self.each.get(kind, {}), **row}
        if kind not in self.vocabulary.subjects.kinds:
            raise DocumentError(
                next(iter(row.values())).place, f"`{kind}` is no kind of subject.", "Name a kind of subject."
            )
        facts: dict[str, Holding] = {}
        links: dict[str, str | None] = {}
        for key, node in merged.items():
            if key == "id":
                subject_id = doc.text_of(node, "id")
            elif kind == PERSON and key in self.vocabulary.subjects.links:
                text = doc.text_of(node, key)
                links[key] = None if text == UNKNOWN_WORD else text
            else:
                facts[key] = self._holding(kind, key, node)
        if subject_id is None:
            raise DocumentError(
                next(iter(merged.values())).place, "A row of `tables` lacks `id`.", "Give each row an `id`."
            )
        return Subject(kind, subject_id, facts, links)

    def _holding(self, kind: str, key: str, node: doc.Node) -> Holding:
        fact = self.vocabulary.dictionary.facts.get(key)
        if fact is None or fact.subject != kind:
            known = [f.id for f in self.vocabulary.dictionary.of_subject(kind)]
            raise DocumentError(
                node.place, f"A {kind} has no fact `{key}`.", doc.nearest_advice(key, known, "Facts are: ")
            )
        if isinstance(node, doc.Mapping):
            node.expect((UNKNOWN_WORD,), what="an unknown value")
            gap = doc.choice_of(node.entries[UNKNOWN_WORD], [g.value for g in Gap], UNKNOWN_WORD)
            return Unknown(Gap(gap))
        text = doc.text_of(node, key)
        if text == UNKNOWN_WORD:
            return Unknown()
        try:
            return Known(read_value(fact, text, self.vocabulary.areas), fact.register)
        except UnreadableValueError as error:
            raise DocumentError(
                node.place, f"`{key}: {text[:40]}` {error}.", "Correct the value, or write `unknown`."
            ) from None


def _copy(draft: _Draft) -> _Draft:
    return replace(
        draft,
        rows={kind: [dict(row) for row in rows] for kind, rows in draft.rows.items()},
        own=dict(draft.own),
        relations={k: None if v is None else [dict(row) for row in v] for k, v in draft.relations.items()},
    )


def _expectation(node: doc.Node) -> Expectation:
    entry = doc.mapping_of(node, "expect")
    entry.expect((), EXPECTABLE, what="expect")

    def text(key: str) -> str | None:
        value = entry.get(key)
        if value is None:
            return None
        return value.text if isinstance(value, doc.Scalar) else ""

    def texts(key: str) -> tuple[str, ...] | None:
        value = entry.get(key)
        if value is None:
            return None
        return tuple(doc.text_of(item, key) for item in doc.sequence_of(value, key))

    if "outcome" in entry.entries:
        doc.choice_of(entry.entries["outcome"], ("eligible", "ineligible", "undetermined"), "outcome")
    for key in ("amount", "amount_low", "amount_high"):
        value = entry.get(key)
        if isinstance(value, doc.Scalar) and value.text not in ("", "null", "none", "~"):
            doc.decimal_of(value, key)
    return Expectation(
        text("outcome"),
        text("amount"),
        text("amount_low"),
        text("amount_high"),
        texts("unmet"),
        texts("missing"),
        text("next_change"),
        text("version"),
    )
