"""What can go wrong with a delivery as a whole: it is refused, and what was loaded before still serves."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.errors import FactProblem, FeaturesError
from features.registers.contracts import Table

MOST_SHOWN = 20


class LoadRefusedError(FeaturesError):
    """A delivery cannot be used; nothing of it was taken.

    `problems` holds the first of `total`; `quarantine` every row with a mistake, where rows were the reason.
    """

    def __init__(self, table: Table, source: str, problems: Sequence[FactProblem], total: int, advice: str) -> None:
        self.table, self.source, self.problems, self.total, self.advice = table, source, tuple(problems), total, advice
        self.quarantine: pl.DataFrame | None = None
        owner, names = table.register.owner, table.names
        shown = "\n".join(f"  {problem}" for problem in self.problems)
        rest = total - len(self.problems)
        more = f"\n  … and {rest:,} more." if rest > 0 else ""
        super().__init__(
            f"{source} was refused. It comes from {owner.zh} ({owner.en}), table `{table.id}` ({names.zh}).\n"
            f"{shown}{more}\n{advice} Nothing of it was taken; what was loaded before still serves."
        )


class UnreadableDeliveryError(Exception):
    """A delivery cannot be read at all: the reason, and the row or column if they are known."""

    def __init__(self, reason: str, row: int | None = None, column: str | None = None) -> None:
        self.reason, self.row, self.column = reason, row, column
        super().__init__(reason)
