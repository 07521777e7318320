"""The online store filled from the history: all of it, or the subjects that something was just learned of."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from features.facts.encoding import ID
from features.facts.values import Gap
from features.facts.vocabulary import Vocabulary
from features.history.records import TRUE_FROM, View
from features.history.statements import FACT, GAP
from features.store.backends.place import Place
from features.store.places import mark_key, subject_key
from features.store.rows import Held, HiddenFacts, ViewRows, day_number, dump, load, moment_number
from features.store.statements import Told, shown
from features.store.taking_in import take_in
from features.store.writing import subjects_as_bytes

INDEXED_LINKS = ("household_id", "mother_id", "father_id")
"""Links by which the named subject finds who names it. Not employers: their lists would be rewritten at each hiring."""

Subjects = Mapping[str, Collection[str]]
"""Ids by kind."""


def hidden_facts(hidden: pl.DataFrame, kind: str, known_at: int) -> dict[str, HiddenFacts]:
    """What is hidden of each subject, by key.

    Args:
        hidden: see :meth:`features.history.history.History.hidden`.
        kind: the kind of subject.
        known_at: the moment as of which it is so, in microseconds.
    """
    gaps: dict[str, dict[str, Gap]] = {}
    first: dict[str, int] = {}
    for subject_id, fact, gap, true_from in hidden.select(ID, FACT, GAP, TRUE_FROM).iter_rows():
        key = subject_key(kind, subject_id)
        gaps.setdefault(key, {})[fact] = Gap(gap)
        first[key] = day_number(true_from)
    return {key: HiddenFacts(known_at, found, first[key]) for key, found in gaps.items()}


@dataclass(frozen=True, slots=True)
class OnlineFiller:
    """Writes what the history knows into the online store.

    Attributes:
        place: where the rows are.
        told: the history.
        vocabulary: the types of facts.
        views: those kept, see :func:`features.store.purposes.kept_views`: nothing else is written.
    """

    place: Place
    told: Told
    vocabulary: Vocabulary
    views: Sequence[View]

    def fill(self, known_at: dt.datetime) -> int:
        """Everybody, as known at a moment; how many subjects changed. The same again changes nothing."""
        self.place.prepare()
        return self._write(None, known_at)

    def push(self, ids: Subjects, known_at: dt.datetime) -> int:
        """Subjects by kind, as known at a moment: after an event, or a batch of them."""
        return self._write(ids, known_at)

    def push_changes(self, changed: pl.DataFrame, known_at: dt.datetime) -> int:
        """The subjects of :meth:`features.history.history.History.changed`."""
        ids = {str(kind): rows.get_column(ID).unique().to_list() for (kind,), rows in changed.group_by("kind")}
        return self.push(ids, known_at)

    def _write(self, ids: Subjects | None, known_at: dt.datetime) -> int:
        """Subjects by kind, or everybody; what is withheld or disputed is told without its value."""
        kept, moment, complete = {view.id: view for view in self.views}, moment_number(known_at), set[str]()
        kinds = [kind for kind in dict.fromkeys(v.kind for v in self.views) if ids is None or ids.get(kind)]
        hidden = {kind: self.told.hidden(kind, known_at, None if ids is None else ids[kind]) for kind in kinds}
        told: dict[str, pl.DataFrame] = {}
        for view in self.views:
            if view.kind in hidden:
                stated = self.told.rows_stated(view.id, known_at, None if ids is None else ids[view.kind])
                told[view.id] = shown(stated, hidden[view.kind])
        news = subjects_as_bytes(told, kept, known_at, self.vocabulary, INDEXED_LINKS)
        for kind in kinds:
            # Of whom nothing is stated any more, that is the news.
            asked = self.told.subjects(kind, known_at) if ids is None else ids[kind]
            nothing = {view.id: ViewRows(moment) for view in self.views if view.kind == kind}
            empty = dump(Held(nothing, hidden=HiddenFacts(moment)))
            for key in (subject_key(kind, subject_id) for subject_id in asked):
                news.setdefault(key, empty)
                complete.add(key)
            for key, facts in hidden_facts(hidden[kind], kind, moment).items():
                held = load(news.get(key, empty))
                held.hidden = facts
                news[key] = dump(held)
        written = take_in(self.place, news, complete, moment)
        self._mark(known_at)
        return written

    def _mark(self, known_at: dt.datetime) -> None:
        """Note the last list of each view: it renews those whom it still names, and they are not written again.

        After the subjects: who is no longer listed has been written as such by then.
        """
        days = {view.id: self.told.last_list(view.id, known_at) for view in self.views if view.full}
        noted = {mark_key(v): [moment_number(known_at), day_number(day)] for v, day in days.items() if day is not None}

        def later(there: Mapping[str, bytes]) -> dict[str, bytes]:
            held = {key: json.loads(there[key]) if key in there else [-1, -1] for key in noted}
            return {key: json.dumps(mark).encode() for key, mark in noted.items() if mark > held[key]}

        if noted:
            self.place.change(sorted(noted), later)
