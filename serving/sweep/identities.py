"""The history with one row per person: what was said under two ids of one person is said of that person.

A merge is a fact of a day, known from a moment on (`features.events.identity`), and so it is read anew for each
question. The retired id keeps a row of which nothing is known: what was granted to it is superseded by "undetermined",
and no second grant stands beside that of the person.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl

from features.events.identity import MERGED_INTO, SPLIT_FROM, Identities, identities, unified
from features.facts.encoding import ID, Tables
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.values import Gap, Holding, Known, Unknown
from features.history.history import History
from features.history.records import Statement

_NOBODY = Identities({}, {}, frozenset())
_SUBJECTS = {"kind": pl.String(), ID: pl.String()}


class UnifiedHistory:
    """A history as sweeps and explanations read it.

    Args:
        history: what registers and events said, id by id.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._groups = {group.link: group.name for group in history.vocabulary.subjects.groups.values()}
        self._identity_views = [v for v in history.views.values() if v.kind == PERSON and MERGED_INTO in v.facts]
        self._identities: dict[tuple[dt.date, dt.datetime], Identities] = {}

    def answer_until(self, known_at: dt.datetime) -> None:
        """See :meth:`features.history.history.History.answer_until`."""
        self.history.answer_until(known_at)

    def identities(self, on_date: dt.date, known_at: dt.datetime) -> Identities:
        """Who is who on a day, as known at a moment."""
        key = (on_date, known_at)
        if key not in self._identities:
            named = list(self._told(known_at))
            facts = [MERGED_INTO, SPLIT_FROM]
            self._identities[key] = (
                identities(self.history.as_of(on_date, known_at, ids={PERSON: named}, facts=facts))
                if named
                else _NOBODY
            )
        return self._identities[key]

    def as_of(
        self,
        on_date: dt.date,
        known_at: dt.datetime,
        *,
        kinds: Collection[str] | None = None,
        facts: Collection[str] | None = None,
        ids: Mapping[str, Collection[str]] | None = None,
    ) -> Tables:
        """See :meth:`features.history.history.History.as_of`; one row per person, and an empty one per retired id."""
        known = self.identities(on_date, known_at)
        if not known.kept:
            return self.history.as_of(on_date, known_at, kinds=kinds, facts=facts, ids=ids)
        asked = None if ids is None or PERSON not in ids else ids[PERSON]
        if ids is not None and asked is not None:
            ids = {**ids, PERSON: _with_retired(asked, known)}
        tables = self.history.as_of(on_date, known_at, kinds=kinds, facts=facts, ids=ids)
        if PERSON not in tables:
            return tables
        retired = tables[PERSON].filter(pl.col(ID).is_in(list(known.kept))).select(ID)
        tables = unified(tables, known, self.history.vocabulary, self._hidden(known, known_at, asked))
        persons = pl.concat([tables[PERSON], retired], how="diagonal")
        if asked is not None:
            persons = persons.filter(pl.col(ID).is_in(list(asked)))
        return {**tables, PERSON: persons}

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        """See :meth:`features.history.history.History.changed`: `kind` and `id`, with all whom a merge touches."""
        return self._with_relatives(self.history.changed(after, until).select(*_SUBJECTS), after, until)

    def turned(self, after: dt.date, until: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        """See :meth:`features.history.history.History.turned`, with all whom a merge touches."""
        return self._with_relatives(self.history.turned(after, until, known_at), known_at)

    def doubtful(self, on_date: dt.date, known_at: dt.datetime, persons: Collection[str] | None = None) -> pl.DataFrame:
        """See :meth:`features.history.history.History.doubtful`.

        Doubtful is also to whom the records under two ids of one person lead, where they do not agree.
        """
        known = self.identities(on_date, known_at)
        asked = None if persons is None else _with_retired(persons, known)
        found = self.history.doubtful(on_date, known_at, asked)
        if not known.kept:
            return found
        found = found.with_columns(
            pl.when(pl.col("kind") == PERSON).then(pl.col(ID).replace(dict(known.kept))).otherwise(ID).alias(ID)
        )
        several = {*known.kept.values()} if persons is None else {known.current(each) for each in persons}
        told = _with_retired(several, known)
        links = self.history.vocabulary.subjects.links
        tables = self.history.as_of(on_date, known_at, ids={PERSON: told}, facts=links)
        disputed = self._disagreeing(tables.get(PERSON), known, self._hidden(known, known_at, several))
        return pl.concat([found, pl.DataFrame(disputed, schema=_SUBJECTS, orient="row")]).unique().sort("kind", ID)

    def naming(self, links: Collection[str], ids: Collection[str], known_at: dt.datetime) -> list[str]:
        """See :meth:`features.history.history.History.naming`; with every id of the persons found and named."""
        merged = self._merged([known_at])
        persons = {other for each in ids for other in merged.get(each, (each,))}
        found = self.history.naming(links, persons, known_at)
        return sorted({other for each in found for other in merged.get(each, (each,))})

    def statements(
        self, kind: str, subject: str, on_date: dt.date, known_at: dt.datetime, facts: Collection[str]
    ) -> dict[str, list[Statement]]:
        """See :meth:`features.history.history.History.statements`; of a person under all ids, of a retired id none."""
        found: dict[str, list[Statement]] = {}
        for each in self._ids_of(kind, subject, on_date, known_at):
            for fact, said in self.history.statements(kind, each, on_date, known_at, facts).items():
                found.setdefault(fact, []).extend(said)
        return found

    def gaps(
        self, kind: str, subject: str, on_date: dt.date, known_at: dt.datetime, facts: Collection[str]
    ) -> dict[str, Gap | None]:
        """By fact why it is not known of a subject; None where it is.

        Under two ids of a person, values that differ are a conflict; what is known under one of them is known. What is
        withheld or disputed under one of them is so for the person.
        """
        ids = self._ids_of(kind, subject, on_date, known_at)
        return self._gaps_of(kind, {subject: ids}, on_date, known_at, facts)[subject]

    def _gaps_of(
        self,
        kind: str,
        ids_of: Mapping[str, Sequence[str]],
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str],
    ) -> dict[str, dict[str, Gap | None]]:
        """By subject what :meth:`gaps` says of each, read together.

        Args:
            kind: the kind of subject.
            ids_of: by subject every id under which records of it may stand.
            on_date: the day.
            known_at: what was learned later does not exist.
            facts: which.
        """
        holdings = self.history.holdings_of(
            kind, [each for ids in ids_of.values() for each in ids], on_date, known_at, facts
        )
        several = [each for ids in ids_of.values() if len(ids) > 1 for each in ids]
        hidden = _first_gaps(self.history.hidden(kind, known_at, several), ids_of) if several else {}
        return {
            subject: {
                fact: hidden.get((subject, fact)) or _gap([holdings[each][fact] for each in ids])
                for fact in (holdings[ids[0]] if ids else ())
            }
            for subject, ids in ids_of.items()
        }

    def unsettled(
        self,
        kind: str,
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str],
        ids: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """See :meth:`features.history.history.History.unsettled`; of a retired id nothing."""
        found = self.history.unsettled(kind, on_date, known_at, facts, ids)
        known = self.identities(on_date, known_at)
        if kind != PERSON or not known.kept:
            return found
        several = {*known.kept.values()}
        asked = sorted(several if ids is None else several & set(ids))
        ids_of = {person: self._ids_of(kind, person, on_date, known_at) for person in asked}
        rows = [
            (person, fact, gap.value)
            for person, gaps in self._gaps_of(kind, ids_of, on_date, known_at, facts).items()
            for fact, gap in gaps.items()
            if gap is not None and gap is not Gap.NOT_HELD
        ]
        alone = found.filter(~pl.col(ID).is_in([*several, *known.kept]))
        return pl.concat([alone, pl.DataFrame(rows, schema=found.schema, orient="row")])

    def _hidden(
        self, known: Identities, known_at: dt.datetime, persons: Iterable[str] | None
    ) -> dict[str, frozenset[str]]:
        """By current id the facts that are withheld or disputed under any id of a person who has several."""
        several = {*known.kept.values()} if persons is None else {known.current(each) for each in persons}
        told = _with_retired(several & {*known.kept.values()}, known)
        found: dict[str, set[str]] = defaultdict(set)
        for person, fact in self.history.hidden(PERSON, known_at, told).select(ID, "fact").iter_rows():
            found[known.current(person)].add(fact)
        return {person: frozenset(facts) for person, facts in found.items()}

    def _ids_of(self, kind: str, subject: str, on_date: dt.date, known_at: dt.datetime) -> list[str]:
        known = self.identities(on_date, known_at)
        if kind != PERSON or not known.kept:
            return [subject]
        return [] if subject in known.kept else known.ids_of(subject)

    # -- who is who, whenever ----------------------------------------------------------------------------------------

    def _told(self, known_at: dt.datetime) -> dict[str, set[str]]:
        """By id of which a merge or split was ever told: the ids into which it was merged."""
        told: dict[str, set[str]] = {}
        for view in self._identity_views:
            rows = self.history.rows_stated(view.id, known_at).select(ID, MERGED_INTO)
            for person, kept in rows.iter_rows():
                told.setdefault(person, set()).update(() if kept is None else (kept,))
        return told

    def _merged(self, known_at: Iterable[dt.datetime]) -> dict[str, frozenset[str]]:
        """By id all ids that were said to be the same person at one of some moments, itself too, on whatever day."""
        found: dict[str, frozenset[str]] = {}
        told = [(person, kept) for moment in known_at for person, kept in self._told(moment).items()]
        for person, others in told:
            for other in others:
                whole = found.get(person, frozenset([person])) | found.get(other, frozenset([other]))
                found |= dict.fromkeys(whole, whole)
        return found

    def _with_relatives(self, news: pl.DataFrame, *known_at: dt.datetime) -> pl.DataFrame:
        """News of one id of a person are news of all of them, and of whomever their links were ever said to lead to.

        More than needed: a household may lose a member by a merge, which changes nobody's own link. There are few.
        A merge that is taken back is known at the earlier of two moments only.
        """
        merged = self._merged(known_at)
        if not merged:
            return news
        persons = set(news.filter((pl.col("kind") == PERSON) & pl.col(ID).is_in(list(merged))).get_column(ID))
        together = {other for person in persons for other in merged[person]}
        more = [(PERSON, person) for person in together]
        for view in self.history.views.values() if together else ():
            carried = [name for name in view.facts if name in self.history.vocabulary.subjects.links]
            if view.kind == PERSON and carried:
                rows = self.history.rows_stated(view.id, max(known_at), together)
                more += [(self._groups.get(name, PERSON), each) for name in carried for each in rows[name].drop_nulls()]
        return pl.concat([news, pl.DataFrame(more, schema=_SUBJECTS, orient="row")]).unique(maintain_order=True)

    def _disagreeing(
        self, persons: pl.DataFrame | None, known: Identities, hidden: Mapping[str, Collection[str]]
    ) -> list[tuple[str, str]]:
        """To whom links lead that are told differently under two ids of one person, or told under one and hidden."""
        told: dict[tuple[str, str], set[str]] = defaultdict(set)
        links = self.history.vocabulary.subjects.links
        for row in persons.iter_rows(named=True) if persons is not None else ():
            person = known.current(row[ID])
            for name in (name for name in links if row.get(name) is not None):
                target = row[name] if name in self._groups else known.current(row[name])
                if target != person:
                    told[person, name].add(target)
        return [
            (self._groups.get(name, PERSON), target)
            for (person, name), targets in told.items()
            for target in targets - {NONE}
            if len(targets) > 1 or name in hidden.get(person, ())
        ]


def _with_retired(persons: Iterable[str], known: Identities) -> list[str]:
    """Persons with the ids that were merged into theirs."""
    retired: dict[str, list[str]] = defaultdict(list)
    for old, kept in known.kept.items():
        retired[kept].append(old)
    return list(dict.fromkeys(each for person in persons for each in (person, *retired.get(person, ()))))


def _first_gaps(hidden: pl.DataFrame, ids_of: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], Gap]:
    """By subject and fact why it is hidden under any id; what is withheld counts so, even if it is disputed too."""
    subject_of = {each: subject for subject, ids in ids_of.items() for each in ids}
    found: dict[tuple[str, str], Gap] = {}
    for each, fact, code in hidden.select(ID, "fact", "gap").iter_rows():
        key, gap = (subject_of[each], fact), Gap(code)
        found[key] = Gap.WITHHELD if Gap.WITHHELD in (gap, found.get(key)) else gap
    return found


def _gap(holdings: Sequence[Holding]) -> Gap | None:
    """Why several holdings of one fact together are not known."""
    values = [holding.value for holding in holdings if isinstance(holding, Known)]
    if any(value != values[0] for value in values):
        return Gap.CONFLICTING
    gaps = [holding.gap for holding in holdings if isinstance(holding, Unknown)]
    return None if values else max(gaps, key=list(Gap).index, default=Gap.NOT_HELD)
