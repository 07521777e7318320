"""The rule on whole columns, with what is hidden as an interval: eligible, ineligible, or undetermined.

The answer can only turn to yes as income falls, as the household grows and as the exemption from the gross test comes
in, so the best and the worst case of each interval decide exactly what can be decided.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.errors import ModelsError
from models.missing_evidence.households import COUNTED_BENEFITS, EARNED, INCOMES
from models.trees import Flags, Floats

MONTHS = 12
_CENT = 0.005


@dataclass(frozen=True, slots=True)
class Case:
    """Columns that the rule can be run on: monthly income, people, exemption and year of each household."""

    earned: Floats
    unearned: Floats
    size: Floats
    exempt: Flags
    year: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Determined:
    """What the rule says of each household with what is known."""

    eligible: Flags
    ineligible: Flags

    @property
    def undetermined(self) -> Flags:
        return ~self.eligible & ~self.ineligible


def determine(records: pl.DataFrame) -> Determined:
    """The rule with unknown: a null income may be anything from zero up, a null size anything from one person up."""
    size, year = _floats(records, "size"), records["year"].cast(pl.Int64).to_numpy()
    helps, hurts = _exempt(records, unknown=True), _exempt(records, unknown=False)
    best = Case(*_income(records, 0.0), np.where(np.isnan(size), np.inf, size), helps, year)
    worst = Case(*_income(records, np.inf), np.where(np.isnan(size), 1.0, size), hurts, year)
    return Determined(eligible=is_eligible(worst), ineligible=~is_eligible(best))


def answers(records: pl.DataFrame) -> Flags:
    """The rule on complete records, or on records completed by imputation."""
    year = records["year"].cast(pl.Int64).to_numpy()
    size, exempt = _floats(records, "size"), _exempt(records, unknown=False)
    return is_eligible(Case(*_income(records, 0.0), size, exempt, year))


def is_eligible(case: Case) -> Flags:
    """Within both limits, the gross one only where it applies."""
    limit, gross = guideline(case.size, case.year), case.earned + case.unearned
    within_gross = case.exempt | (gross <= parameters()["gross_limit"] * limit + _CENT)
    return np.asarray(within_gross & (net_income(case) <= parameters()["net_limit"] * limit + _CENT))


def net_income(case: Case) -> Floats:
    """Monthly income after the deductions, not below zero."""
    rule = parameters()
    table = np.array(rule["standard_deduction"], dtype=np.float64)
    standard = table[np.minimum(np.nan_to_num(case.size, posinf=len(table)), len(table)).astype(np.int64) - 1]
    return np.asarray(np.maximum(0.0, (1 - rule["earned_income_deduction"]) * case.earned + case.unearned - standard))


def guideline(size: Floats, year: npt.NDArray[np.int64]) -> Floats:
    """The monthly poverty guideline for so many people; infinite where there may be any number.

    Raises:
        ModelsError: no guideline is held for a year.
    """
    held = {int(y): amounts for y, amounts in parameters()["guideline"].items()}
    unheld = sorted(set(np.unique(year).tolist()) - set(held))
    if unheld:
        raise ModelsError(f"rule.toml has no poverty guideline for {unheld}: add it with its source.")
    first, more = np.zeros(len(size)), np.zeros(len(size))
    for known, amounts in held.items():
        first[year == known], more[year == known] = amounts
    return np.asarray((first + more * (size - 1)) / MONTHS)


@cache
def parameters() -> dict[str, Any]:
    """The numbers of the law, from `rule.toml`."""
    return tomllib.loads((Path(__file__).parent / "rule.toml").read_text(encoding="utf-8"))


def share_that_differs(records: pl.DataFrame) -> float:
    """The share of complete households whose answer in the file is not the rule's: 0 where the rule is the file's."""
    return float(np.mean(answers(records) != (records["answer"].to_numpy() == 1)))


def _income(records: pl.DataFrame, hidden: float) -> tuple[Floats, Floats]:
    """Monthly earned and unearned income, with `hidden` for each amount that is not known."""
    held = {name: np.nan_to_num(_floats(records, name), nan=hidden) for name in (*INCOMES, *COUNTED_BENEFITS)}
    earned = np.sum([held[name] for name in EARNED], axis=0)
    unearned = np.sum([amounts for name, amounts in held.items() if name not in EARNED], axis=0)
    return earned / MONTHS, unearned / MONTHS


def _exempt(records: pl.DataFrame, *, unknown: bool) -> Flags:
    """Whether an elderly or disabled member lifts the gross test, with `unknown` where nobody can say."""
    elderly, blind = _floats(records, "elderly"), _floats(records, "blind")
    certain, open_ = (elderly > 0) | (blind > 0), np.isnan(elderly) | np.isnan(blind)
    return np.asarray(certain | (open_ & unknown))


def _floats(records: pl.DataFrame, name: str) -> Floats:
    return records[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
