"""What can go wrong in this package: every error that `models` raises on purpose."""

from __future__ import annotations

from collections.abc import Sequence


class ModelsError(Exception):
    """A model cannot be trained, loaded or trusted."""


class TamperedModelError(ModelsError):
    """The files of a model are not those that were promoted: a byte differs, or a file is missing."""

    def __init__(self, where: str, expected: str, found: str) -> None:
        self.where, self.expected, self.found = where, expected, found
        super().__init__(
            f"{where}: the SHA-256 hash is {found}, but {expected} was promoted. The model is not loaded: restore the "
            "folder from the registry, or go on with the rules alone."
        )


class MissingColumnError(ModelsError):
    """A model reads a column that the frame does not have."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(
            f"The frame lacks the columns {', '.join(f'`{c}`' for c in columns)}. An unknown fact is a null in its "
            "column; the column itself must be there."
        )


class TrainingError(ModelsError):
    """There is not enough to learn from."""


class LeakError(ModelsError):
    """A model's declared inputs would tell it the answer, or something it must not know."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("These inputs are refused: " + "; ".join(findings) + ". Remove them from the declared inputs.")
