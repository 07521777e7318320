"""Where a sweep's facts come from: a history, opened anew in each worker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Protocol

import polars as pl

from features.facts.vocabulary import Vocabulary


class FactHistory(Protocol):
    """What a sweep asks of the history (`features.history.history.History` answers it)."""

    def as_of(
        self,
        on_date: dt.date,
        known_at: dt.datetime,
        *,
        kinds: Collection[str] | None = None,
        facts: Collection[str] | None = None,
        ids: Mapping[str, pl.Series] | None = None,
    ) -> dict[str, pl.DataFrame]:
        """Encoded tables by kind: what was true on a date, as known at a moment.

        One row for every known subject (of those named, where `ids` names some), whatever is known of it.
        """
        ...

    def touched(
        self, after: dt.datetime, until: dt.datetime, after_day: dt.date, until_day: dt.date
    ) -> dict[str, pl.Series]:
        """By kind, the subjects whose facts may differ between two looks, apart from growing stale.

        Args:
            after: what was known then is the old look …
            until: … and what is known then the new one.
            after_day: the day of the old look: a statement that begins or ends after it …
            until_day: … and on or before this one makes a difference too, though it was known before.
        """
        ...

    def latest(self) -> dt.datetime | None:
        """When the last delivery was learned; None where there was none. Nothing newer is known."""
        ...


class FactSource(Protocol):
    """How to open the history: travels to workers, so it holds paths and no open files."""

    def open(self, vocabulary: Vocabulary) -> FactHistory:
        """The history, for a vocabulary."""
        ...
