"""A population in memory: subjects with what we hold about them, and how they are related."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from features.facts.subjects import PERSON, PersonRelation, Subjects
from features.facts.values import Holding

NONE = "none"
"""What a link column says where there is nobody: no spouse, no employer."""


@dataclass(slots=True, eq=False)
class Subject:
    """One person, household, enterprise, …: facts by id, and links (None: not known; `none`: there is none)."""

    kind: str
    id: str
    facts: dict[str, Holding] = field(default_factory=dict)
    links: dict[str, str | None] = field(default_factory=dict)


class Population:
    """Subjects by kind and id.

    A group or person that a link names but no record describes is a subject of which nothing is known. A relation that
    rests on a link column that nobody has is unknown, never empty.
    """

    def __init__(self, subjects: Subjects, records: Iterable[Subject]) -> None:
        self.vocabulary = subjects
        self.listed: dict[str, dict[str, Subject]] = {kind: {} for kind in subjects.kinds}
        self._unlisted: dict[tuple[str, str], Subject] = {}
        self._members: dict[tuple[str, str], list[Subject]] = {}
        self._children: dict[tuple[str, str], list[Subject]] = {}
        self._held: set[str] = set()
        for record in records:
            self.listed[record.kind][record.id] = record
        for person in self.listed[PERSON].values():
            self._index(person)

    def _index(self, person: Subject) -> None:
        for link, target in person.links.items():
            self._held.add(link)
            if target is None or target == NONE:
                continue
            for group in self.vocabulary.groups.values():
                if group.link == link:
                    self._members.setdefault((group.name, target), []).append(person)
            for relation in self.vocabulary.relations.values():
                if relation.inverse and link in relation.links:
                    self._children.setdefault((relation.name, target), []).append(person)

    def group_of(self, person: Subject, group: str) -> Subject | None:
        """The person's group; None where the link is not known or there is none."""
        target = person.links.get(self.vocabulary.groups[group].link)
        return None if target is None or target == NONE else self._find(group, target)

    def _find(self, kind: str, subject_id: str) -> Subject:
        listed = self.listed[kind].get(subject_id)
        if listed is not None:
            return listed
        return self._unlisted.setdefault((kind, subject_id), Subject(kind, subject_id))

    def members(self, group: Subject) -> tuple[list[Subject], bool]:
        """The persons of a group, and whether that is all of them (a group without persons is not known)."""
        members = self._members.get((group.kind, group.id), [])
        return members, bool(members)

    def related(self, person: Subject, relation: PersonRelation) -> tuple[list[Subject], bool]:
        """The persons a relation leads to, and whether that is all of them."""
        if relation.inverse:
            held = any(link in self._held for link in relation.links)
            return self._children.get((relation.name, person.id), []), held
        found: list[Subject] = []
        complete = True
        for link in relation.links:
            target = person.links.get(link)
            if target is None:
                complete = False
            elif target != NONE:
                found.append(self._find(PERSON, target))
        return found, complete
