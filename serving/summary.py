"""What an evaluation found, counted while the determinations go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.answers import IN_KIND
from rules.determination import Outcome
from serving import screen

MOST_MISSING = 2
MOST_MISSING_OVERALL = 6
PER = {"month": "a month", "year": "a year", "once": "once", "day": "a day"}
PERIODS = tuple(PER)
PLURALS = {"person": "persons", "household": "households", "enterprise": "enterprises", "tax_unit": "tax units"}


@dataclass(slots=True)
class Tally:
    """The determinations of one benefit.

    `money` sums what is certainly owed; `open` counts the eligible subjects whose amount is not certain, and who may
    be owed more than that.
    """

    benefit: str
    subject: str = ""
    per: str = ""
    unit: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)
    money: Decimal = Decimal(0)
    open: int = 0
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def in_kind(self) -> bool:
        """Is it a benefit without a figure?"""
        return self.unit == IN_KIND

    @property
    def is_money(self) -> bool:
        """Is it a sum of money, which can be added up?"""
        return len(self.unit) == len("CNY") and self.unit.isupper()


class Summary:
    """Counts per benefit, and whoever is eligible for anything."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self._eligible: dict[str, npt.NDArray[np.bool_]] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Count determinations of one benefit (see `rules.evaluate.output`)."""
        if rows.is_empty():
            return
        first = rows.row(0, named=True)
        tally = self.tallies.setdefault(first["benefit"], Tally(first["benefit"], first["subject"]))
        tally.per, tally.unit = first["per"], first["unit"]
        is_eligible = rows.get_column("outcome") == Outcome.ELIGIBLE.value
        self._note(tally, is_eligible.to_numpy())
        tally.outcomes.update(dict(rows.get_column("outcome").value_counts().iter_rows()))
        eligible = rows.filter(is_eligible)
        if not eligible.is_empty():
            tally.money += Decimal(eligible.get_column("amount_low").sum() or 0)
            tally.open += 0 if tally.in_kind else eligible.get_column("amount").null_count()
        missing = rows.get_column("missing").explode().drop_nulls()
        tally.missing.update(dict(missing.value_counts().iter_rows()))

    def _note(self, tally: Tally, eligible: npt.NDArray[np.bool_]) -> None:
        """Remember whoever is eligible for anything: every benefit goes over its subjects in the same order."""
        start = tally.outcomes.total()
        known = self._eligible.get(tally.subject, np.zeros(0, dtype=np.bool_))
        if start + len(eligible) > len(known):
            known = np.concatenate([known, np.zeros(start + len(eligible) - len(known), dtype=np.bool_)])
        known[start : start + len(eligible)] |= eligible
        self._eligible[tally.subject] = known

    def subjects_eligible(self) -> dict[str, int]:
        """How many different subjects of each kind are eligible for at least one benefit."""
        return {kind: int(known.sum()) for kind, known in self._eligible.items()}

    def money(self) -> dict[tuple[str, str], Decimal]:
        """What is certainly owed, by period and currency."""
        sums: dict[tuple[str, str], Decimal] = {}
        for tally in self.tallies.values():
            if tally.is_money and tally.money:
                key = (tally.per, tally.unit)
                sums[key] = sums.get(key, Decimal(0)) + tally.money
        return sums

    def missing(self) -> Counter[str]:
        """How often each fact is what is missing."""
        return sum((tally.missing for tally in self.tallies.values()), Counter())

    def show(self, title: str) -> None:
        """One line per benefit on the screen."""
        columns = ("benefit", "subject", "eligible", "undetermined", "ineligible", "owed", "most often missing")
        rows = [self._line(tally) for tally in self.tallies.values()]
        screen.table(title, columns, rows, figures=columns[2:6], whole=columns[:1])

    def found(self, asked: Mapping[str, int]) -> Iterator[str]:
        """What was found, in sentences.

        Args:
            asked: how many subjects of each kind there are.
        """
        entitled = [
            f"{n:,} of {asked[kind]:,} {PLURALS.get(kind, kind)}" for kind, n in self.subjects_eligible().items()
        ]
        yield f"Entitled to at least one benefit: {', '.join(entitled) or 'nobody'}."
        money = sorted(
            self.money().items(), key=lambda item: PERIODS.index(item[0][0]) if item[0][0] in PERIODS else 99
        )
        owed = [f"{amount:,.2f} {unit} {PER.get(per, per)}" for (per, unit), amount in money]
        yield f"Owed for certain: {'; '.join(owed) or 'nothing'}."
        answers = sum(tally.outcomes.total() for tally in self.tallies.values())
        unsettled = sum(tally.outcomes[Outcome.UNDETERMINED.value] for tally in self.tallies.values())
        missing = ", ".join(f"{name} ({count:,})" for name, count in _ranked(self.missing())[:MOST_MISSING_OVERALL])
        yield f"Undetermined: {unsettled:,} of {answers:,} answers. Most often missing: {missing or 'nothing'}."

    def write(self, path: Path) -> None:
        """One row per benefit, as CSV, for programs."""
        rows = [
            {
                "benefit": tally.benefit,
                "subject": tally.subject,
                **{outcome.value: tally.outcomes[outcome.value] for outcome in Outcome},
                "owed": tally.money if tally.is_money else None,
                "unit": tally.unit,
                "per": tally.per,
                "open_amounts": tally.open,
                "missing": ";".join(f"{name}:{count}" for name, count in _ranked(tally.missing)),
            }
            for tally in self.tallies.values()
        ]
        pl.DataFrame(rows, infer_schema_length=None).write_csv(path)

    def _line(self, tally: Tally) -> tuple[object, ...]:
        counts = [
            tally.outcomes[outcome.value] for outcome in (Outcome.ELIGIBLE, Outcome.UNDETERMINED, Outcome.INELIGIBLE)
        ]
        if not tally.per:
            owed = "not in force"
        elif tally.is_money:
            owed = f"{'≥ ' if tally.open else ''}{tally.money:,.2f} {tally.unit} / {tally.per}"
        else:
            owed = f"{tally.unit.replace('_', ' ')} / {tally.per}"
        missing = "\n".join(f"{name} {count:,}" for name, count in _ranked(tally.missing)[:MOST_MISSING])
        return tally.benefit, tally.subject, *counts, owed, missing


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first, equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
