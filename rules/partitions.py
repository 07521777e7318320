"""Cuts a population into parts that can be answered apart from one another: on several processes, or several machines.

A part holds some subjects to answer for, and beside them everybody whose facts their rules read.

* **Families** are persons whom relations and close groups (households, tax units) tie together, directly or over
  others; a family is never cut.
* **Hubs** are groups that would tie everybody to everybody (employers). Beside a family stand the hubs it names, as
  rows that are read but not answered for. Hubs are answered for in parts of their own, beside all their persons with
  their families.

So a rule may read over the persons of a hub only where the hub itself is its subject. Any other rule that does is
refused here; such a catalogue is answered in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.encoding import ID, Tables
from features.facts.population import NONE
from features.facts.subjects import PERSON, Subjects
from rules import plan
from rules.errors import RulesError
from rules.rulebook import BenefitPlan

Labels = npt.NDArray[np.int64]
LARGEST_FAMILY = 1_000
"""Groups that tie more persons together than this, and than fit a part, are hubs."""


class UncuttableError(RulesError):
    """A rule reads over persons who may stand in any part."""

    def __init__(self, benefit: str, hub: str) -> None:
        super().__init__(
            f"{benefit}: the rule reads over the persons of the subject's {hub}, who may be anywhere, so the "
            "population cannot be cut. Answer it in one piece (`--engine batch`)."
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Subjects to answer for, first in each table, and behind them those whose facts they read.

    Attributes:
        tables: encoded tables by kind of subject.
        asked: how many of the first rows of each table are answered for.
    """

    tables: Tables
    asked: dict[str, int]


def cut(
    tables: Tables,
    subjects: Subjects,
    plans: dict[str, BenefitPlan],
    persons: int,
    *,
    asked: Mapping[str, int] | None = None,
    largest_family: int = LARGEST_FAMILY,
) -> Iterator[Part]:
    """Cut a population into parts of about so many persons.

    Args:
        tables: the whole population, encoded.
        subjects: the kinds and relations there are.
        plans: the benefits that will be asked for.
        persons: how many persons a part should have; a family that is larger stays whole.
        asked: how many of the first rows of each table are to be answered for; all by default.
        largest_family: groups that tie more persons together than this, and than a part has, are hubs.

    Raises:
        UncuttableError: a rule reads further than a part goes.
    """
    people = tables.get(PERSON, pl.DataFrame({ID: []}, schema={ID: pl.String}))
    wanted = {kind: table.height if asked is None else asked.get(kind, 0) for kind, table in tables.items()}
    family, hubs = _families(people, subjects, max(persons, largest_family))
    for benefit_id, benefit in plans.items():
        for hub in hubs:
            if benefit.benefit.subject != hub and _reads_members_of(benefit, hub):
                raise UncuttableError(benefit_id, hub)
    yield from _family_parts(tables, people, subjects, family, hubs, persons, wanted)
    for hub in hubs:
        if hub in tables and any(benefit.benefit.subject == hub for benefit in plans.values()):
            yield from _hub_parts(tables, people, subjects, family, hub, persons, wanted[hub])


# -- who belongs together ---------------------------------------------------------------------------------------------


def _families(people: pl.DataFrame, subjects: Subjects, most: int) -> tuple[Labels, list[str]]:
    """A number for each person's family, and the kinds of group that are hubs."""
    numbers = pl.DataFrame({ID: people.get_column(ID)}).with_row_index("row")
    pairs: list[tuple[Labels, Labels]] = []
    for link in dict.fromkeys(link for relation in subjects.relations.values() for link in relation.links):
        if link in people.columns:
            pairs.append(_named_alike(people.get_column(link), numbers))
    family = _connected(people.height, pairs)
    hubs: list[str] = []
    for kind, group in subjects.groups.items():
        if group.link not in people.columns:
            continue
        tied = [*pairs, _members_together(people.get_column(group.link))]
        joined = _connected(people.height, tied)
        largest = int(np.bincount(joined).max(initial=0))
        if largest > max(most, int(np.bincount(family).max(initial=0))):
            hubs.append(kind)
        else:
            pairs, family = tied, joined
    return family, hubs


def _named_alike(link: pl.Series, numbers: pl.DataFrame) -> tuple[Labels, Labels]:
    """Pairs of a person and whom the link names; those who name the same stranger are tied to one another."""
    named = pl.DataFrame({ID: link}).with_row_index("owner").filter(pl.col(ID).is_not_null() & (pl.col(ID) != NONE))
    found = named.join(numbers, on=ID, how="left")
    first = found.group_by(ID).agg(pl.col("owner").min().alias("first"))
    found = found.join(first, on=ID).with_columns(pl.col("row").fill_null(pl.col("first")))
    return found.get_column("owner").to_numpy().astype(np.int64), found.get_column("row").to_numpy().astype(np.int64)


def _members_together(link: pl.Series) -> tuple[Labels, Labels]:
    """Pairs of each member of a group and its first member."""
    named = pl.DataFrame({ID: link}).with_row_index("owner").filter(pl.col(ID).is_not_null() & (pl.col(ID) != NONE))
    named = named.with_columns(pl.col("owner").min().over(ID).alias("first"))
    return named.get_column("owner").to_numpy().astype(np.int64), named.get_column("first").to_numpy().astype(np.int64)


def _connected(n: int, pairs: list[tuple[Labels, Labels]]) -> Labels:
    """Numbers from 0 of the connected components, by taking over the smaller number until nothing changes."""
    label = np.arange(n, dtype=np.int64)
    while True:
        before = label.copy()
        for a, b in pairs:
            smaller = np.minimum(label[a], label[b])
            np.minimum.at(label, a, smaller)
            np.minimum.at(label, b, smaller)
        label = label[label]
        if np.array_equal(label, before):
            return np.unique(label, return_inverse=True)[1].reshape(-1).astype(np.int64)


# -- parts ------------------------------------------------------------------------------------------------------------


def _family_parts(
    tables: Tables,
    people: pl.DataFrame,
    subjects: Subjects,
    family: Labels,
    hubs: list[str],
    persons: int,
    wanted: dict[str, int],
) -> Iterator[Part]:
    part_of_person = _packed(np.bincount(family), persons)[family] if people.height else np.zeros(0, np.int64)
    close = [kind for kind in subjects.groups if kind not in hubs and kind in tables]
    part_of_group = {
        kind: _part_of_groups(tables[kind], people, subjects.groups[kind].link, part_of_person) for kind in close
    }
    count = 1 + max(
        [int(part_of_person.max(initial=-1)), *(int(parts.max(initial=-1)) for parts in part_of_group.values())]
    )
    for number in range(count):
        masks = {kind: parts == number for kind, parts in part_of_group.items()}
        if PERSON in tables:
            masks[PERSON] = part_of_person == number
        found: Tables = {kind: tables[kind].filter(pl.Series(mask)) for kind, mask in masks.items()}
        asked = {kind: int(mask[: wanted[kind]].sum()) for kind, mask in masks.items()}
        chosen = found.get(PERSON, people)
        for hub in hubs:
            if hub in tables:
                found[hub] = _named_groups(tables[hub], chosen, subjects.groups[hub].link)
        yield Part(found, asked)


def _hub_parts(
    tables: Tables, people: pl.DataFrame, subjects: Subjects, family: Labels, hub: str, persons: int, wanted: int
) -> Iterator[Part]:
    link = subjects.groups[hub].link
    rows = pl.DataFrame({ID: tables[hub].get_column(ID)}).with_row_index("hub")
    member = people.select(pl.col(link).alias(ID)).join(rows, on=ID, how="left", maintain_order="left")
    hub_of = member.get_column("hub").fill_null(-1).cast(pl.Int64).to_numpy()
    sizes = np.bincount(hub_of[hub_of >= 0], minlength=tables[hub].height)
    part_of_hub = _packed(sizes, persons)
    part_of_person = np.where(hub_of >= 0, part_of_hub[np.maximum(hub_of, 0)], -1)
    for number in range(1 + int(part_of_hub.max(initial=-1))):
        # The hubs' persons with their families, and every group that these name.
        touched = np.zeros(int(family.max(initial=-1)) + 1, dtype=bool)
        touched[family[part_of_person == number]] = True
        beside = people.filter(pl.Series(touched[family]))
        asked_rows = tables[hub].filter(pl.Series((part_of_hub == number) & (np.arange(len(part_of_hub)) < wanted)))
        others = _named_groups(tables[hub], beside, link).join(asked_rows.select(ID), on=ID, how="anti")
        found: Tables = {PERSON: beside, hub: pl.concat([asked_rows, others])}
        for kind, group in subjects.groups.items():
            if kind != hub and kind in tables:
                found[kind] = _named_groups(tables[kind], beside, group.link)
        yield Part(found, {hub: asked_rows.height})


def _named_groups(table: pl.DataFrame, people: pl.DataFrame, link: str) -> pl.DataFrame:
    """The groups that some persons name."""
    if link not in people.columns:
        return table.head(0)
    return table.join(people.select(pl.col(link).alias(ID)).unique(), on=ID, how="semi", maintain_order="left")


def _part_of_groups(table: pl.DataFrame, people: pl.DataFrame, link: str, part_of_person: Labels) -> Labels:
    """The part of each group's persons; a group without any goes to the first."""
    if link not in people.columns:
        return np.zeros(table.height, dtype=np.int64)
    parts = pl.DataFrame({ID: people.get_column(link), "part": part_of_person}).unique(ID, keep="first")
    found = table.select(ID).join(parts, on=ID, how="left", maintain_order="left")
    return found.get_column("part").fill_null(0).to_numpy().astype(np.int64)


def _packed(sizes: npt.NDArray[np.int64], persons: int) -> Labels:
    """A part for each of some things of these sizes, in their order, each part of about so many persons."""
    begins = np.cumsum(np.maximum(sizes, 1)) - np.maximum(sizes, 1)
    parts: Labels = (begins // max(persons, 1)).astype(np.int64)
    return np.unique(parts, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _reads_members_of(benefit: BenefitPlan, hub: str) -> bool:
    """Does a rule run over the persons of a hub that is not its subject?"""
    seen: set[int] = set()

    def reads(node: plan.Node) -> bool:
        if id(node) in seen:
            return False
        seen.add(id(node))
        if isinstance(node, plan.Exists | plan.Count | plan.Total) and hub in (node.relation.group, node.relation.via):
            return True
        return any(reads(child) for child in node.children())

    return reads(benefit.outcome) or (benefit.amount is not None and reads(benefit.amount))
