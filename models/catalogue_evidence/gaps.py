"""Which facts are missing together among the open answers, how often, and the same gaps made in what is known.

Gaps are drawn from what registers really left out: the missing facts of open determinations, by benefit, in proportion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.facts.encoding import ID, Tables
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from rules.determination import Outcome

MOST_PATTERNS = 12
"""By benefit: rarer ones are single records, of which nothing could be learned."""
Pattern = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outages:
    """The gaps observed for one benefit: which facts together, and how many answers each leaves open."""

    patterns: tuple[Pattern, ...]
    counts: tuple[int, ...]

    def draw(self, rows: int, chance: np.random.Generator) -> list[Pattern]:
        """A pattern for each row, as often as they were observed."""
        weights = np.array(self.counts, dtype=np.float64)
        chosen = chance.choice(len(self.patterns), rows, p=weights / weights.sum())
        return [self.patterns[int(place)] for place in chosen]


def observed_outages(determinations: pl.DataFrame) -> dict[str, Outages]:
    """The gaps by benefit, most frequent first.

    Args:
        determinations: `benefit`, `outcome`, `missing`. What no subject could tell (a parameter) is no gap of records.
    """
    open_ = determinations.filter(
        (pl.col("outcome") == Outcome.UNDETERMINED.value)
        & (pl.col("missing").list.len() > 0)
        & ~pl.col("missing").list.eval(pl.element().str.starts_with("$")).list.any()
    )
    counted = open_.group_by("benefit", pl.col("missing").list.sort()).len().sort(
        "benefit", "len", pl.col("missing").list.join("+"), descending=[False, True, False]
    )  # fmt: skip
    return {
        str(benefit): Outages(
            tuple(tuple(m) for m in rows.get_column("missing").head(MOST_PATTERNS)),
            tuple(rows.get_column("len").head(MOST_PATTERNS)),
        )
        for (benefit,), rows in counted.group_by("benefit", maintain_order=True)
    }


def pattern_name(benefit: str, missing: Sequence[str]) -> str:
    """How a calibration names the gap of a benefit."""
    return f"{benefit}:{'+'.join(sorted(missing))}"


def hide(
    tables: Tables, vocabulary: Vocabulary, kind: str, gaps: Mapping[str, Pattern], chance: np.random.Generator
) -> Tables:
    """The tables without what each subject's pattern hides.

    A fact of the subject's own kind is hidden of the subject; of a group it is hidden of the subject's group; of
    persons, of one of the subject's persons, drawn by lot: a register that lacks one record seldom lacks all.

    Args:
        tables: what is known.
        vocabulary: which kind has which fact.
        kind: of the subjects.
        gaps: by subject's id.
        chance: draws persons.
    """
    by_fact: dict[str, list[str]] = {}
    for subject_id, pattern in gaps.items():
        for fact in pattern:
            by_fact.setdefault(fact, []).append(subject_id)
    hidden: dict[str, dict[str, list[str]]] = {}
    for fact, ids in by_fact.items():
        of = owner(fact, vocabulary)
        hidden.setdefault(of, {})[fact] = ids if of == kind else _others(tables, vocabulary, kind, of, ids, chance)
    return {of: _without(table, hidden.get(of, {})) for of, table in tables.items()}


def owner(fact: str, vocabulary: Vocabulary) -> str:
    """The kind of subject that has a fact; links are of persons."""
    found = vocabulary.dictionary.facts.get(fact)
    return PERSON if found is None else found.subject


def _others(
    tables: Tables, vocabulary: Vocabulary, kind: str, of: str, ids: list[str], chance: np.random.Generator
) -> list[str]:
    """Whose fact is hidden, where it is not the subject's own."""
    persons, groups = tables[PERSON], vocabulary.subjects.groups
    link = groups[of].link if kind == PERSON else groups[kind].link
    if link not in persons.columns or of not in (PERSON, *groups) or (kind != PERSON and of != PERSON):
        return []
    if kind == PERSON:
        return persons.filter(pl.col(ID).is_in(ids)).get_column(link).drop_nulls().to_list()
    lot = pl.Series("lot", chance.random(persons.height))
    members = persons.select(ID, link).with_columns(lot).filter(pl.col(link).is_in(ids)).sort("lot", ID)
    return members.unique(link, keep="first", maintain_order=True).get_column(ID).to_list()


def _without(table: pl.DataFrame, hidden: Mapping[str, list[str]]) -> pl.DataFrame:
    return table.with_columns(
        pl.when(~pl.col(ID).is_in(ids)).then(pl.col(fact)).alias(fact)
        for fact, ids in hidden.items()
        if fact in table.columns and ids
    )
