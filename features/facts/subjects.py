"""Kinds of subject (person, household, enterprise, …) and the relations between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError, Findings, Wording
from features.yaml_files import Shelf

PERSON = "person"


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of subject made of persons; `link` is the person's column that names the group."""

    name: str
    link: str
    relation: str
    names: Wording


@dataclass(frozen=True, slots=True)
class PersonRelation:
    """A relation from a person to persons.

    `links` are the columns that hold it. Forward (`inverse` false): the subject's own columns name the others.
    Inverse: the others' columns name the subject (a parent's children).
    """

    name: str
    links: tuple[str, ...]
    inverse: bool
    names: Wording


@dataclass(frozen=True, slots=True)
class Subjects:
    """All kinds of subject and relations of one jurisdiction."""

    groups: dict[str, Group]
    relations: dict[str, PersonRelation]
    names: dict[str, Wording]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of subject, persons first."""
        return (PERSON, *self.groups)

    @property
    def links(self) -> tuple[str, ...]:
        """Every link column a person may have."""
        links = [group.link for group in self.groups.values()]
        links += [link for relation in self.relations.values() for link in relation.links]
        return tuple(dict.fromkeys(links))

    def group_of_relation(self, relation: str) -> Group | None:
        """The group whose members a relation (`members`, `employees`, …) runs over, or None."""
        for group in self.groups.values():
            if group.relation == relation:
                return group
        return None


def load_subjects(path: Path, jurisdiction: str, findings: Findings, shelf: Shelf) -> Subjects:
    """Read `subjects.yaml`, keeping what is for all jurisdictions or for this one."""
    groups: dict[str, Group] = {}
    relations: dict[str, PersonRelation] = {}
    names: dict[str, Wording] = {}
    with findings.collecting():
        document = shelf.read(path)
        document.expect(("person", "groups", "relations"), what="subjects.yaml")
        names[PERSON] = doc.wording_of(document.entries["person"], "person")
        for name, node in doc.mapping_of(document.entries["groups"], "groups").entries.items():
            entry = doc.mapping_of(node, name)
            entry.expect(("link", "relation", "names"), ("jurisdiction",), what=f"the group `{name}`")
            if not _applies(entry, jurisdiction):
                continue
            names[name] = doc.wording_of(entry.entries["names"], "names")
            groups[name] = Group(
                name,
                doc.text_of(entry.entries["link"], "link"),
                doc.text_of(entry.entries["relation"], "relation"),
                names[name],
            )
        for name, node in doc.mapping_of(document.entries["relations"], "relations").entries.items():
            entry = doc.mapping_of(node, name)
            entry.expect(("names",), ("links", "inverse_of", "jurisdiction"), what=f"the relation `{name}`")
            if not _applies(entry, jurisdiction):
                continue
            key = "links" if "links" in entry.entries else "inverse_of"
            if key not in entry.entries:
                raise DocumentError(
                    entry.place,
                    f"The relation `{name}` lacks `links` or `inverse_of`.",
                    "Add `links: [spouse_id]` or `inverse_of: [mother_id, father_id]`.",
                )
            links = tuple(doc.text_of(item, key) for item in doc.sequence_of(entry.entries[key], key))
            relations[name] = PersonRelation(
                name, links, key == "inverse_of", doc.wording_of(entry.entries["names"], "names")
            )
    return Subjects(groups, relations, names)


def _applies(entry: doc.Mapping, jurisdiction: str) -> bool:
    node = entry.get("jurisdiction")
    return node is None or doc.text_of(node, "jurisdiction") == jurisdiction
