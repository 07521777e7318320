"""Donor imputation and the rules: fill each gap from somebody who has the record, and let the rules answer each time.

The score is the share of completed worlds in which the rules say yes. It needs no training, explains itself ("of five
like this one, two would qualify"), is the baseline to beat, and stands in where a benefit has too few cases.

Source: Andridge and Little, A review of hot deck imputation for survey non-response, International Statistical
Review 78 (2010).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.encoding import ID, Tables
from features.facts.subjects import PERSON
from models.catalogue_evidence.gaps import owner
from models.catalogue_evidence.inputs import CatalogueInputs
from models.outreach.worth import CITIZENS_OWN
from models.trees import Flags, Floats
from rules.evaluate.batch import ELIGIBLE, UNDETERMINED, BatchEvaluator

DONORS = 5
"""Completed worlds. More order better and cost as much each; five tell 0, 20, … 100 %."""
FEWEST_DONORS = 20
"""A gap is not filled from fewer people who have the record: they would be told again and again."""
ALIKE = ("household_size",)
"""A donor is drawn among those alike in these, where enough are; else among all. Nothing protected is compared."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HotDeck:
    """Fills the gaps of open answers and asks the rules.

    Attributes:
        inputs: the rules, and what they read.
        seed: the same seed draws the same donors.
    """

    inputs: CatalogueInputs
    seed: int = 20260301

    def share(self, tables: Tables, cases: pl.DataFrame) -> pl.Series:
        """By case, the share of completed worlds that say yes among those that settle it; null where none does.

        Args:
            tables: what is known.
            cases: `benefit`, `id`, `missing`; one row for a subject and benefit.
        """
        yes, settled = np.zeros(cases.height), np.zeros(cases.height)
        masks, places = chosen_rows(tables, cases, self.inputs)
        for world in range(DONORS):
            chance = np.random.default_rng([self.seed, world])
            filled = self._filled(tables, cases, chance)
            found = outcomes(
                BatchEvaluator(self.inputs.rulebook, self.inputs.on_date), filled, masks, places, cases.height
            )
            yes += found == ELIGIBLE
            settled += found != UNDETERMINED
        share = np.where(settled > 0, yes / np.maximum(settled, 1), np.nan) * self._declared(tables, cases)
        return pl.Series("donor_share", share, nan_to_null=True)

    def _declared(self, tables: Tables, cases: pl.DataFrame) -> Floats:
        """By case, how much donors count: a declaration exists only where somebody had something to declare.

        So those who declared are not like those who did not, and their share holds for as many as have declared.
        """
        vocabulary = self.inputs.rulebook.vocabulary
        own = CITIZENS_OWN.get(vocabulary.jurisdiction)
        held: dict[str, float] = {}
        for name, fact in vocabulary.dictionary.facts.items():
            table = tables.get(fact.subject)
            if fact.register == own and table is not None and name in table.columns and table.height:
                held[name] = 1 - table.get_column(name).null_count() / table.height
        least = [
            min((held[n] for n in names if n in held), default=1.0) for names in cases.get_column("missing").to_list()
        ]
        return np.array(least, dtype=np.float64)

    def _filled(self, tables: Tables, cases: pl.DataFrame, chance: np.random.Generator) -> Tables:
        """One completed world: what is missing together of one kind is lent together by one donor."""
        vocabulary = self.inputs.rulebook.vocabulary
        world = dict(tables)
        alike = cases.with_columns(pl.col("missing").list.sort()).group_by("benefit", "missing").agg(ID)
        ordered = alike.sort("benefit", pl.col("missing").list.join("+"))
        for benefit, missing, ids in ordered.iter_rows():
            kind = self.inputs.kind(benefit)
            by_owner: dict[str, list[str]] = {}
            for fact in missing:
                by_owner.setdefault(owner(fact, vocabulary), []).append(fact)
            for of, facts in by_owner.items():
                if of in world:
                    needy = ids if of == kind else _related(world, self.inputs, kind, of, ids)
                    world[of] = self._lend(tables[of], world[of], facts, needy, chance)
        return world

    def _lend(
        self, source: pl.DataFrame, table: pl.DataFrame, facts: list[str], needy: list[str],
        chance: np.random.Generator,
    ) -> pl.DataFrame:  # fmt: skip
        held = [fact for fact in facts if fact in table.columns]
        if not held:
            return table
        whole = pl.all_horizontal(pl.col(held).is_not_null())
        rows = np.flatnonzero(source.select(whole).to_series().to_numpy())
        wanting = np.flatnonzero(
            table.select(pl.col(ID).is_in(needy) & pl.any_horizontal(pl.col(held).is_null())).to_series().to_numpy()
        )
        if not len(wanting):
            return table
        if len(rows) < FEWEST_DONORS:
            # Nobody has all of it together: fact by fact then, as far as that goes.
            if len(held) > 1:
                for fact in held:
                    table = self._lend(source, table, [fact], needy, chance)
            return table
        donors = _drawn(source, table, rows, wanting, chance)
        spread = np.full(table.height, -1, dtype=np.int64)
        spread[wanting] = donors
        takes = pl.Series(spread >= 0)
        index = pl.Series(np.maximum(spread, 0))
        lent = {fact: source.get_column(fact).gather(index) for fact in held}
        filled = (pl.when(takes & pl.col(f).is_null()).then(lent[f]).otherwise(pl.col(f)).alias(f) for f in held)
        return table.with_columns(filled)


def _drawn(
    source: pl.DataFrame, table: pl.DataFrame, rows: Places, wanting: Places, chance: np.random.Generator
) -> Places:
    """A donor for each who wants, among those alike where there are enough."""
    donors = rows[chance.integers(0, len(rows), len(wanting))]
    for name in (n for n in ALIKE if n in table.columns):
        theirs = source.get_column(name).cast(pl.Float64).fill_null(float("nan")).to_numpy()[rows]
        own = table.get_column(name).cast(pl.Float64).fill_null(float("nan")).to_numpy()[wanting]
        for value in np.unique(own[np.isfinite(own)]):
            near, takers = rows[theirs == value], np.flatnonzero(own == value)
            if len(near) >= FEWEST_DONORS:
                donors[takers] = near[chance.integers(0, len(near), len(takers))]
    return np.asarray(donors)


def _related(tables: Tables, inputs: CatalogueInputs, kind: str, of: str, ids: list[str]) -> list[str]:
    """The groups of persons, or the persons of groups."""
    persons, groups = tables[PERSON], inputs.rulebook.vocabulary.subjects.groups
    if kind == PERSON and of in groups and groups[of].link in persons.columns:
        return persons.filter(pl.col(ID).is_in(ids)).get_column(groups[of].link).drop_nulls().to_list()
    if of == PERSON and kind in groups and groups[kind].link in persons.columns:
        return persons.filter(pl.col(groups[kind].link).is_in(ids)).get_column(ID).to_list()
    return []


def chosen_rows(
    tables: Tables, cases: pl.DataFrame, inputs: CatalogueInputs
) -> tuple[dict[str, Flags], dict[str, Places]]:
    """By benefit which rows of its kind's table are asked about, and the places of those cases, in table order."""
    masks, places = {}, {}
    numbered = cases.select("benefit", ID).with_row_index("place")
    for (benefit,), rows in numbered.group_by("benefit", maintain_order=True):
        table = tables[inputs.kind(str(benefit))].select(ID).with_row_index("row")
        found = rows.join(table, on=ID).sort("row")
        mask = np.zeros(table.height, dtype=bool)
        mask[found.get_column("row").to_numpy()] = True
        masks[str(benefit)], places[str(benefit)] = mask, found.get_column("place").to_numpy()
    return masks, places


def outcomes(
    evaluator: BatchEvaluator, tables: Tables, masks: Mapping[str, Flags], places: Mapping[str, Places], cases: int
) -> Floats:
    """The rules' outcome of each case (0, 1 unknown, 2 yes)."""
    found, done = np.full(cases, UNDETERMINED), dict.fromkeys(masks, 0)
    for benefit, answers in evaluator.stream_some(tables, masks):
        start = done[benefit]
        done[benefit] = start + answers.height
        found[places[benefit][start : done[benefit]]] = answers.get_column("outcome").to_numpy()
    return np.asarray(found)
