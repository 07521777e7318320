"""What can go wrong in this package: every error that `features` raises on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class FeaturesError(Exception):
    """A fact, a register or a definition of one cannot be used as it stands."""


@dataclass(frozen=True, slots=True)
class FactProblem:
    """One thing that is wrong in a file of facts. It never repeats the value: that may be personal.

    `row` is counted as in the file: the header of a CSV file is row 1, the first row of a Parquet file too. `row` and
    `column` are None where the problem is not that of one row or column.
    """

    file: str
    row: int | None
    column: str | None
    reason: str

    def __str__(self) -> str:
        where = [self.file]
        where += [] if self.row is None else [f"row {self.row}"]
        where += [] if self.column is None else [f"column `{self.column}`"]
        return f"{', '.join(where)}: {self.reason}"


class FactFilesError(FeaturesError):
    """Files of facts cannot be read as they stand. `problems` holds the first of `total`."""

    def __init__(self, problems: Sequence[FactProblem], total: int, advice: str) -> None:
        self.problems, self.total, self.advice = tuple(problems), total, advice
        shown = "\n".join(f"  {problem}" for problem in self.problems)
        rest = total - len(self.problems)
        more = f"\n  … and {rest:,} more." if rest else ""
        count = "1 problem" if total == 1 else f"{total:,} problems"
        super().__init__(f"The files of facts cannot be used: {count}.\n{shown}{more}\n{advice}")
