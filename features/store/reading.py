"""Facts of single subjects from the online store, each with where it comes from, how old it is, or why it is not known.

Needs no Feast: a page reads through here. What is read is limited to what the purpose reads.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.facts.dictionary import Fact
from features.facts.encoding import decode
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.values import Gap, Holding, Known, Unknown, Value
from features.facts.vocabulary import Vocabulary
from features.history.merging import GAPS, HELD, NOBODY, Said, merge, stale_days
from features.history.records import QUARANTINED, View
from features.history.speaking import EVER, date_of
from features.store.backends.place import Place
from features.store.columns import CLOSED, fact_type
from features.store.places import mark_key, subject_key
from features.store.purposes import Purpose, Purposes
from features.store.rows import Cell, Held, day_of, load, moment_of
from features.store.standing import Standing, stand


@dataclass(frozen=True, slots=True)
class FactRead:
    """One fact as it was read.

    Attributes:
        holding: the value, or the gap.
        view: the table of a register that says so (of a gap: whose row leaves it open), None where none says anything.
        register: its register.
        true_from: the first day of which it says so.
        learned_at: when we learned it.
        attested_on: the day from which its age counts.
        age_days: how old it is on the day of the question.
    """

    holding: Holding
    view: str | None = None
    register: str | None = None
    true_from: dt.date | None = None
    learned_at: dt.datetime | None = None
    attested_on: dt.date | None = None
    age_days: int | None = None

    @property
    def gap(self) -> Gap | None:
        """Why it is not known; None where it is."""
        return self.holding.gap if isinstance(self.holding, Unknown) else None


@dataclass(frozen=True, slots=True)
class SubjectRead:
    """One subject as it was read; `is_held` is false where no register has said anything of it."""

    kind: str
    id: str
    is_held: bool
    facts: dict[str, FactRead]


Subjects = dict[str, dict[str, SubjectRead]]
"""Subjects by kind and id."""


@dataclass(frozen=True, slots=True)
class OnlineFacts:
    """Reads facts for a purpose.

    Attributes:
        place: where the rows are.
        vocabulary: types, maximum ages, orders of authority.
        purposes: what each benefit and model reads.
        views: those kept, see :func:`features.store.purposes.kept_views`.
    """

    place: Place
    vocabulary: Vocabulary
    purposes: Purposes
    views: Sequence[View]

    def read(
        self, purpose: str, kind: str, ids: Collection[str], on_date: dt.date, facts: Collection[str] | None = None
    ) -> dict[str, SubjectRead]:
        """The facts of subjects of one kind, each fact of the purpose once.

        Args:
            purpose: on whose behalf; `benefit__<id>` or `model__<id>`.
            kind: the kind of subject.
            ids: whose.
            on_date: the day of the question.
            facts: only these; all that the purpose reads by default.

        Raises:
            UnknownPurposeError: nothing active has that name.
            PurposeError: a fact is asked for that the purpose does not read.
        """
        found = self.purposes.get(purpose)
        if facts is not None:
            found.check((kind, fact) for fact in facts)
        wanted = sorted(_of(kind, found)) if facts is None else sorted(facts)
        held = self._held(kind, ids)
        return {i: self._subject(kind, i, held.get(i), wanted, on_date) for i in ids}

    def read_group(
        self, purpose: str, group: str, group_id: str, on_date: dt.date
    ) -> dict[str, dict[str, SubjectRead]]:
        """A group and its persons, such as a household with all its members: their facts, by kind and id.

        Raises:
            UnknownPurposeError: nothing active has that name.
            PurposeError: the purpose does not read the link by which persons belong to the group.
        """
        link = self.vocabulary.subjects.groups[group].link
        self.purposes.get(purpose).check([(PERSON, link)])
        named = self._held(group, [group_id]).get(group_id)
        candidates = [] if named is None else named.named_by.get(link, [])
        persons = self.read(purpose, PERSON, candidates, on_date)
        members = {i: person for i, person in persons.items() if _names(person, link, group_id)}
        return {group: self.read(purpose, group, [group_id], on_date), PERSON: members}

    def _held(self, kind: str, ids: Collection[str]) -> dict[str, Held]:
        """What the place holds of subjects; a list learned since renews what it still names."""
        full = [view for view in self.views if view.full and view.kind == kind]
        content = self.place.read([*(subject_key(kind, i) for i in ids), *(mark_key(view.id) for view in full)])
        marks = {view.id: json.loads(content[key]) for view in full if (key := mark_key(view.id)) in content}
        held: dict[str, Held] = {}
        for subject_id in ids:
            raw = content.get(subject_key(kind, subject_id))
            if raw is not None:
                held[subject_id] = load(raw).renewed(marks)
        return held

    def _subject(
        self, kind: str, subject_id: str, held: Held | None, wanted: Iterable[str], on_date: dt.date
    ) -> SubjectRead:
        rows = {} if held is None else held.views
        standing = {view.id: stand(rows[view.id].rows, on_date) for view in self.views if view.id in rows}
        carrying = [view for view in self.views if view.kind == kind]
        hidden = {} if held is None else held.hidden.on(on_date)
        facts = {
            name: FactRead(Unknown(hidden[name]))
            if name in hidden
            else self._fact(name, [(v, s) for v in carrying if name in v.facts and (s := standing.get(v.id))], on_date)
            for name in wanted
        }
        return SubjectRead(kind, subject_id, bool(rows), facts)

    def _fact(self, name: str, said: Sequence[tuple[View, Standing]], on_date: dt.date) -> FactRead:
        is_link = name in self.vocabulary.subjects.links
        fact = self.vocabulary.dictionary.facts.get(name)
        months = None if fact is None else fact.maximum_age_months
        speaking = [(view, row) for view, row in said if _speaks(row, name, is_link=is_link)]
        if not speaking:
            return FactRead(Unknown())
        if len(speaking) > 1:
            return self._joined(name, fact, speaking, on_date, is_link=is_link)
        view, row = speaking[0]
        gap = row.gap(name, months) if not is_link or row.row.facts.get(name) is None else row.stale_gap(months)
        if gap is not None:
            return _read(Unknown(gap), view, row)
        return _read(
            Known(_value(fact, row.row.facts[name]), view.register, day_of(row.row.true_from), row.stale_on(months)),
            view,
            row,
        )

    def _joined(
        self, name: str, fact: Fact | None, said: Sequence[tuple[View, Standing]], on_date: dt.date, *, is_link: bool
    ) -> FactRead:
        """What the history makes of several registers' words."""
        months, authority = (None, None) if fact is None else (fact.maximum_age_months, fact.authority)
        dtype = fact_type(name, self.vocabulary)
        merged = merge(
            [_said(view, row, name, dtype, months, is_link=is_link) for view, row in said], on_date, authority
        )
        source = int(merged.source[0])
        view, row = said[0 if source == NOBODY else source]
        if merged.gap[0] != HELD:
            return _read(Unknown(GAPS[merged.gap[0]]), view, row)
        stale_on = None if merged.stale_on[0] == EVER else date_of(merged.stale_on[0])
        value = _value(fact, row.row.facts[name])
        return _read(Known(value, view.register, date_of(merged.true_from[0]), stale_on), view, row)


def _of(kind: str, purpose: Purpose) -> list[str]:
    return [fact for subject, fact in purpose.reads if subject == kind]


def _names(person: SubjectRead, link: str, group_id: str) -> bool:
    held = person.facts[link].holding
    return isinstance(held, Known) and held.value == group_id and group_id != NONE


def _speaks(row: Standing, name: str, *, is_link: bool) -> bool:
    if row.status == CLOSED:
        return False
    return row.row.facts.get(name) is not None or row.status == QUARANTINED


def _said(view: View, row: Standing, name: str, dtype: pl.DataType, months: int | None, *, is_link: bool) -> Said:
    cell = row.row.facts.get(name)
    attested = np.array([row.row.attested_on or 0], dtype=np.int32)
    return Said(
        view,
        _encoded(cell, dtype),
        np.array([row.status == QUARANTINED and not (is_link and cell is not None)]),
        np.array([row.row.true_from], dtype=np.int32),
        attested,
        stale_days(attested, months),
    )


def _encoded(cell: Cell, dtype: pl.DataType) -> pl.Series:
    if dtype == pl.Date():
        return pl.Series([cell], dtype=pl.Int32).cast(pl.Date)
    return pl.Series([cell], dtype=dtype)


def _value(fact: Fact | None, cell: Cell) -> Value:
    if fact is not None and fact.type.kind == "date":
        assert isinstance(cell, int)
        return day_of(cell)
    if fact is None:
        assert isinstance(cell, str)
        return cell
    return decode(fact, cell)


def _read(holding: Holding, view: View, row: Standing) -> FactRead:
    attested = None if row.row.attested_on is None else day_of(row.row.attested_on)
    return FactRead(
        holding,
        view.id,
        view.register,
        day_of(row.row.true_from),
        moment_of(row.row.learned_at),
        attested,
        None if attested is None else (row.on_date - attested).days,
    )
