"""Where a sweep's facts come from: a history, opened anew in each worker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import polars as pl

from features.facts.subjects import PERSON
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
        """The history, for a vocabulary that may be older than the views: of a sweep that is replayed years later."""
        return UnifiedHistory(History(self.folder, vocabulary, _known_to(vocabulary, self.views)))


def _known_to(vocabulary: Vocabulary, views: Iterable[View]) -> Iterator[View]:
    """The views without facts and kinds of subject that a vocabulary did not have yet: no rule of then read them."""
    kinds = vocabulary.subjects.kinds
    known = {name: fact.subject for name, fact in vocabulary.dictionary.facts.items()}
    for view in views:
        if view.kind in kinds:
            links = vocabulary.subjects.links if view.kind == PERSON else ()
            facts = tuple(name for name in view.facts if known.get(name) == view.kind or name in links)
            yield replace(view, facts=facts)
