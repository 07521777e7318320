"""What the model reads about a case: what its benefit reads and is still known, how much is missing, and the donors.

One model serves every benefit, with the benefit as context: most benefits have too few open cases for a model of their
own. A column is filled only for benefits that read its fact, so no case shows more than its benefit may fetch.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from features.documents import Wording
from features.facts.dictionary import Fact
from features.facts.encoding import ID, STALE_SUFFIX, Tables
from features.facts.grounds import FORBIDDEN
from features.facts.population import NONE
from features.facts.subjects import PERSON, Group
from models.catalogue_evidence.directions import directions_of
from models.inputs import BANNED, Input, check_inputs
from rules.reads import Read, reads_of
from rules.rulebook import Rulebook

BENEFIT, DONORS, MISSING, KNOWN = "benefit_code", "donor_share", "missing_facts", "known_share"
RECEIPTS = r"receiv|claimed|paid|in_payment|^drew_|drawn|assistance_year|subsid|allowance|_grant|_chosen$"
AGE_OR_PLACE = r"birth|retirement|area$|^hukou|spouse|married|elder|orphan|over_60|sex|deceased|death"
_FIGURES = ("boolean", "integer", "number", "money")
_READ = Wording("该待遇的规则要读它", "the benefit's rules read it")
_CONTEXT = (
    Input(BENEFIT, 0, (), Wording("问的是哪一项待遇", "which benefit is asked about")),
    Input(
        DONORS, 1, (),
        Wording("以相似者的记录补全后规则判定符合的比例", "the share of donors under whom the rules say yes"),
        is_rule_derived=True,
    ),
    Input(MISSING, 0, (), Wording("规则还缺几项事实", "how many facts the rules still lack"), is_rule_derived=True),
    Input(
        KNOWN, 0, (),
        Wording("该待遇要读的事实中已知的比例", "the share of what the benefit reads of the subject that is known"),
        is_rule_derived=True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class CatalogueInputs:
    """The inputs for a catalogue on a day.

    Attributes:
        rulebook: the rules.
        on_date: the day.
        reads: what each benefit in force reads.
        listed: every input with direction, origins and reason, in order.
    """

    rulebook: Rulebook
    on_date: dt.date
    reads: dict[str, tuple[Read, ...]] = field(init=False)
    listed: tuple[Input, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Derive the inputs.

        Raises:
            LeakError: one is refused; the filter below should have left it out.
        """
        object.__setattr__(self, "reads", reads_of(self.rulebook, self.on_date))
        object.__setattr__(self, "listed", (*_CONTEXT, *self._facts()))
        check_inputs(self.listed)

    @property
    def directions(self) -> dict[str, int]:
        """Columns in order, each with its direction."""
        return {each.name: each.direction for each in self.listed}

    @property
    def model_reads(self) -> frozenset[Read]:
        """What the model's purpose fetches: what the rules read that it imitates. Of this the inputs are a part."""
        return frozenset(read for wanted in self.reads.values() for read in wanted)

    def kind(self, benefit: str) -> str:
        """The kind of subject of a benefit."""
        return self.rulebook.benefits[benefit].benefit.subject

    def _facts(self) -> list[Input]:
        plans = self.rulebook.in_force(self.on_date)
        signs: dict[str, set[int]] = {}
        origins: dict[str, str] = {}
        for benefit, wanted in self.reads.items():
            own = directions_of(plans[benefit], self.kind(benefit), plans)
            for read in wanted:
                fact = self.rulebook.vocabulary.dictionary.facts.get(read[1])
                if fact is not None and is_permitted(fact):
                    name = column_of(self.kind(benefit), read)
                    signs.setdefault(name, set()).add(own.get(read, 0))
                    origins[name] = read[1]
        return [
            Input(
                name,
                next(iter(found)) if len(found) == 1 else 0,
                (origins[name],),
                Wording("该待遇的规则要读它", "the benefit's rules read it"),
            )
            for name, found in sorted(signs.items())
        ]

    def frame(
        self, tables: Tables, benefit: str, ids: pl.Series, missing: Sequence[int], donors: pl.Series
    ) -> pl.DataFrame:
        """The inputs of cases of one benefit; null where unknown, or where the benefit does not read it.

        Args:
            tables: what is known, encoded.
            benefit: of all cases.
            ids: of the subjects.
            missing: by case, how many facts the rules lack.
            donors: by case, the donors' share; null where they settle nothing.
        """
        kind = self.kind(benefit)
        known = known_figures(tables, kind, self.reads[benefit], self)
        names = [name for name in known.columns if name != ID]
        rows = pl.DataFrame({ID: ids}).join(known, on=ID, how="left", maintain_order="left")
        code = float(sorted(self.rulebook.benefits).index(benefit))
        share = pl.mean_horizontal(pl.col(n).is_not_null().cast(pl.Float64) for n in names) if names else pl.lit(None)
        context = [
            pl.lit(code).alias(BENEFIT), donors.cast(pl.Float64).alias(DONORS),
            pl.Series(MISSING, np.asarray(missing, dtype=np.float64)), share.cast(pl.Float64).alias(KNOWN),
        ]  # fmt: skip
        rows = rows.with_columns(context)
        absent = [pl.lit(None, dtype=pl.Float64).alias(i.name) for i in self.listed if i.name not in rows.columns]
        return rows.with_columns(absent).select(i.name for i in self.listed)


def is_permitted(fact: Fact) -> bool:
    """May a model see this fact: a figure, of nothing protected, and no receipt of any benefit?"""
    if fact.type.kind not in _FIGURES:
        return False
    return not any(re.search(pattern, fact.id) for pattern in (*BANNED, *FORBIDDEN, RECEIPTS, AGE_OR_PLACE))


def column_of(kind: str, read: Read) -> str:
    """The column of what a benefit for one kind of subject reads of another."""
    return read[1] if read[0] == kind else f"{read[0]}s_{read[1]}" if read[0] == PERSON else f"{read[0]}_{read[1]}"


def known_figures(tables: Tables, kind: str, reads: Sequence[Read], inputs: CatalogueInputs) -> pl.DataFrame:
    """`id` and the permitted figures that a benefit reads: the subject's own, sums over its persons, of its groups.

    A sum is null where one of the persons' figures is unknown: unknown never counts as nothing.
    """
    facts = inputs.rulebook.vocabulary.dictionary.facts
    groups = inputs.rulebook.vocabulary.subjects.groups
    table = tables[kind]
    found = table.select(ID)
    by_kind: dict[str, list[str]] = {}
    for of, name in reads:
        held = of in tables and name in tables[of].columns
        if held and name in facts and is_permitted(facts[name]):
            by_kind.setdefault(of, []).append(name)
    for of, names in by_kind.items():
        figures = tables[of].select(
            ID, *_links(tables[of], groups), *(_figure(tables[of], n, inputs.on_date) for n in names)
        )
        new = {name: column_of(kind, (of, name)) for name in names}
        if of == kind:
            part = figures.select(ID, *names)
        elif of == PERSON and groups[kind].link in figures.columns:
            link = groups[kind].link
            sums = (pl.when(~pl.col(n).is_null().any()).then(pl.col(n).sum()).alias(n) for n in names)
            part = figures.group_by(link).agg(sums).rename({link: ID}).drop_nulls(ID)
        elif kind == PERSON and groups[of].link in table.columns:
            belongs = table.select(ID, pl.col(groups[of].link).alias("group")).filter(pl.col("group") != NONE)
            part = belongs.join(figures.select(pl.col(ID).alias("group"), *names), on="group").drop("group")
        else:
            continue
        found = found.join(part.rename(new), on=ID, how="left", maintain_order="left")
    return found


def _links(table: pl.DataFrame, groups: dict[str, Group]) -> list[str]:
    return [group.link for group in groups.values() if group.link in table.columns]


def _figure(table: pl.DataFrame, name: str, on_date: dt.date) -> pl.Expr:
    """A figure as a number; what is too old is not known."""
    value = pl.col(name).cast(pl.Float64)
    stale = name + STALE_SUFFIX
    if stale not in table.columns:
        return value
    return pl.when((pl.col(stale) <= on_date).fill_null(value=False)).then(None).otherwise(value).alias(name)
