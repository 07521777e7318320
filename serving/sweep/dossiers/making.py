"""Making dossiers from the history, many at once: by columns where there are many rows, by rows only at the end."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl

from features.facts.encoding import ID, STALE_SUFFIX
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from features.history.merging import GAPS, HELD, NOT_HELD
from features.history.records import QUARANTINED, STATUS, TRUE_FROM, TRUE_TO, View
from features.history.statements import ATTESTED_ON, LEARNED_AT
from rules.reads import reads_of
from rules.rulebook import Rulebook
from serving.sweep.dossiers.content import Dossier, Told, microseconds
from serving.sweep.identities import UnifiedHistory

Ids = Mapping[str, Collection[str]]


def kept_facts(rulebook: Rulebook, on_date: dt.date) -> dict[str, list[str]]:
    """By kind of subject the facts and links that any benefit reads on a day, or will by a law that is known."""
    days = {on_date} | {v.version.start for b in rulebook.benefits.values() for v in b.versions}
    reads = {read for day in days if day >= on_date for some in reads_of(rulebook, day).values() for read in some}
    links = {(PERSON, link) for link in rulebook.vocabulary.subjects.links}
    found: dict[str, list[str]] = defaultdict(list)
    for kind, fact in sorted(reads | links):
        found[kind].append(fact)
    return found


class Making:
    """Makes the dossiers of one day and moment.

    Args:
        history: the facts.
        rulebook: whose benefits read them.
        on_date: the day.
        known_at: what was learned later does not exist.
    """

    def __init__(self, history: UnifiedHistory, rulebook: Rulebook, on_date: dt.date, known_at: dt.datetime) -> None:
        self._history, self._on_date, self._known_at = history, on_date, known_at
        self._vocabulary: Vocabulary = rulebook.vocabulary
        self._facts = kept_facts(rulebook, on_date)
        links = history.as_of(on_date, known_at, kinds=[PERSON], facts=self._vocabulary.subjects.links)
        self._named = self._inverted(links.get(PERSON, pl.DataFrame({ID: []}, schema={ID: pl.String})))
        doubtful = history.doubtful(on_date, known_at)
        self.doubtful: set[tuple[str, str]] = {(str(k), str(i)) for k, i in doubtful.select("kind", ID).iter_rows()}
        """Of whom it is not known who belongs to them."""
        known = history.identities(on_date, known_at)
        self._several = {*known.kept, *known.kept.values()}
        self.ids = self._everybody()
        """All of whom anything was ever said, and all whom a link names, by kind."""
        self._places = {kind: {subject: place for place, subject in enumerate(ids)} for kind, ids in self.ids.items()}

    def of(self, kind: str, ids: Collection[str]) -> Iterator[tuple[str, Dossier]]:
        """The dossiers of some subjects of a kind."""
        facts = self._facts.get(kind, [])
        tables = self._history.as_of(self._on_date, self._known_at, ids={kind: ids}, facts=facts)
        rows = {row[ID]: row for row in _by_row(tables.get(kind))}
        told = self._told(kind, ids, facts)
        gaps = self._history.history.gaps(kind, self._on_date, self._known_at, facts, ids)
        codes = {row[ID]: row for row in _by_row(gaps)}
        for subject in (i for i in ids if i in self._places.get(kind, {})):
            found = self._dossier(kind, subject, rows.get(subject), codes.get(subject), facts)
            found.told, found.place = told.get(subject, ()), self._places[kind][subject]
            if kind == PERSON and subject in self._several:
                self._of_several(subject, found, facts)
            yield subject, found

    def targets(self, links: Mapping[str, str | None]) -> set[tuple[str, str]]:
        """To whom links of a person lead, as kind and id."""
        groups = {group.link: group.name for group in self._vocabulary.subjects.groups.values()}
        return {(groups.get(link, PERSON), target) for link, target in links.items() if target is not None}

    def _dossier(
        self, kind: str, subject: str, row: dict[str, Any] | None, codes: dict[str, Any] | None, facts: list[str]
    ) -> Dossier:
        named = self._named.get((kind, subject), {})
        doubtful = (kind, subject) in self.doubtful
        if row is None:
            return Dossier(listed=False, doubtful=doubtful, named_by=named)
        links = set(self._vocabulary.subjects.links) if kind == PERSON else set()
        known = {f: row[f] for f in facts if f not in links and row.get(f) is not None}
        stale = {f: row[f + STALE_SUFFIX] for f in known if row.get(f + STALE_SUFFIX) is not None}
        gaps = {f: code for f in facts if (code := NOT_HELD if codes is None else codes.get(f, NOT_HELD)) != HELD}
        held = {f: row[f] for f in facts if f in links and f in row}
        return Dossier(True, doubtful, known, stale, held, gaps, (), named)

    def _told(self, kind: str, ids: Collection[str], facts: Collection[str]) -> dict[str, list[Told]]:
        found: dict[str, list[Told]] = defaultdict(list)
        for view in self._history.history.views.values():
            if view.kind == kind and not set(view.facts).isdisjoint(facts):
                for subject, row in self._last_rows(view, ids, [f for f in view.facts if f in facts]):
                    found[subject].append(row)
        return found

    def _last_rows(self, view: View, ids: Collection[str], facts: list[str]) -> Iterator[tuple[str, Told]]:
        rows = self._history.history.rows_stated(view.id, self._known_at, ids)
        last = rows.filter(pl.col(TRUE_FROM) <= self._on_date).group_by(ID, maintain_order=True).last()
        for row in _by_row(last.select(ID, TRUE_FROM, TRUE_TO, STATUS, ATTESTED_ON, LEARNED_AT, *facts)):
            unreadable = row[STATUS] == QUARANTINED
            cells = {f: row[f] for f in facts if unreadable or row[f] is not None}
            if cells:
                yield row[ID], (
                    view.id, view.register, row[TRUE_FROM], row[TRUE_TO], row[ATTESTED_ON],
                    microseconds(row[LEARNED_AT]), unreadable, cells,
                )  # fmt: skip

    def _of_several(self, person: str, found: Dossier, facts: Collection[str]) -> None:
        """A person with several ids: there are few, so they are read one by one."""
        gaps = self._history.gaps(PERSON, person, self._on_date, self._known_at, facts)
        order = {gap: code for code, gap in enumerate(GAPS)}
        found.gaps = {fact: order[gap] for fact, gap in gaps.items() if gap is not None}
        found.gaps |= {fact: NOT_HELD for fact in facts if fact not in gaps}
        others = self._history.identities(self._on_date, self._known_at).ids_of(person)
        current = others[0] == person
        told = self._told(PERSON, others, facts) if current else {}
        found.told = [row for other in others for row in told.get(other, ())]

    def _everybody(self) -> dict[str, list[str]]:
        kinds = self._vocabulary.subjects.kinds
        found = {k: dict.fromkeys(self._history.history.subjects(k, self._known_at).to_list()) for k in kinds}
        for kind, subject in self._named:
            found[kind][subject] = None
        return {kind: list(ids) for kind, ids in found.items() if ids}

    def _inverted(self, persons: pl.DataFrame) -> dict[tuple[str, str], dict[str, list[str]]]:
        """Whom links lead to, with the persons whose links do."""
        groups = {group.link: group.name for group in self._vocabulary.subjects.groups.values()}
        found: dict[tuple[str, str], dict[str, list[str]]] = {}
        for link in (name for name in self._vocabulary.subjects.links if name in persons.columns):
            kind = groups.get(link, PERSON)
            named = persons.select(ID, link).filter(pl.col(link).is_not_null() & (pl.col(link) != NONE))
            for target, ids in named.group_by(link, maintain_order=True).agg(ID).iter_rows():
                found.setdefault((kind, target), {})[link] = ids
        return found


def _by_row(table: pl.DataFrame | None) -> Iterator[dict[str, Any]]:
    """Rows with days as day numbers."""
    if table is None:
        return iter(())
    days = [name for name, dtype in table.schema.items() if dtype == pl.Date]
    return table.with_columns(pl.col(name).cast(pl.Int32) for name in days).iter_rows(named=True)
