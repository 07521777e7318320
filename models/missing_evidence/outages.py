"""Which records are missing together: outages of registers, as masks over complete households.

Facts go missing by register, never one by one: the department that is down takes all it holds with it, and what follows
from that. `docs/models/missing_evidence.md` gives the reading of each pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.trees import Flags, Floats

WAGES, TAX, TAX_LATE = "wages", "tax_department", "tax_department_late"
CIVIL, SOCIAL, ROLL = "civil_registry", "social_security_pension", "employment_roll"
TAXED = ("wages", "self_employment", "farming", "interest", "dividends")
HOLDS: Mapping[str, tuple[str, ...]] = {
    WAGES: ("wages",),
    TAX: (*TAXED, "alimony", "returns"),
    TAX_LATE: TAXED,
    CIVIL: ("size", "children", "elderly"),
    SOCIAL: ("social_security", "pension", "ssi"),
    ROLL: ("on_roll",),
}
"""The columns that each register holds."""

ENROLLED = 0.85
"""The share of earners whose employment is on the roll. In the survey the count of earners is exact, and zero of them
means zero wages; a roll that misses informal work says less, and must not be a back door to the hidden wage."""
STARTED_WORK, STOPPED_WORK = 0.12, 0.10
"""Of this year's earners, those without that income last year; of this year's others, those who had it."""
YEARLY_CHANGE = 0.35
"""Standard deviation of the yearly change of an income, in logs."""
REPORTED_WAGE_MIDDLE, REPORTED_WAGE_SCALE = 25_000.0, 1.5
"""Of households with this wage half are reported; with each factor of e more, the odds rise by the scale."""
UNREPORTED_WITHOUT_WAGE = 0.35
SECOND_OUTAGE = 0.25
"""In training, and where two outages at once are measured: the share of households that draw another one."""

Down = dict[str, Flags]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way in which records go missing."""

    name: str
    draw: Callable[[pl.DataFrame, np.random.Generator], Down]
    trained_as: Callable[[pl.DataFrame, np.random.Generator], Down] | None = None
    """How training masks it, where the true mechanism is not known to the trainer."""


def masked(records: pl.DataFrame, down: Down, chance: np.random.Generator) -> pl.DataFrame:
    """The records as they are left when these registers are down, by household.

    Adds `on_roll`, `last_…` (last year's income of the kinds whose records are late) and `pattern`, the registers down.
    """
    rolled = chance.binomial(records["workers"].cast(pl.Int64).to_numpy(), ENROLLED).astype(np.float64)
    whole = records.with_columns(pl.Series("on_roll", rolled))
    late = down.get(TAX_LATE, np.zeros(records.height, dtype=bool))
    last = [_shown(f"last_{kind}", last_year(records[kind].to_numpy(), chance), late) for kind in TAXED]
    hidden: dict[str, Flags] = {}
    for register, rows in down.items():
        for column in HOLDS[register]:
            hidden[column] = hidden.get(column, np.zeros(records.height, dtype=bool)) | rows
    kept = [_shown(column, whole[column].to_numpy(), ~rows) for column, rows in hidden.items()]
    return whole.with_columns(*kept, *last, pl.Series("pattern", _pattern_names(down, records.height)))


def last_year(amounts: Floats, chance: np.random.Generator) -> Floats:
    """A last year for each of this year's amounts: a change of each, work begun, and work given up."""
    changed = amounts * np.exp(chance.normal(0.0, YEARLY_CHANGE, len(amounts)))
    earlier = np.where(chance.random(len(amounts)) < STARTED_WORK, 0.0, changed)
    had = amounts[amounts > 0]
    if not len(had):
        return np.zeros(len(amounts))
    gave_up = (amounts == 0) & (chance.random(len(amounts)) < STOPPED_WORK * len(had) / len(amounts))
    return np.where(gave_up, chance.choice(had, len(amounts)), np.where(amounts > 0, np.round(earlier), 0.0))


def _everywhere(*registers: str) -> Callable[[pl.DataFrame, np.random.Generator], Down]:
    return lambda records, _: {register: np.ones(records.height, dtype=bool) for register in registers}


def _one_of_five(second: float) -> Callable[[pl.DataFrame, np.random.Generator], Down]:
    """One of the five outages for each household, all alike likely; another draw for the share `second` of them."""

    def draw(records: pl.DataFrame, chance: np.random.Generator) -> Down:
        kinds, rows = (WAGES, TAX, TAX_LATE, CIVIL, SOCIAL), records.height
        first = chance.integers(0, len(kinds), rows)
        other = np.where(chance.random(rows) < second, chance.integers(0, len(kinds), rows), first)
        down = {register: (first == i) | (other == i) for i, register in enumerate(kinds)}
        down[TAX_LATE] &= ~down[TAX] & ~down[WAGES]  # nothing of last year is held where the register is away
        return down

    return draw


def _unreported_wages(records: pl.DataFrame, chance: np.random.Generator) -> Down:
    """Small wages go unreported more often than large ones, and who is not reported is not on the roll either."""
    wages = records["wages"].to_numpy()
    odds = (wages / REPORTED_WAGE_MIDDLE) ** REPORTED_WAGE_SCALE
    missing = chance.random(len(wages)) < np.where(wages > 0, 1 / (1 + odds), UNREPORTED_WITHOUT_WAGE)
    return {WAGES: missing, ROLL: missing}


NOT_AT_RANDOM = "wages_not_at_random"
PATTERNS: tuple[Pattern, ...] = (
    Pattern("wages", _everywhere(WAGES)),
    Pattern("tax_department", _everywhere(TAX)),
    Pattern("civil_registry", _everywhere(CIVIL)),
    Pattern("social_security_pension", _everywhere(SOCIAL)),
    Pattern("stale_income", _everywhere(TAX_LATE)),
    Pattern("mixed", _one_of_five(0.0), trained_as=_one_of_five(SECOND_OUTAGE)),
    Pattern(NOT_AT_RANDOM, _unreported_wages, trained_as=_everywhere(WAGES, ROLL)),
)
TWO_AT_ONCE = Pattern("mixed_two_at_once", _one_of_five(SECOND_OUTAGE))
"""Measured, and learned from as `mixed`: some households meet two outages."""


def _pattern_names(down: Down, rows: int) -> list[str]:
    names = np.full(rows, "", dtype=object)
    for register in sorted(down):
        names = np.where(down[register], names + "+" + register, names)
    return [str(name).removeprefix("+") for name in names]


def _shown(name: str, values: Floats, shown: Flags) -> pl.Series:
    """A column that is null where it is not shown."""
    return pl.select(pl.when(pl.Series(shown)).then(pl.Series(values)).otherwise(None).alias(name)).to_series()
