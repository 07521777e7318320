"""The bitemporal history: what registers told us of each subject, when it was true, and when we learned it.

Every question names the day it is about (`on_date`) and the moment of knowledge (`known_at`): the answer to a question
never changes, however much is learned later. What the rows mean is told in docs/decisions/0004-history-by-view.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.encoding import ID, STALE_SUFFIX, Tables, decode
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.values import Holding, Known, Unknown
from features.facts.vocabulary import Vocabulary
from features.history.deliveries import Deliveries
from features.history.following import Following
from features.history.hiding import Hiding
from features.history.keeping import Appended
from features.history.merging import GAPS, HELD, NOT_HELD, Merged
from features.history.naming import persons_naming, subjects_named
from features.history.position import Learned, Position
from features.history.reading import Reading, Source
from features.history.records import Batch, Statement, View
from features.history.speaking import EVER, Chosen, Mask, date_of
from features.history.statements import last_list, last_words, rows_stated, with_first_days
from features.history.tickets import Tickets, TicketState
from features.history.withholding import Withholding

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
        self._deliveries = Deliveries(folder, vocabulary, views)
        self.views = self._deliveries.views
        self.withholding = Withholding(folder)
        self.tickets = Tickets(folder)
        self._hiding = Hiding(self._deliveries, self.tickets, self.withholding)
        self._following = Following(self._deliveries, self.tickets, self.withholding)

    def append(self, batch: Batch, rows: pl.DataFrame) -> Appended:
        """Keep a delivery: all of it or, whatever happens, nothing.

        Args:
            batch: what was delivered.
            rows: `id`, the view's links and facts encoded, `true_from`, `true_to`, `status`, `row`.

        Raises:
            HistoryError: the view is not known, or the rows are not what it carries.
        """
        return self._deliveries.append(batch, rows)

    def listed_before(self, batch: Batch) -> int | None:
        """Of a list that is not taken in yet: how many subjects the last one before it named; None: there is none."""
        self._deliveries.refresh()
        return self._deliveries.listed_before(batch)

    def answer_until(self, known_at: dt.datetime) -> None:
        """Note that answers are given, and kept, for a moment of knowledge: what comes later was learned after it.

        A delivery carries the moment at which its reading began. If a sweep comes between that and its commit, the
        history moves it behind the sweep's moment, so that the next sweep sees it and a replay of this one does not.
        """
        self._deliveries.partitions.answer_until(known_at)

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
        self._deliveries.refresh()
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
        wanted = self._wanted(kind, facts)
        reading = self._reading(kind, on_date, known_at, ids, wanted)
        if reading is None:
            return None
        columns = [self._deliveries.numbering[kind].ids.gather(reading.subjects).alias(ID)]
        ages: list[pl.Expr] = []
        for name, merged in reading.merged(wanted):
            columns.append(merged.values.alias(name))
            fact = self.vocabulary.dictionary.facts.get(name)
            if fact is not None and fact.maximum_age_months is not None:
                columns.append(pl.Series(name + STALE_SUFFIX, merged.stale_on))
                ages.append(pl.col(name + STALE_SUFFIX))
        table = pl.DataFrame(columns)
        return table.with_columns(pl.when(days != int(EVER)).then(days).cast(pl.Date) for days in ages)

    def doubtful(self, on_date: dt.date, known_at: dt.datetime, persons: Collection[str] | None = None) -> pl.DataFrame:
        """Subjects of whom it is not known who belongs to them: somebody may, whose link is unknown.

        A household that one of two registers gives to a person is doubtful, and so is a mother whom a disputed record
        names. In the tables they look complete: answers that rest on their persons are to be left undetermined.

        Args:
            on_date: the day.
            known_at: what was learned later does not exist.
            persons: only what these persons' links leave in doubt; everybody's by default.

        Returns:
            `kind` and `id`, each subject once.
        """
        self._deliveries.refresh()
        frames = [pl.DataFrame(schema={"kind": pl.String, ID: pl.String})]
        links = [name for name in self._columns(PERSON) if name in self.vocabulary.subjects.links]
        reading = self._reading(PERSON, on_date, known_at, persons, links, names_others=False)
        if reading is not None:
            unsure = {name: (m.gap != HELD) & (m.gap != NOT_HELD) for name, m in reading.merged(links)}
            frames += self._named_unsurely(on_date, known_at, reading, unsure)
        return pl.concat(frames).unique().sort("kind", ID)

    def _named_unsurely(
        self, on_date: dt.date, known_at: dt.datetime, reading: Reading, unsure: dict[str, Mask]
    ) -> Iterator[pl.DataFrame]:
        """Whom the readable rows of some persons name, by each link that is not known: only these are read again."""
        among = np.zeros(len(reading.subjects), dtype=np.bool_)
        for mask in unsure.values():
            among |= mask
        ids = self._deliveries.numbering[PERSON].ids.gather(reading.subjects[among])
        readable = self._reading(
            PERSON, on_date, known_at, ids, list(unsure), names_others=False, readable_only=True
        )  # fmt: skip
        if readable is None or not among.any():
            return
        groups = {group.link: group.name for group in self.vocabulary.subjects.groups.values()}
        for name, said in readable.said(list(unsure)):
            here = pl.Series(unsure[name][among])
            named = pl.concat([one.values.filter(here) for one in said]).alias(ID).drop_nulls()
            kind = pl.lit(groups.get(name, PERSON)).alias("kind")
            yield named.filter(named != NONE).to_frame().select(kind, ID)

    def _reading(
        self,
        kind: str,
        on_date: dt.date,
        known_at: dt.datetime,
        ids: Collection[str] | None,
        names: Collection[str],
        *,
        names_others: bool = True,
        readable_only: bool = False,
    ) -> Reading | None:
        """A question about a kind; None where nothing was ever said of it."""
        numbering = self._deliveries.numbering[kind]
        sources = [
            Source(view, self._deliveries.known(view, known_at), self._deliveries.types[view.id])
            for view in self.views.values()
            if view.kind == kind
        ]
        if not any(source.parts for source in sources):
            return None
        wanted: Chosen | None = None
        if ids is not None:
            numbers = numbering.of(pl.Series(list(ids), dtype=pl.String))
            wanted = Chosen.of(numbers[numbers >= 0], numbering.count)
        hidden = self._hiding.by_fact(kind, known_at, names)
        return Reading(
            self._deliveries.partitions,
            sources,
            on_date,
            numbering.count,
            wanted,
            self.vocabulary,
            hidden,
            frozenset(names),
            names_others=names_others,
            readable_only=readable_only,
        )

    def ticket_states(self, known_at: dt.datetime) -> list[TicketState]:
        """Every ticket opened until a moment, and whether it is still open then."""
        self._deliveries.refresh()
        return self._hiding.ticket_states(known_at)

    def holdings(
        self,
        kind: str,
        subject_id: str,
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str] | None = None,
    ) -> dict[str, Holding]:
        """Facts and links of one subject (all by default), with the register that says so and since when.

        Or why it is not known.
        """
        return self.holdings_of(kind, [subject_id], on_date, known_at, facts)[subject_id]

    def holdings_of(
        self,
        kind: str,
        ids: Collection[str],
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str] | None = None,
    ) -> dict[str, dict[str, Holding]]:
        """By subject what :meth:`holdings` says of each, read together."""
        self._deliveries.refresh()
        names = self._wanted(kind, facts)
        found: dict[str, dict[str, Holding]] = {each: dict.fromkeys(names, Unknown()) for each in ids}
        reading = self._reading(kind, on_date, known_at, ids, names)
        if reading is not None and len(reading.subjects):
            read = self._deliveries.numbering[kind].ids.gather(reading.subjects).to_list()
            for name, merged in reading.merged(names):
                carriers = reading.carriers(name)
                for place, each in enumerate(read):
                    found[each][name] = self._holding(name, merged, place, carriers)
        return found

    def gaps(
        self,
        kind: str,
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str],
        ids: Collection[str] | None = None,
    ) -> pl.DataFrame | None:
        """Of many subjects at once why facts and links are not known: `id`, and by fact a code of `merging.GAPS`.

        `HELD` (-1) where a fact is known. None: nothing was ever said of the kind.
        """
        self._deliveries.refresh()
        names = self._wanted(kind, facts)
        reading = self._reading(kind, on_date, known_at, ids, names)
        if reading is None:
            return None
        named = self._deliveries.numbering[kind].ids.gather(reading.subjects).alias(ID)
        return pl.DataFrame([named, *(pl.Series(name, merged.gap) for name, merged in reading.merged(names))])

    def _holding(self, name: str, merged: Merged, place: int, carriers: Sequence[View]) -> Holding:
        if merged.gap[place] != HELD:
            return Unknown(GAPS[merged.gap[place]])
        fact = self.vocabulary.dictionary.facts.get(name)
        cell = merged.values[place]
        stale_on = None if merged.stale_on[place] == EVER else date_of(merged.stale_on[place])
        value = cell if fact is None else decode(fact, cell)
        return Known(value, carriers[merged.source[place]].register, date_of(merged.true_from[place]), stale_on)

    def unsettled(
        self,
        kind: str,
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str],
        ids: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Which facts and links are there and cannot be used, for many subjects at once.

        Args:
            kind: the kind of subject.
            on_date: the day.
            known_at: what was learned later does not exist.
            facts: which.
            ids: only of these subjects.

        Returns:
            `id`, `fact` and `gap` (the value of a :class:`Gap`), a row for each that is stale, conflicting, withheld or
            quarantined. Of what is not held there is no row.
        """
        self._deliveries.refresh()
        names = self._wanted(kind, facts)
        found = [pl.DataFrame(schema={ID: pl.String, "fact": pl.String, "gap": pl.String})]
        reading = self._reading(kind, on_date, known_at, ids, names, names_others=False)
        if reading is not None:
            codes = pl.Series([gap.value for gap in GAPS])
            for name, merged in reading.merged(names):
                places = np.flatnonzero((merged.gap != HELD) & (merged.gap != NOT_HELD))
                if len(places):
                    who = self._deliveries.numbering[kind].ids.gather(reading.subjects[places])
                    gaps = codes.gather(merged.gap[places].astype(np.int64))
                    found.append(pl.DataFrame({ID: who, "fact": [name] * len(places), "gap": gaps}))
        return pl.concat(found)

    def statements(
        self,
        kind: str,
        subject_id: str,
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str] | None = None,
    ) -> dict[str, list[Statement]]:
        """The last that each view said of each fact (or link) of one subject from on or before a day.

        Also where together they leave it unknown, and where it has ended since; what is withheld is among it.
        """
        self._deliveries.refresh()
        names = self._wanted(kind, facts)
        found: dict[str, list[Statement]] = {name: [] for name in names}
        for view in self.views.values():
            if view.kind == kind and not found.keys().isdisjoint(view.facts):
                rows = rows_stated(self._deliveries, view, known_at, [subject_id])
                for name, said in last_words(rows, view, self.vocabulary, names, on_date):
                    found[name].append(said)
        return found

    def naming(self, links: Collection[str], ids: Collection[str], known_at: dt.datetime) -> list[str]:
        """Persons of whom any row ever said that one of these links leads to one of these subjects.

        More than those whom it leads there on a day: whoever asks reads their links next. But nobody else can be
        linked, so that the members of one household are found without reading everybody's links.
        """
        self._deliveries.refresh()
        return persons_naming(self._deliveries, links, ids, known_at)

    def subjects(self, kind: str, known_at: dt.datetime) -> pl.Series:
        """The ids of everybody of a kind of whom anything was ever said, in the order in which they were named."""
        self._deliveries.refresh()
        return subjects_named(self._deliveries, kind, known_at)

    # -- what has become different -----------------------------------------------------------------------------------

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        """Whose records changed because of something learned in `(after, until]`. See :class:`Following`."""
        self._deliveries.refresh()
        return self._following.changed(after, until)

    def turned(self, after: dt.date, until: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        """Whose facts change in `(after, until]` by the coming of a day alone. See :class:`Following`."""
        self._deliveries.refresh()
        return self._following.turned(after, until, known_at)

    def position(self) -> Position:
        """How much there is to read: who read up to here is told of the rest by :meth:`learned_since`."""
        self._deliveries.refresh()
        return self._following.position()

    def learned_since(self, position: Position) -> Learned | None:
        """The moments of what was written after a position, in whatever order it was learned; None: nothing was."""
        return self._following.learned_since(position)

    # -- for stores that keep more than one day's answer -------------------------------------------------------------

    def rows_stated(self, view: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> pl.DataFrame:
        """What a view states of some subjects, or of all, as known at a moment: one row for each first day.

        Facts that are withheld or disputed are among them, see :meth:`hidden`.

        Returns:
            See :func:`features.history.statements.rows_stated`.
        """
        self._deliveries.refresh()
        return rows_stated(self._deliveries, self.views[view], known_at, ids)

    def last_list(self, view: str, known_at: dt.datetime) -> dt.date | None:
        """Of a view whose deliveries list everybody: the day of the last list known at a moment."""
        self._deliveries.refresh()
        return last_list(self._deliveries, self.views[view], known_at)

    def hidden(self, kind: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> pl.DataFrame:
        """The facts of subjects that are not to be used: withheld, or disputed by a ticket that is open.

        Args:
            kind: the kind of subject.
            known_at: what was learned later does not exist.
            ids: only of these subjects.

        Returns:
            `id`, `fact`, `gap` and `true_from`, the first day of which anything was ever said of the subject: before
            it nothing is hidden, for nothing is held. Each fact of a subject once, sorted.
        """
        self._deliveries.refresh()
        pairs = self._hiding.gaps(kind, known_at, ids)
        return with_first_days(self._deliveries, kind, known_at, pairs)

    # -- what is known -----------------------------------------------------------------------------------------------

    def _wanted(self, kind: str, facts: Collection[str] | None) -> list[str]:
        return [name for name in self._columns(kind) if facts is None or name in facts]

    def _columns(self, kind: str) -> list[str]:
        """The links and facts that any view of a kind carries, links first."""
        carried = dict.fromkeys(f for v in self.views.values() if v.kind == kind for f in v.facts)
        links = self.vocabulary.subjects.links
        return [n for n in carried if n in links] + sorted(n for n in carried if n not in links)
