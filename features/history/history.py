"""The bitemporal history: what registers told us of each subject, when it was true, and when we learned it.

Every question names the day it is about (`on_date`) and the moment of knowledge (`known_at`): the answer to a question
never changes, however much is learned later. What the rows mean is told in docs/decisions/0004-history-by-view.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.encoding import ID, STALE_SUFFIX, Tables, column_type, decode
from features.facts.subjects import PERSON
from features.facts.values import Holding, Known, Unknown
from features.facts.vocabulary import Vocabulary
from features.history import keeping, news, statements
from features.history.errors import HistoryError
from features.history.keeping import Appended, Types
from features.history.lists import list_order, message_order
from features.history.merging import GAPS, HELD, Merged
from features.history.numbering import Numbering
from features.history.partitions import ROWS, Commit, Part, Partitions
from features.history.reading import Hidden, Reading, Source
from features.history.records import Batch, View
from features.history.speaking import EVER, Mask, date_of

Ids = Mapping[str, Collection[str]]
"""Subjects by kind."""


class History:
    """What registers told us, under a folder.

    Args:
        folder: holds the partitions; made if it is not there.
        vocabulary: what facts and links there are.
        views: the tables of registers that are kept.

    Raises:
        HistoryError: a view carries what the dictionary does not know of its kind of subject.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary, views: Iterable[View]) -> None:
        self.folder, self.vocabulary = folder, vocabulary
        self.views = {view.id: view for view in views}
        self._types = {view.id: _types(view, vocabulary) for view in self.views.values()}
        self._partitions = Partitions(folder)
        self._numbering = {kind: Numbering() for kind in vocabulary.subjects.kinds}
        self._parts: dict[str, list[Part]] = {}
        self._last_commit = 0

    # -- taking in ---------------------------------------------------------------------------------------------------

    def append(self, batch: Batch, rows: pl.DataFrame) -> Appended:
        """Keep a delivery: all of it or, whatever happens, nothing.

        Args:
            batch: what was delivered.
            rows: `id`, the view's links and facts encoded, `true_from`, `true_to`, `status`, `row`.

        Raises:
            HistoryError: the view is not known, or the rows are not what it carries.
        """
        view = self.views.get(batch.view)
        if view is None:
            raise HistoryError(batch.source, f"There is no view `{batch.view}`.", "Pass its contract to the history.")
        rows = keeping.check(batch, view, rows, self._types[view.id])
        links = self.vocabulary.subjects.links if view.kind == PERSON else ()
        rows = keeping.without_unreadable(rows, [name for name in view.facts if name not in links])
        with self._partitions.writing():
            self._refresh()
            parts = self._parts.get(view.id, [])
            if keeping.is_repeated(batch, parts):
                return Appended(taken=False)
            numbering = self._numbering[view.kind]
            rows, ids = keeping.numbered(rows, numbering)
            number = self._last_commit + 1
            stem = f"{view.id}/{number:08}"
            if view.full:
                stored, rewrites = keeping.keep_list(self._partitions, stem, batch, rows, parts, view.facts)
            else:
                stored, rewrites = (keeping.keep_message(self._partitions, f"{stem}-0", batch, rows),), False
            if len(ids):
                self._partitions.write(_ids_stem(view.kind, number), "ids", ids.alias(ID).to_frame())
            commit = Commit(number, view.id, view.kind, numbering.count, len(ids), rewrites, stored)
            self._partitions.commit(commit)
            self._take(commit, ids)
        part = next(part for part in stored if part.batch == batch)
        unchanged = 0 if part.overtaken else part.listed - part.new
        return Appended(True, part.new, unchanged, part.left, part.overtaken)

    def _refresh(self) -> None:
        """Take note of what was committed since, by whomever."""
        for commit in self._partitions.commits_after(self._last_commit):
            ids = pl.Series([], dtype=pl.String)
            if commit.subjects:
                ids = self._partitions.read(_ids_stem(commit.kind, commit.number), "ids").get_column(ID)
            self._take(commit, ids)

    def _take(self, commit: Commit, ids: pl.Series) -> None:
        if len(ids):
            self._numbering[commit.kind].add(ids)
        parts = self._parts.setdefault(commit.view, [])
        if commit.rewrites:
            parts.clear()
        parts.extend(commit.parts)
        self._last_commit = commit.number

    # -- reading -----------------------------------------------------------------------------------------------------

    def as_of(
        self,
        on_date: dt.date,
        known_at: dt.datetime,
        *,
        kinds: Collection[str] | None = None,
        facts: Collection[str] | None = None,
        ids: Ids | None = None,
    ) -> Tables:
        """What was known at a moment of how things are on a day, as batch evaluation reads it.

        A subject has a row if any register has said anything of it from on or before the day, even if nothing holds
        any more: then nothing is known. A fact that is unknown is null; one that is too old stands, with the day on
        which it grew so in `<fact>@stale_on`.

        Args:
            on_date: the day.
            known_at: what was learned later does not exist.
            kinds: the kinds of subject asked for; those of `ids`, else all, by default.
            facts: the facts and links asked for; all by default. Nothing else is read.
            ids: only these subjects, by kind.

        Returns:
            By kind: `id`, links, facts, and `fact@stale_on` for facts that age. A kind of which nothing was ever said
            has no table.
        """
        self._refresh()
        asked = kinds if kinds is not None else ids if ids is not None else self.vocabulary.subjects.kinds
        tables: Tables = {}
        for kind in asked:
            table = self._table(kind, on_date, known_at, facts, None if ids is None else ids.get(kind))
            if table is not None:
                tables[kind] = table
        return tables

    def _table(
        self,
        kind: str,
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str] | None,
        ids: Collection[str] | None,
    ) -> pl.DataFrame | None:
        wanted = [name for name in self._columns(kind) if facts is None or name in facts]
        reading = self._reading(kind, on_date, known_at, ids, wanted)
        if reading is None:
            return None
        columns = [self._numbering[kind].ids.gather(reading.subjects).alias(ID)]
        for name, merged in reading.merged(wanted):
            columns.append(merged.values.alias(name))
            fact = self.vocabulary.dictionary.facts.get(name)
            if fact is not None and fact.maximum_age_months is not None:
                days = pl.Series(name + STALE_SUFFIX, merged.stale_on)
                columns.append(days.set(days == EVER, None).cast(pl.Date))
        return pl.DataFrame(columns)

    def _reading(
        self, kind: str, on_date: dt.date, known_at: dt.datetime, ids: Collection[str] | None, names: Collection[str]
    ) -> Reading | None:
        """A question about a kind; None where nothing was ever said of it."""
        numbering = self._numbering[kind]
        sources = [
            Source(view, self._known(view, known_at), self._types[view.id])
            for view in self.views.values()
            if view.kind == kind
        ]
        if not any(source.parts for source in sources):
            return None
        wanted: Mask | None = None
        if ids is not None:
            wanted = np.zeros(numbering.count, dtype=np.bool_)
            numbers = numbering.of(pl.Series(list(ids), dtype=pl.String))
            wanted[numbers[numbers >= 0]] = True
        hidden = self._hidden(kind, known_at, names)
        return Reading(self._partitions, sources, on_date, numbering.count, wanted, self.vocabulary, hidden)

    def _hidden(self, kind: str, known_at: dt.datetime, names: Collection[str]) -> dict[str, list[Hidden]]:
        """What is withheld or disputed of a kind."""
        return {}

    def holdings(self, kind: str, subject_id: str, on_date: dt.date, known_at: dt.datetime) -> dict[str, Holding]:
        """Every fact and link of one subject, with the register that says so and since when; or why it is not known."""
        self._refresh()
        names = self._columns(kind)
        found: dict[str, Holding] = dict.fromkeys(names, Unknown())
        reading = self._reading(kind, on_date, known_at, [subject_id], names)
        if reading is not None and len(reading.subjects):
            for name, merged in reading.merged(names):
                found[name] = self._holding(name, merged, reading.carriers(name))
        return found

    def _holding(self, name: str, merged: Merged, carriers: Sequence[View]) -> Holding:
        if merged.gap[0] != HELD:
            return Unknown(GAPS[merged.gap[0]])
        fact = self.vocabulary.dictionary.facts.get(name)
        cell = merged.values[0]
        stale_on = None if merged.stale_on[0] == EVER else date_of(merged.stale_on[0])
        value = cell if fact is None else decode(fact, cell)
        return Known(value, carriers[merged.source[0]].register, date_of(merged.true_from[0]), stale_on)

    def subjects(self, kind: str, known_at: dt.datetime) -> pl.Series:
        """The ids of everybody of a kind of whom anything was ever said, in the order in which they were named."""
        self._refresh()
        numbering = self._numbering[kind]
        named = np.zeros(numbering.count, dtype=np.bool_)
        for view in self.views.values():
            if view.kind == kind:
                for part in self._known(view, known_at):
                    if part.new:
                        named[self._partitions.read(part.stem, ROWS, ["subject"]).get_column("subject").to_numpy()] = (
                            True
                        )
        return numbering.ids.filter(pl.Series(named))

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        """Whose records changed because of something learned in `(after, until]`.

        Returns:
            `kind`, `id`, `view`, `record` (`<content hash>:<row>`), `learned_at`. The row is 0 where a list says
            something of a subject without a new row: that it no longer names it, or again what had grown too old.
        """
        self._refresh()
        frames: list[pl.DataFrame] = []
        for view in self.views.values():
            ages = self._ages(view.facts)
            parts = self._known(view, until)
            numbering = self._numbering[view.kind]
            shortest = min(ages, default=None)
            frames += news.of_view(self._partitions, view, parts, after, until, numbering, shortest)
        return news.gathered(frames)

    def turned(self, after: dt.date, until: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        """Whose facts change in `(after, until]` by the coming of a day alone, nothing new being learned.

        A period begins or ends, or one of several registers' values grows too old. (`next_change` of an answer sees
        only what stands in the tables of its day: a value that grows stale, not a row that begins tomorrow.)

        Returns:
            `kind` and `id`, each subject once.
        """
        self._refresh()
        frames = [pl.DataFrame(schema={"kind": pl.String, ID: pl.String})]
        for kind, numbering in self._numbering.items():
            named = np.zeros(numbering.count, dtype=np.bool_)
            for view in self.views.values():
                if view.kind == kind:
                    shared = [name for name in view.facts if self._carried_by(kind, name) > 1]
                    parts = self._known(view, known_at)
                    named |= news.turning(
                        self._partitions, view, parts, after, until, numbering.count, self._ages(shared)
                    )
            frames.append(
                pl.DataFrame({ID: numbering.ids.filter(pl.Series(named))}).select(pl.lit(kind).alias("kind"), ID)
            )
        return pl.concat(frames)

    def statements(self, view: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> pl.DataFrame:
        """What a view states of some subjects, or of all, as known at a moment: one row for each first day.

        Returns:
            See :func:`features.history.statements.statements`.
        """
        self._refresh()
        held = self.views[view]
        numbering = self._numbering[held.kind]
        wanted: Mask | None = None
        if ids is not None:
            wanted = np.zeros(numbering.count, dtype=np.bool_)
            numbers = numbering.of(pl.Series(list(ids), dtype=pl.String))
            wanted[numbers[numbers >= 0]] = True
        parts = self._known(held, known_at)
        return statements.statements(self._partitions, parts, wanted, numbering.ids, self._types[view], full=held.full)

    def last_list(self, view: str, known_at: dt.datetime) -> dt.date | None:
        """Of a view whose deliveries list everybody: the day of the last list known at a moment."""
        self._refresh()
        parts = self._known(self.views[view], known_at) if self.views[view].full else []
        return parts[-1].batch.attested_on if parts else None

    # -- what is known -----------------------------------------------------------------------------------------------

    def _known(self, view: View, known_at: dt.datetime) -> list[Part]:
        """The parts of a view that are known at a moment, in reading order."""
        order = list_order if view.full else message_order
        parts = (p for p in self._parts.get(view.id, []) if not p.overtaken and p.batch.learned_at <= known_at)
        return sorted(parts, key=lambda part: order(part.batch))

    def _ages(self, names: Iterable[str]) -> list[int]:
        """The maximum ages of facts that age, in months."""
        facts = (self.vocabulary.dictionary.facts.get(name) for name in names)
        return [fact.maximum_age_months for fact in facts if fact is not None and fact.maximum_age_months is not None]

    def _carried_by(self, kind: str, name: str) -> int:
        return sum(name in view.facts for view in self.views.values() if view.kind == kind)

    def _columns(self, kind: str) -> list[str]:
        """The links and facts that any view of a kind carries, links first."""
        carried = dict.fromkeys(f for v in self.views.values() if v.kind == kind for f in v.facts)
        links = self.vocabulary.subjects.links
        return [n for n in carried if n in links] + sorted(n for n in carried if n not in links)


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
    return types


def _ids_stem(kind: str, number: int) -> str:
    return f"subjects/{kind}/{number:08}"
