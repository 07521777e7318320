"""What stands behind answers: of whom which fact is there and cannot be used, carried along the relations of the rules.

A disputed income of a member is in doubt for the household's answer, and through it for that of every member whose
rule looks there.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from features.events.identity import Identities
from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.subjects import PERSON, Subjects
from features.facts.values import Gap
from rules.evaluate.columns.positions import Index
from rules.paths import Chain, Links, Step, in_doubt, links_of, needed, paths_of
from rules.reads import Read, reads_of
from serving.delivery.tier import Identity
from serving.store.sweeps import Sweep
from serving.sweep.facts import FactHistory
from serving.sweep.planning import chains_of, doubtful_rows
from serving.sweep.review import MERGED, GrantForReview
from serving.sweep.rulebooks import Pinned

Codes = npt.NDArray[np.int32]
"""Positions in `Doubts.known`, shape (subjects, benefits of the kind)."""

_WORST_FIRST = [gap.value for gap in (Gap.CONFLICTING, Gap.WITHHELD, Gap.QUARANTINED, Gap.STALE)]
_FROM = "from"


class DoubtingHistory(FactHistory, Protocol):
    """What is asked of the history beyond what a sweep asks (`serving.sweep.identities.UnifiedHistory` answers it)."""

    def unsettled(
        self,
        kind: str,
        on_date: dt.date,
        known_at: dt.datetime,
        facts: Collection[str],
        ids: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Which facts are there and cannot be used: `id`, `fact`, `gap`."""
        ...

    def identities(self, on_date: dt.date, known_at: dt.datetime) -> Identities:
        """Who is who on a day, as known at a moment."""
        ...


@dataclass(frozen=True, slots=True)
class Doubt:
    """What stands behind one subject's answer for one benefit; many share it.

    Attributes:
        gaps: facts that the rule reads, of the subject or of whom it looks at, that are there and cannot be used, each
            with the worst reason.
        membership: it is not known who belongs to the subject, and the rule counts on it.
        identity: what is in doubt about who the subject is.
    """

    gaps: tuple[tuple[str, Gap], ...] = ()
    membership: bool = False
    identity: Identity = Identity.CERTAIN


NOTHING = Doubt()


@dataclass(slots=True)
class Doubts:
    """Every different doubt that was met, by its code; 0 is none at all."""

    known: list[Doubt] = field(default_factory=lambda: [NOTHING])
    _codes: dict[Doubt, int] = field(default_factory=lambda: {NOTHING: 0})

    def code(self, doubt: Doubt) -> int:
        """The code of a doubt."""
        if doubt not in self._codes:
            self._codes[doubt] = len(self.known)
            self.known.append(doubt)
        return self._codes[doubt]


class Doubting:
    """Finds the doubts of subjects, chunk by chunk, for one sweep.

    Args:
        sweep: its day and moment of knowledge.
        pinned: its rulebook.
        history: the facts.
        links: everybody who is known, with every link.
        grants: what no machine decides about, because of merges and splits.
    """

    def __init__(
        self, sweep: Sweep, pinned: Pinned, history: DoubtingHistory, links: Links, grants: Collection[GrantForReview]
    ) -> None:
        self.sweep, self.pinned, self.history, self.links = sweep, pinned, history, links
        self.doubts = Doubts()
        plans = pinned.rulebook.in_force(sweep.on_date)
        self.chains = chains_of(pinned, sweep)
        self._paths = {benefit: paths_of(benefit, plans) for benefit in plans}
        self._reads: dict[str, tuple[Read, ...]] = reads_of(pinned.rulebook, sweep.on_date)
        self._facts: dict[str, set[str]] = defaultdict(set)
        for reads in self._reads.values():
            for kind, fact in reads:
                self._facts[kind].add(fact)
        self._doubtful = doubtful_rows(history, sweep, links)
        self._names = {benefit: plan.names for benefit, plan in plans.items()}
        self._retired = frozenset(history.identities(sweep.on_date, sweep.known_at).kept)
        self._grants: dict[str, dict[str, Identity]] = defaultdict(dict)
        for grant in grants:
            found = Identity.GRANTED_TWICE if grant.why == MERGED else Identity.OF_TWO
            for one in {grant.person, *grant.ids}:
                self._grants[one][grant.benefit] = found

    def of(self, part: Mapping[str, Index]) -> dict[str, Codes]:
        """The codes of the doubts of some subjects, by kind of subject.

        Args:
            part: rows of `links`, by kind.
        """
        reach = needed(self.links, dict(part), self.chains)
        unsettled = {
            kind: self._unsettled(kind, self.links.ids(kind).gather(rows)) for kind, rows in reach.items() if len(rows)
        }
        persons = self.links.tables.frames[PERSON]
        around = Around(persons[reach[PERSON]] if PERSON in reach else persons.clear(), self.links.subjects)
        return {kind: self._of_kind(kind, rows, unsettled, around) for kind, rows in part.items()}

    def _unsettled(self, kind: str, ids: pl.Series) -> pl.DataFrame:
        sweep = self.sweep
        return self.history.unsettled(kind, sweep.on_date, sweep.known_at, self._facts[kind], ids.to_list())

    def _of_kind(self, kind: str, rows: Index, unsettled: Mapping[str, pl.DataFrame], around: Around) -> Codes:
        names = self.pinned.benefits_of(kind)
        place = pl.DataFrame({ID: self.links.ids(kind).gather(rows)}).with_row_index("place")
        codes = np.zeros((len(rows), len(names)), dtype=np.int32)
        for column, benefit in enumerate(names):
            gaps = self._gaps(kind, benefit, unsettled, around)
            found = gaps.join(place, on=ID).select("place", "gaps")
            for spelled, places in found.group_by("gaps").agg("place").iter_rows():
                codes[places, column] = self.doubts.code(Doubt(_read(spelled)))
            doubtful = np.isin(rows, in_doubt(self.links, self._doubtful, kind, self._paths[benefit]))
            self._note(codes[:, column], np.flatnonzero(doubtful), membership=True)
        if kind == PERSON:
            self._note_identities(place, names, codes)
        return codes

    def _note_identities(self, place: pl.DataFrame, names: list[str], codes: Codes) -> None:
        special = place.filter(pl.col(ID).is_in([*self._retired, *self._grants]))
        for row, person in special.iter_rows():
            for column, benefit in enumerate(names):
                found = Identity.RETIRED if person in self._retired else self._grants[person].get(benefit)
                if found is not None:
                    self._note(codes[:, column], np.array([row]), identity=found)

    def _note(
        self, column: Codes, rows: Index, *, membership: bool = False, identity: Identity = Identity.CERTAIN
    ) -> None:
        """Add to the doubts of some rows of one benefit."""
        for code in np.unique(column[rows]):
            before = self.doubts.known[code]
            kept = before.identity if identity is Identity.CERTAIN else identity
            after = Doubt(before.gaps, before.membership or membership, kept)
            some = rows[column[rows] == code]
            column[some] = self.doubts.code(after)

    def _gaps(self, kind: str, benefit: str, unsettled: Mapping[str, pl.DataFrame], around: Around) -> pl.DataFrame:
        """`id` and `gaps`, spelled, for each subject of whom something that the benefit reads cannot be used."""
        wanted: dict[str, list[str]] = defaultdict(list)
        for of_kind, fact in self._reads.get(benefit, ()):
            wanted[of_kind].append(fact)
        parts = [pl.DataFrame(schema={ID: pl.String, "fact": pl.String, "gap": pl.String})]
        for of_kind, facts in wanted.items():
            if of_kind not in unsettled:
                continue
            there = unsettled[of_kind].filter(pl.col("fact").is_in(facts))
            if of_kind == kind:
                parts.append(there)
            for chain in self._paths[benefit] if there.height else ():
                if chain and chain[-1].arrives_at == of_kind:
                    led = around.back(chain, there.get_column(ID).unique())
                    parts.append(there.rename({ID: _FROM}).join(led, on=_FROM).select(ID, "fact", "gap"))
        whole = pl.concat(parts).with_columns(pl.col("gap").cast(pl.Enum(_WORST_FIRST)))
        worst = whole.group_by(ID, "fact").agg(pl.col("gap").min())
        spelled = worst.sort("fact").with_columns((pl.col("fact") + "=" + pl.col("gap").cast(pl.String)).alias("one"))
        return spelled.group_by(ID, maintain_order=True).agg(pl.col("one").str.join(";").alias("gaps"))

    def waits_for_members(self, benefit: str, missing: Collection[str]) -> bool:
        """Does an answer wait for who belongs to its subject?"""
        links = links_of(self._paths[benefit], self.links.subjects, self._names[benefit])
        return any(name in links for name in missing)


class Around:
    """The relations of some persons, from their far end, one pair for each way that leads there."""

    def __init__(self, persons: pl.DataFrame, subjects: Subjects) -> None:
        self._persons, self._subjects = persons, subjects
        self._pairs: dict[str, pl.DataFrame] = {}

    def back(self, chain: Chain, ids: pl.Series) -> pl.DataFrame:
        """`from` (one of some subjects at the end of a chain) and `id` (whom the chain leads there)."""
        found = pl.DataFrame({_FROM: ids, ID: ids})
        for step in reversed(chain):
            near, far = self._ends(step)
            found = found.rename({ID: far}).join(near, on=far, how="inner").select(_FROM, ID)
        return found.unique()

    def _ends(self, step: Step) -> tuple[pl.DataFrame, str]:
        """Pairs of a step: `id` where it begins, `far` where it ends."""
        if step.way in ("to_group", "members"):
            links: tuple[str, ...] = (self._subjects.groups[step.name].link,)
            inverse = step.way == "members"
        else:
            relation = self._subjects.relations[step.name]
            links, inverse = relation.links, relation.inverse != (step.way == "named_by")
        far = "far"
        parts = [self._linked(link) for link in links if link in self._persons.columns]
        pairs = pl.concat([pl.DataFrame(schema={ID: pl.String, far: pl.String}), *parts])
        return (pairs.rename({ID: far, far: ID}) if inverse else pairs), far

    def _linked(self, link: str) -> pl.DataFrame:
        """Persons and to whom one of their links leads."""
        if link not in self._pairs:
            named = self._persons.select(ID, pl.col(link).cast(pl.String).alias("far")).drop_nulls()
            self._pairs[link] = named.filter(pl.col("far") != NONE)
        return self._pairs[link]


def _read(spelled: str) -> tuple[tuple[str, Gap], ...]:
    pairs = (one.split("=") for one in spelled.split(";"))
    return tuple((fact, Gap(gap)) for fact, gap in pairs)
