"""Kinds of life event, as data: who takes part, what is told of them, and which facts follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError, Findings, Wording
from features.facts.dictionary import Fact
from features.facts.reading import UnreadableValueError, read_value
from features.facts.vocabulary import Vocabulary
from features.history.records import View
from features.yaml_files import Shelf

_SOURCE = re.compile(r"\$(?:(date)|id\((\w+)\)|(\w+))(?:\|(\w+))?\Z")
_ATTRIBUTE = re.compile(r"(\w+)(\?)?(?:=(\w+))?\Z")


@dataclass(frozen=True, slots=True)
class Said:
    """Where the value of one fact comes from: the event's day, who takes part, an attribute, or `text` as it stands.

    `text` beside one of the others is what is said where that person or attribute is not named (None: nothing is).
    """

    fact: str
    is_date: bool = False
    role: str | None = None
    attribute: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What an event states in one view about one of those that take part; only `when` an attribute is named, if any."""

    view: str
    of: str
    when: str | None
    says: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of life event.

    Attributes:
        id: as `event_type` names it.
        names: in both languages.
        roles: kind of subject by role, and whether the role must be filled.
        attributes: the fact whose values an attribute takes, and whether it must be named.
        states: the facts that follow from it.
    """

    id: str
    names: Wording
    roles: dict[str, tuple[str, bool]]
    attributes: dict[str, tuple[Fact, bool]]
    states: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class EventKinds:
    """All kinds of event of a jurisdiction, and the views of the history that they fill."""

    vocabulary: Vocabulary
    events: dict[str, EventKind]
    views: dict[str, View]
    once: dict[str, frozenset[str]]
    """By view: facts that cannot change."""


def load_kinds(vocabulary: Vocabulary, findings: Findings, folder: Path | None = None) -> EventKinds:
    """Read `<jurisdiction>.yaml`; whatever names an unknown fact, role or view is a finding and is left out.

    Raises:
        DocumentError: the jurisdiction has no file of events.
    """
    base = folder or Path(str(resources.files("features") / "events" / "kinds"))
    document = Shelf().read(base / f"{vocabulary.jurisdiction}.yaml")
    document.expect(("views", "events"), what="a file of life events")
    reader = _Reader(vocabulary)
    for name, node in doc.mapping_of(document.entries["views"], "views").entries.items():
        with findings.collecting():
            reader.view(name, doc.mapping_of(node, name))
    events: dict[str, EventKind] = {}
    for name, node in doc.mapping_of(document.entries["events"], "events").entries.items():
        with findings.collecting():
            events[name] = reader.event(name, doc.mapping_of(node, name))
    return EventKinds(vocabulary, events, reader.views, reader.once)


class _Reader:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.views: dict[str, View] = {}
        self.once: dict[str, frozenset[str]] = {}
        self._stated_in: dict[str, str] = {}

    def view(self, name: str, entry: doc.Mapping) -> None:
        entry.expect(("register", "kind", "facts"), ("once", "ends_with"), what=f"the view `{name}`")
        register = doc.choice_of(entry.entries["register"], self.vocabulary.dictionary.registers, "register")
        kind = doc.choice_of(entry.entries["kind"], self.vocabulary.subjects.kinds, "kind")
        nodes = doc.sequence_of(entry.entries["facts"], "facts")
        facts = tuple(self._fact(node).id for node in nodes)
        for node, fact in zip(nodes, facts, strict=True):
            known = self.vocabulary.dictionary.facts[fact]
            if known.subject != kind or known.register != register:
                raise DocumentError(
                    node.place, f"`{fact}` is no fact of a {kind} kept by `{register}`.", "Move it to another view."
                )
            if fact in self._stated_in:
                raise DocumentError(
                    node.place,
                    f"`{fact}` belongs to the view `{self._stated_in[fact]}` already.",
                    "Keep a fact in one view: two views could contradict each other.",
                )
        self._stated_in |= dict.fromkeys(facts, name)
        once = entry.entries.get("once")
        items = doc.sequence_of(once, "once") if once is not None else ()
        self.once[name] = frozenset(doc.choice_of(item, facts, "once") for item in items)
        end = entry.entries.get("ends_with")
        days = [fact for fact in facts if self.vocabulary.dictionary.facts[fact].type.kind == "date"]
        ends_with = None if end is None else doc.choice_of(end, days, "ends_with")
        self.views[name] = View(name, register, kind, facts, full=False, ends_with=ends_with)

    def event(self, name: str, entry: doc.Mapping) -> EventKind:
        entry.expect(("names", "subjects", "attributes", "states"), what=f"the event `{name}`")
        get = entry.entries
        roles: dict[str, tuple[str, bool]] = {}
        for role, node in doc.mapping_of(get["subjects"], "subjects").entries.items():
            kind = doc.choice_of(node, self.vocabulary.subjects.kinds, "a kind of subject")
            roles[role.removesuffix("?")] = (kind, not role.endswith("?"))
        attributes = dict(self._attribute(node) for node in doc.sequence_of(get["attributes"], "attributes"))
        states = tuple(
            self._statement(doc.mapping_of(node, "a statement"), roles, attributes)
            for node in doc.sequence_of(get["states"], "states")
        )
        return EventKind(name, doc.wording_of(get["names"], "names"), roles, attributes, states)

    def _attribute(self, node: doc.Node) -> tuple[str, tuple[Fact, bool]]:
        found = _ATTRIBUTE.match(doc.text_of(node, "an attribute"))
        if not found:
            raise DocumentError(node.place, "This is no attribute.", "Write `fact`, `fact?` or `name?=fact`.")
        name, optional, like = found.groups()
        return name, (self._fact_named(like or name, node.place), optional is None)

    def _statement(
        self, entry: doc.Mapping, roles: dict[str, tuple[str, bool]], attributes: dict[str, tuple[Fact, bool]]
    ) -> Statement:
        entry.expect(("view", "of", "says"), ("when",), what="a statement")
        view = self.views[doc.choice_of(entry.entries["view"], self.views, "view")]
        of = doc.choice_of(entry.entries["of"], roles, "of")
        if roles[of][0] != view.kind:
            raise DocumentError(entry.place, f"`{of}` is no {view.kind}.", "Name a view about that kind of subject.")
        when = entry.entries.get("when")
        says: list[Said] = []
        for fact, node in doc.mapping_of(entry.entries["says"], "says").entries.items():
            if fact not in view.facts:
                raise DocumentError(node.place, f"`{fact}` is no fact of `{view.id}`.", "Add it to the view.")
            says.append(self._said(fact, node, roles, attributes))
        return Statement(view.id, of, doc.choice_of(when, attributes, "when") if when else None, tuple(says))

    def _said(
        self, fact: str, node: doc.Node, roles: dict[str, tuple[str, bool]], attributes: dict[str, tuple[Fact, bool]]
    ) -> Said:
        text = doc.text_of(node, fact)
        if not text.startswith("$"):
            self._check(fact, text, node)
            return Said(fact, text=text)
        found = _SOURCE.match(text)
        if not found or (found[2] and found[2] not in roles) or (found[3] and found[3] not in attributes):
            raise DocumentError(
                node.place,
                "This names no attribute and nobody that takes part.",
                "Write `$date`, `$id(role)` or `$name`.",
            )
        if found[4]:
            self._check(fact, found[4], node)
        return Said(fact, bool(found[1]), found[2], found[3], found[4])

    def _check(self, fact: str, text: str, node: doc.Node) -> None:
        try:
            read_value(self.vocabulary.dictionary.facts[fact], text, self.vocabulary.areas)
        except UnreadableValueError as error:
            raise DocumentError(node.place, f"The value of `{fact}` {error}.", "Correct it.") from error

    def _fact(self, node: doc.Node) -> Fact:
        return self._fact_named(doc.text_of(node, "a fact"), node.place)

    def _fact_named(self, name: str, place: doc.Place) -> Fact:
        known = self.vocabulary.dictionary.facts
        if name not in known:
            raise DocumentError(
                place, f"There is no fact `{name}`.", doc.nearest_advice(name, known, "Look into the dictionary: ")
            )
        return known[name]
