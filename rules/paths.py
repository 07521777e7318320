"""Which way a rule looks: the chains of relations from a subject to the facts its answer reads.

Used in both directions: forward for whom a part of a population needs beside the subjects it answers, backward for
whose answers a changed fact may touch. A subject that only a link names is on the way too: two sisters may be tied by
a mother who is on no list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.subjects import PERSON, Subjects
from rules import plan
from rules.evaluate.columns.positions import Index
from rules.evaluate.columns.rows import Tables
from rules.rulebook import BenefitPlan

FEW = 10
"""Of fewer than one in so many persons, relations are looked up by id; for more of them all links are indexed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One relation. `to_group`: a person's group. `members`: a group's persons. `related`, `named_by`: other persons.

    `name` is the group, or the relation between persons.
    """

    way: Literal["to_group", "members", "related", "named_by"]
    name: str

    def reversed(self) -> Step:
        """The same relation from its other end."""
        ways: dict[str, Literal["to_group", "members", "related", "named_by"]] = {
            "to_group": "members", "members": "to_group", "related": "named_by", "named_by": "related",
        }  # fmt: skip
        return Step(ways[self.way], self.name)

    @property
    def arrives_at(self) -> str:
        """The kind of subject that the step leads to."""
        return self.name if self.way == "to_group" else PERSON


Chain = tuple[Step, ...]


def paths_of(benefit: str, plans: dict[str, BenefitPlan]) -> frozenset[Chain]:
    """Every chain of relations that a benefit's rule follows, prefixes included; the empty one is the subject."""
    return _Walk(plans).of(benefit)


def chains_by_kind(plans: dict[str, BenefitPlan]) -> dict[str, frozenset[Chain]]:
    """By kind of subject, every chain of relations that its benefits follow."""
    chains: dict[str, frozenset[Chain]] = {}
    for benefit_id, plan_ in plans.items():
        kind = plan_.benefit.subject
        chains[kind] = chains.get(kind, frozenset([()])) | paths_of(benefit_id, plans)
    return chains


class _Walk:
    """Collects chains. A node is shared by many rules: where it has been with the same chain it need not go again."""

    def __init__(self, plans: dict[str, BenefitPlan]) -> None:
        self.plans = plans
        self._known: dict[str, frozenset[Chain]] = {}

    def of(self, benefit: str) -> frozenset[Chain]:
        if benefit not in self._known:
            found: set[Chain] = {()}
            seen: set[tuple[int, tuple[Chain, ...]]] = set()
            for root in (self.plans[benefit].outcome, self.plans[benefit].amount):
                if root is not None:
                    self._visit(root, ((),), found, seen)
            self._known[benefit] = frozenset(found)
        return self._known[benefit]

    def _visit(
        self, node: plan.Node, contexts: tuple[Chain, ...], found: set[Chain], seen: set[tuple[int, tuple[Chain, ...]]]
    ) -> None:
        """Args: contexts: the chains to the subjects in whose context the node is read, the innermost last."""
        if (id(node), contexts) in seen:
            return
        seen.add((id(node), contexts))
        here = contexts[-1]
        if isinstance(node, plan.EligibleFor | plan.AmountOf):
            found |= {here + path for path in self.of(node.benefit)}
        elif isinstance(node, plan.OuterCondition | plan.OuterQuantity | plan.OuterCode):
            contexts = contexts[:-1]
        elif isinstance(node, plan.ViaCondition | plan.ViaQuantity | plan.ViaCode):
            contexts = (*contexts[:-1], _extended(here, Step("to_group", node.group), found))
        elif isinstance(node, plan.Exists | plan.Count | plan.Total):
            relation = node.relation
            if relation.via is not None:
                here = _extended(here, Step("to_group", relation.via), found)
            step = Step("related", relation.name) if relation.group is None else Step("members", relation.group)
            contexts = (*contexts, _extended(here, step, found))
        for child in node.children():
            self._visit(child, contexts, found, seen)


def _extended(path: Chain, step: Step, found: set[Chain]) -> Chain:
    longer = (*path, step)
    found.add(longer)
    return longer


class Links:
    """The relations of a population, to be followed from many subjects at once.

    Args:
        tables: by kind of subject `id`, and for persons every link there is; everybody who is known.
        subjects: the kinds and relations.
    """

    def __init__(self, tables: dict[str, pl.DataFrame], subjects: Subjects) -> None:
        self.tables = Tables(tables, subjects)
        self.subjects = subjects
        self._backward: dict[str, tuple[Index, Index]] = {}

    def ids(self, kind: str) -> pl.Series:
        """The ids of a kind, by row."""
        return self.tables.frames[kind].get_column("id")

    def is_inverse(self, step: Step) -> bool:
        """Does the step lead to persons by links of theirs?"""
        return step.way == "related" and self.subjects.relations[step.name].inverse

    def follow(self, step: Step, rows: Index) -> Index:
        """Whom some subjects' relation leads to, each once.

        Also those that only links name, with rows behind the listed ones: the persons of a household of which no
        register tells anything else belong together all the same.
        """
        if step.way == "to_group":
            positions = self.tables.positions(step.name, self.subjects.groups[step.name].link)
            found = positions[rows[rows < len(positions)]]
        elif step.way == "members":
            found = _joined(*self.tables.members(step.name), rows)
        elif step.way == "related":
            others, starts, _ = self.tables.related(step.name)
            found = _joined(others, starts, rows)
        else:
            found = _joined(*self._named_by(step.name), rows)
        return np.unique(found[found >= 0])

    def listed(self, kind: str, rows: Index) -> Index:
        """Those of some rows that are on the list, each once; the others are only named by links."""
        return np.unique(rows[rows < self.tables.count(kind)])

    def arrive(self, step: Step, rows: Index) -> Index:
        """The listed subjects that some subjects' relation leads to: the end of a chain, where nobody else counts."""
        leaves = step.name if step.way == "members" else PERSON
        if len(rows) * FEW < self.tables.count(PERSON) and rows.max(initial=-1) < self.tables.count(leaves):
            return self._follow_few(step, rows)
        return self.listed(step.arrives_at, self.follow(step, rows))

    def back(self, path: Chain, rows: Index) -> Index:
        """The listed subjects from which a chain leads to some subjects."""
        for step in reversed(path[1:]):
            rows = self.follow(step.reversed(), rows)
        return self.arrive(path[0].reversed(), rows) if path else rows

    def _follow_few(self, step: Step, rows: Index) -> Index:
        """As :meth:`arrive`, by ids: to look a few up in every link is faster than to index all links."""
        links: tuple[str, ...]
        if step.way in ("to_group", "members"):
            links, kind = (self.subjects.groups[step.name].link,), step.name
            outward = step.way == "to_group"
        else:
            links, kind = self.subjects.relations[step.name].links, PERSON
            outward = (step.way == "related") != self.subjects.relations[step.name].inverse
        found = np.full(self.tables.count(kind if outward else PERSON), False)
        for link in links:
            if self.tables.held(PERSON, link):
                names = self.tables.frames[PERSON].get_column(link)
                if outward:
                    found |= _among(self.ids(kind), names.gather(rows))
                else:
                    found |= _among(names, self.ids(kind).gather(rows))
        return np.flatnonzero(found)

    def _named_by(self, relation: str) -> tuple[Index, Index]:
        """A relation from its other end."""
        if relation not in self._backward:
            others, starts, _ = self.tables.related(relation)
            owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
            order = np.argsort(others, kind="stable")
            bounds = np.searchsorted(others[order], np.arange(len(starts)))
            self._backward[relation] = owners[order], bounds
        return self._backward[relation]


def _among(ids: pl.Series, wanted: pl.Series) -> npt.NDArray[np.bool_]:
    """Which of the ids are wanted; an id that is not known is not."""
    few = wanted.cast(pl.String).drop_nulls().unique()
    found: npt.NDArray[np.bool_] = ids.cast(pl.String).is_in(few.implode()).fill_null(value=False).to_numpy()
    return found


def _joined(others: Index, starts: Index, rows: Index) -> Index:
    """The others of all rows in one array."""
    rows = rows[rows < len(starts) - 1]
    counts = starts[rows + 1] - starts[rows]
    offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    found: Index = others[np.repeat(starts[rows], counts) + offsets]
    return found


def needed(links: Links, asked: dict[str, Index], paths: dict[str, frozenset[Chain]]) -> dict[str, Index]:
    """Everybody who is listed and whose facts the answers of some subjects read, themselves included.

    Args:
        links: of the whole population.
        asked: rows, by kind of subject.
        paths: by kind of subject, the chains of its benefits.
    """
    found = {kind: [rows] for kind, rows in asked.items()}
    for kind, rows in asked.items():
        reached: dict[Chain, Index] = {(): rows}
        chains = paths.get(kind, frozenset())
        halfway = {path[:-1] for path in chains if path}
        for path in sorted(chains, key=len):
            if path:
                move = links.follow if path in halfway else links.arrive
                reached[path] = move(path[-1], reached[path[:-1]])
                found.setdefault(path[-1].arrives_at, []).append(reached[path])
    return {kind: links.listed(kind, np.concatenate(parts)) for kind, parts in found.items()}


def touched(links: Links, changed: dict[str, Index], kind: str, paths: frozenset[Chain]) -> Index:
    """The subjects of a kind whose answers a change of some subjects' facts or links may touch."""
    parts = [changed.get(kind, np.zeros(0, dtype=np.int64))]
    for path in paths:
        if path:
            rows = changed.get(path[-1].arrives_at)
            if rows is not None and len(rows):
                parts.append(links.back(path, rows))
    return links.listed(kind, np.concatenate(parts))


def links_of(paths: frozenset[Chain], subjects: Subjects, names: tuple[str, ...]) -> list[str]:
    """The links of persons by which chains lead from a group or a parent to them, as far as a rule names them."""
    links: list[str] = []
    for path in paths:
        for step in path:
            if step.way == "members":
                links.append(subjects.groups[step.name].link)
            elif step.way == "related" and subjects.relations[step.name].inverse:
                links += subjects.relations[step.name].links
    return [name for name in names if name in links]


def in_doubt(links: Links, doubtful: dict[str, Index], kind: str, paths: frozenset[Chain]) -> Index:
    """The subjects of a kind whose answers rest on the persons of somebody of whom it is not known who those are."""
    parts = [np.zeros(0, dtype=np.int64)]
    for path in paths:
        if path and (path[-1].way == "members" or links.is_inverse(path[-1])):
            rows = doubtful.get(path[-2].arrives_at if len(path) > 1 else kind)
            if rows is not None and len(rows):
                parts.append(links.back(path[:-1], rows))
    return links.listed(kind, np.concatenate(parts))
