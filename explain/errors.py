"""What can go wrong in this package: every error that `explain` raises on purpose."""


class ExplainError(Exception):
    """An answer cannot be put into words."""


class AdditivityError(ExplainError):
    """Contributions do not add up to the score they would explain: nothing is shown rather than something false."""

    def __init__(self, row: int, difference: float, tolerance: float) -> None:
        self.row, self.difference, self.tolerance = row, difference, tolerance
        super().__init__(
            f"The contributions of row {row} miss the score by {difference:.3g} (allowed: {tolerance:.0e}). "
            "They are of another model, or of other inputs: take both from the same call."
        )


class ColumnMappingError(ExplainError):
    """Contributions and the list of what their columns mean do not fit together."""

    def __init__(self, found: int, columns: int) -> None:
        super().__init__(
            f"There are {found} columns of contributions for {columns} model columns; "
            "there must be one for each, in the model's order, and the base value last."
        )


class ChangeableError(ExplainError):
    """`changeable.yaml` does not say of every fact of a jurisdiction whether it can change."""


class TextLengthError(ExplainError):
    """A text without words has no reading level."""
