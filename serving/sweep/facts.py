"""Where a sweep's facts come from: a history, opened anew in each worker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from features.facts.vocabulary import Vocabulary
from features.history.history import History
from features.history.records import View
from serving.sweep.identities import UnifiedHistory


class FactHistory(Protocol):
    """What a sweep asks of the history (`serving.sweep.identities.UnifiedHistory` answers it)."""

    def as_of(
        self,
        on_date: dt.date,
        known_at: dt.datetime,
        *,
        kinds: Collection[str] | None = None,
        facts: Collection[str] | None = None,
        ids: Mapping[str, Collection[str]] | None = None,
    ) -> dict[str, pl.DataFrame]:
        """Encoded tables by kind: what was true on a date, as known at a moment.

        One row for every known subject (of those named, where `ids` names some), whatever is known of it.
        """
        ...

    def answer_until(self, known_at: dt.datetime) -> None:
        """Answers are given and kept for a moment of knowledge: what comes from now on was learned after it."""
        ...

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        """Of whom anything was learned in `(after, until]` that may change a fact: columns `kind`, `id`, …."""
        ...

    def turned(self, after: dt.date, until: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        """Whose facts change in `(after, until]` by the coming of a day, nothing being learned: `kind`, `id`."""
        ...

    def doubtful(self, on_date: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        """Of whom it is not known who belongs to them: `kind`, `id`. Their persons are not certainly all there."""
        ...


class FactSource(Protocol):
    """How to open the history: travels to workers, so it holds paths and no open files."""

    def open(self, vocabulary: Vocabulary) -> FactHistory:
        """The history, for a vocabulary."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedFacts:
    """The history under a folder, with the tables of registers that it keeps."""

    folder: Path
    views: tuple[View, ...]

    def open(self, vocabulary: Vocabulary) -> UnifiedHistory:
        return UnifiedHistory(History(self.folder, vocabulary, self.views))
