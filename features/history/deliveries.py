"""Every delivery that was taken in: kept on disk, and remembered as far as reading needs it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from features.facts.encoding import ID, column_type
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from features.history import keeping
from features.history.errors import HistoryError
from features.history.keeping import Appended, Types
from features.history.lists import list_order, listing, message_order
from features.history.numbering import Numbering
from features.history.partitions import SUBJECT, Commit, Part, Partitions
from features.history.records import Batch, View


class Deliveries:
    """What was delivered of some views, under a folder. See :class:`features.history.history.History`."""

    def __init__(self, folder: Path, vocabulary: Vocabulary, views: Iterable[View]) -> None:
        self.vocabulary = vocabulary
        self.views = {view.id: view for view in views}
        self.types = {view.id: _types(view, vocabulary) for view in self.views.values()}
        self.partitions = Partitions(folder)
        self.numbering = {kind: Numbering() for kind in vocabulary.subjects.kinds}
        self.last_commit = 0
        self._parts: dict[str, list[Part]] = {}

    def append(self, batch: Batch, rows: pl.DataFrame) -> Appended:
        """Keep a delivery: all of it or, whatever happens, nothing.

        Args:
            batch: what was delivered. Where answers were given for a later moment of knowledge, its `learned_at` is
                moved behind that moment: what was answered must not change, and the next question must see it.
            rows: `id`, the view's links and facts encoded, `true_from`, `true_to`, `status`, `row`.

        Raises:
            HistoryError: the view is not known, or the rows are not what it carries.
        """
        view = self.views.get(batch.view)
        if view is None:
            raise HistoryError(batch.source, f"There is no view `{batch.view}`.", "Pass its contract to the history.")
        rows = keeping.check(batch, view, rows, self.types[view.id])
        links = self.vocabulary.subjects.links if view.kind == PERSON else ()
        rows = keeping.without_unreadable(rows, [name for name in view.facts if name not in links])
        rows = keeping.ended(rows, view)
        with self.partitions.writing():
            self.refresh()
            parts = self._parts.get(view.id, [])
            if keeping.is_repeated(batch, parts):
                return Appended(taken=False)
            batch = keeping.learned_after(batch, parts, self.partitions.answered_until())
            numbering = self.numbering[view.kind]
            rows, ids = keeping.numbered(rows, numbering)
            number = self.last_commit + 1
            stem = f"{view.id}/{number:08}"
            if view.full:
                stored, rewrites = keeping.keep_list(self.partitions, stem, batch, rows, parts, self.types[view.id])
            else:
                stored, rewrites = (keeping.keep_message(self.partitions, f"{stem}-0", batch, rows),), False
            if len(ids):
                self.partitions.write(_ids_stem(view.kind, number), "ids", ids.alias(ID).to_frame())
            commit = Commit(number, view.id, view.kind, numbering.count, len(ids), rewrites, stored)
            self.partitions.commit(commit)
            self._note(commit, ids)
        part = next(part for part in stored if part.batch == batch)
        unchanged = 0 if part.overtaken else part.listed - part.new
        return Appended(True, part.new, unchanged, part.left, part.overtaken)

    def refresh(self) -> None:
        """Take note of what was committed since, by whomever."""
        for commit in self.partitions.commits_after(self.last_commit):
            ids = pl.Series([], dtype=pl.String)
            if commit.subjects:
                ids = self.partitions.read(_ids_stem(commit.kind, commit.number), "ids").get_column(ID)
            self._note(commit, ids)

    def _note(self, commit: Commit, ids: pl.Series) -> None:
        if len(ids):
            self.numbering[commit.kind].add(ids)
        parts = self._parts.setdefault(commit.view, [])
        if commit.rewrites:
            parts.clear()
        parts.extend(commit.parts)
        self.last_commit = commit.number

    def moments(self, after: int) -> list[dt.datetime]:
        """When the deliveries were learned that were written behind the first so many commits."""
        return [part.batch.learned_at for commit in self.partitions.commits_after(after) for part in commit.parts]

    def listed_before(self, batch: Batch) -> int | None:
        """How many subjects the last list before a list named; None: there is none, or this one was taken in already.

        Subjects, not rows: one list may tell ten years of everybody, the next how things are.
        """
        parts = self._parts.get(batch.view, [])
        if keeping.is_repeated(batch, parts):
            return None
        before = [p for p in parts if not p.overtaken and p.batch.attested_on < batch.attested_on]
        before.sort(key=lambda part: list_order(part.batch))
        if not before:
            return None
        return listing(self.partitions, before, [SUBJECT], {}).get_column(SUBJECT).n_unique()

    def known(self, view: View, known_at: dt.datetime) -> list[Part]:
        """The parts of a view that are known at a moment, in reading order."""
        order = list_order if view.full else message_order
        parts = (p for p in self._parts.get(view.id, []) if not p.overtaken and p.batch.learned_at <= known_at)
        return sorted(parts, key=lambda part: order(part.batch))


def _types(view: View, vocabulary: Vocabulary) -> Types:
    """The column types of a view.

    Raises:
        HistoryError: it carries what the dictionary does not know of its kind of subject.
    """
    if view.kind not in vocabulary.subjects.kinds:
        raise HistoryError(view.id, f"There is no kind of subject `{view.kind}`.", "Correct the contract.")
    links = vocabulary.subjects.links if view.kind == PERSON else ()
    types: Types = {}
    for name in view.facts:
        fact = vocabulary.dictionary.facts.get(name)
        if fact is not None and fact.subject == view.kind:
            types[name] = column_type(fact, vocabulary.areas)
        elif name in links:
            types[name] = pl.String()
        else:
            what = f"The dictionary knows no fact `{name[:60]}` of a {view.kind}."
            raise HistoryError(view.id, what, "Correct the contract, or add the fact.")
    if view.ends_with is not None and types.get(view.ends_with) != pl.Date():
        what = f"Its rows end with `{view.ends_with[:60]}`, which is no date that they carry."
        raise HistoryError(view.id, what, "Name one of its facts that is a date in `ends_with`.")
    return types


def _ids_stem(kind: str, number: int) -> str:
    return f"subjects/{kind}/{number:08}"
