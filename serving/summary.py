"""What an evaluation found, counted while the determinations go by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from rules.determination import Outcome
from serving import screen

MOST_MISSING = 3


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
        return self.unit == "in_kind"


class Summary:
    """Counts per benefit, and whoever is eligible for anything."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self._eligible: dict[str, list[pl.Series]] = {}

    def add(self, rows: pl.DataFrame) -> None:
        """Count determinations of one benefit (see `rules.evaluate.output`)."""
        if rows.is_empty():
            return
        first = rows.row(0, named=True)
        tally = self.tallies.setdefault(first["benefit"], Tally(first["benefit"], first["subject"]))
        tally.per, tally.unit = first["per"], first["unit"]
        tally.outcomes.update(dict(rows.get_column("outcome").value_counts().iter_rows()))
        eligible = rows.filter(pl.col("outcome") == Outcome.ELIGIBLE.value)
        if not eligible.is_empty():
            tally.money += Decimal(eligible.get_column("amount_low").sum() or 0)
            tally.open += 0 if tally.in_kind else eligible.get_column("amount").null_count()
            self._eligible.setdefault(tally.subject, []).append(eligible.get_column("id"))
        missing = rows.get_column("missing").explode().drop_nulls()
        tally.missing.update(dict(missing.value_counts().iter_rows()))

    def subjects_eligible(self) -> dict[str, int]:
        """How many different subjects of each kind are eligible for at least one benefit."""
        return {kind: pl.concat(parts).n_unique() for kind, parts in self._eligible.items()}

    def missing(self) -> Counter[str]:
        """How often each fact is what is missing."""
        return sum((tally.missing for tally in self.tallies.values()), Counter())

    def show(self, title: str) -> None:
        """One line per benefit on the screen."""
        columns = ("benefit", "subject", "eligible", "undetermined", "ineligible", "owed", "most often missing")
        rows = [self._line(tally) for tally in self.tallies.values()]
        screen.table(title, columns, rows, figures=columns[2:6])

    def _line(self, tally: Tally) -> tuple[object, ...]:
        counts = [
            tally.outcomes[outcome.value] for outcome in (Outcome.ELIGIBLE, Outcome.UNDETERMINED, Outcome.INELIGIBLE)
        ]
        sign = "≥ " if tally.open else ""
        owed = f"in kind / {tally.per}" if tally.in_kind else f"{sign}{tally.money:,.2f} {tally.unit} / {tally.per}"
        missing = ", ".join(f"{name} {count:,}" for name, count in tally.missing.most_common(MOST_MISSING))
        return tally.benefit, tally.subject, *counts, owed, missing
