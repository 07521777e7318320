"""Which facts can change: only those may appear in what would alter an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

from explain.errors import ChangeableError
from features import documents as doc
from features.documents import nearest_advice
from features.facts.dictionary import Dictionary, Fact
from features.facts.values import Value
from features.yaml_files import read_document

GROUPS = ("numbers", "statuses", "places", "fixed")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Becoming:
    """What a fact with few values may become, and from which values (none given: from any)."""

    values: tuple[Value, ...]
    only_from: Mapping[Value, tuple[str, ...]] = field(default_factory=dict)

    def options(self, before: Value | None) -> tuple[Value, ...]:
        """What it may become from where it is."""
        return tuple(
            value
            for value in self.values
            if value != before and (not self.only_from.get(value) or before in self.only_from[value])
        )


@dataclass(frozen=True, slots=True)
class Changeable:
    """The facts of one jurisdiction that can change. What is in no list cannot."""

    numbers: frozenset[str] = frozenset()
    statuses: Mapping[str, Becoming] = field(default_factory=dict)
    places: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()

    def allows(self, fact: Fact) -> bool:
        """May this fact be otherwise?"""
        return fact.id in self.numbers or fact.id in self.statuses or fact.id in self.places


NOTHING = Changeable()


@cache
def changeable_facts(jurisdiction: str, path: Path | None = None) -> Changeable:
    """The list of a jurisdiction; nothing can change in one that has no list.

    Raises:
        DocumentError: the file is not as it should be.
    """
    path = path or Path(str(resources.files("explain") / "changeable.yaml"))
    node = read_document(path).entries.get(jurisdiction)
    if node is None:
        return NOTHING
    entry = doc.mapping_of(node, jurisdiction)
    entry.expect(GROUPS, what=f"`{jurisdiction}`")
    statuses = doc.mapping_of(entry.entries["statuses"], "statuses").entries
    numbers, places, fixed = (
        frozenset(doc.text_of(item, group) for item in doc.sequence_of(entry.entries[group], group))
        for group in ("numbers", "places", "fixed")
    )
    return Changeable(numbers, {fact: _becoming(item) for fact, item in statuses.items()}, places, fixed)


def check_complete(changeable: Changeable, dictionary: Dictionary) -> None:
    """See to it that every fact stands in one list, and that every entry is a fact.

    Raises:
        ChangeableError: the first fact of which this does not hold.
    """
    listed = (*changeable.numbers, *changeable.statuses, *changeable.places, *changeable.fixed)
    for fact in listed:
        if fact not in dictionary.facts:
            raise ChangeableError(
                f"changeable.yaml: `{fact}` is no fact. {nearest_advice(fact, dictionary.facts, 'Facts are: ')}"
            )
        if listed.count(fact) > 1:
            raise ChangeableError(f"changeable.yaml: `{fact}` stands in two lists. Remove one.")
    for fact in dictionary.facts:
        if fact not in listed:
            raise ChangeableError(f"changeable.yaml: `{fact}` is in no list. Put it under one of: {', '.join(GROUPS)}.")


def _becoming(node: doc.Node) -> Becoming:
    if isinstance(node, doc.Sequence):
        return Becoming(tuple(_value(item) for item in doc.sequence_of(node, "statuses")))
    entries = doc.mapping_of(node, "statuses").entries
    only_from: dict[Value, tuple[str, ...]] = {
        _BOOLEANS.get(name, name): tuple(doc.text_of(item, name) for item in doc.sequence_of(some, name))
        for name, some in entries.items()
    }
    return Becoming(tuple(only_from), only_from)


def _value(node: doc.Node) -> Value:
    text = doc.text_of(node, "statuses")
    return _BOOLEANS.get(text, text)
