"""What can go wrong with the history: every error that `features.history` raises on purpose."""

from __future__ import annotations

from features.errors import FeaturesError


class HistoryError(FeaturesError):
    """A delivery cannot be kept, or a question cannot be asked of the history as it stands. Never holds a value."""

    def __init__(self, where: str, what: str, advice: str) -> None:
        self.where, self.what, self.advice = where, what, advice
        super().__init__(f"{where}: {what} {advice}")
