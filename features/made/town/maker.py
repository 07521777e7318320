"""Makes the town and writes it as the files of facts that `applyfree evaluate` reads.

Deterministic: the same number, seed and day give the same files. It is made for showing what the engine does, with
figures that look like a city's; nothing in it is about anyone, and no statistic may be drawn from it.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.facts.dictionary import Fact
from features.facts.encoding import ID, link_columns
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from features.made.town.childhood import raise_children
from features.made.town.employers import found_enterprises
from features.made.town.gaps import open_gaps
from features.made.town.homes import keep_house
from features.made.town.later_life import grow_old
from features.made.town.people import Household, Settlers
from features.made.town.working_life import live_working_life

SEED = 20260301


@dataclass(frozen=True, slots=True)
class Town:
    """The subjects of each kind: id, links and facts as files write them (None: unknown)."""

    rows: dict[str, list[dict[str, object]]]

    def write(self, folder: Path, vocabulary: Vocabulary) -> None:
        """One CSV file per kind of subject."""
        folder.mkdir(parents=True, exist_ok=True)
        for kind, rows in self.rows.items():
            known = [ID, *link_columns(vocabulary, kind)]
            known += [f.id for f in vocabulary.dictionary.of_subject(kind) if f.id not in known]
            used = {name for row in rows for name in row}
            strange = used - set(known)
            if strange:
                raise ValueError(f"The dictionary does not know these facts of a {kind}: {', '.join(sorted(strange))}")
            columns = {
                name: pl.Series([_written(row.get(name)) for row in rows], dtype=pl.String)
                for name in known
                if name in used
            }
            pl.DataFrame(columns).write_csv(folder / f"{kind}.csv")


def make_town(
    vocabulary: Vocabulary,
    persons: int,
    today: dt.date,
    seed: int = SEED,
    on_persons: Callable[[int], None] = lambda _: None,
) -> Town:
    """Make a town of about so many persons.

    Args:
        vocabulary: of China.
        persons: how many; the last household may bring a few more.
        today: the day on which the departments are asked.
        seed: the same seed makes the same town.
        on_persons: is told how many persons more were made.
    """
    rng = random.Random(seed)
    households: list[Household] = []
    doing: dict[str, str] = {}
    for household in Settlers(rng, today).settle(persons):
        raise_children(household, rng, today)
        doing |= live_working_life(household, rng, today)
        grow_old(household, rng, today)
        keep_house(household, rng, today)
        households.append(household)
        on_persons(len(household.members))
    people = [person for household in households for person in household.members]
    enterprises = found_enterprises(people, doing, rng, today)
    ordinary = {kind: _ordinary(vocabulary, kind) for kind in vocabulary.subjects.kinds}
    for person in people:
        person.facts = {**ordinary[PERSON], **person.facts}
    for household in households:
        household.facts = {**ordinary["household"], **household.facts}
        open_gaps(household, rng, today)
    return Town(
        {
            PERSON: [{ID: p.id, **p.links, **p.facts} for p in people],
            "household": [{ID: h.id, **h.facts} for h in households],
            "enterprise": [{ID: e.id, **ordinary["enterprise"], **e.facts} for e in enterprises],
        }
    )


def _ordinary(vocabulary: Vocabulary, kind: str) -> Mapping[str, object]:
    """What is so of a subject of whom a register says nothing special: no, none, zero, no months."""
    facts = (fact for fact in vocabulary.dictionary.of_subject(kind) if fact.type.kind != "id")
    return {fact.id: value for fact in facts if (value := _nothing_special(fact)) is not None}


def _nothing_special(fact: Fact) -> object:
    match fact.type.kind:
        case "boolean":
            return False
        case "code":
            return NONE if NONE in fact.type.codes else None
        case "integer" | "number" | "money":
            return 0 if fact.type.minimum == 0 else None
        case "months":
            return ";"
    return None


def _written(value: object) -> str | None:
    """A value as a CSV file has it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.2f}" if isinstance(value, float) and value == round(value, 2) else str(value)
