"""Replay: stored determinations made again from the facts as they were known, the rulebook's files and the dates.

A determination is equal if its canonical JSON is, byte for byte. Answers are stored once for all who share them, so
each distinct pair of stored and recomputed answer is written out and compared once, for however many subjects.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.encoding import ID
from rules.evaluate.batch import BatchEvaluator
from rules.evaluate.columns.positions import Index
from rules.partitions import cut
from rules.paths import Links
from serving.store import standings, sweeps
from serving.store.answers import Answer, canonical_json, spelled
from serving.store.database import Session
from serving.store.standings import NEVER, Standings
from serving.store.sweeps import Sweep
from serving.sweep.answering import next_changes, spell
from serving.sweep.chunk import asked_answers, read_facts
from serving.sweep.errors import SweepError
from serving.sweep.facts import FactHistory, FactSource
from serving.sweep.partitions import Partition, partition_of
from serving.sweep.planning import CHUNK_SUBJECTS, chains_of, doubtful_rows, read_links
from serving.sweep.rulebooks import Pinned, load_pinned

MOST_SHOWN = 20


class UnknownDeterminationError(SweepError):
    """There is no such determination."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no determination `{name[:80]}`. They are named SWEEP/KIND/SUBJECT/BENEFIT, like "
            "`3/person/p17/advanced_age_allowance`."
        )


@dataclass(frozen=True, slots=True)
class Name:
    """Which determination: the sweep that made it, the subject, the benefit."""

    sweep: int
    kind: str
    id: str
    benefit: str

    @staticmethod
    def read(text: str) -> Name:
        """From `SWEEP/KIND/SUBJECT/BENEFIT`; the subject's id may hold slashes."""
        sweep, _, rest = text.partition("/")
        kind, _, rest = rest.partition("/")
        subject, _, benefit = rest.rpartition("/")
        if not (sweep.isdigit() and kind and subject and benefit):
            raise UnknownDeterminationError(text)
        return Name(int(sweep), kind, subject, benefit)

    def __str__(self) -> str:
        return f"{self.sweep}/{self.kind}/{self.id}/{self.benefit}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored determination that does not come out again; both in canonical JSON."""

    name: Name
    stored: bytes
    recomputed: bytes


@dataclass(slots=True)
class Replayed:
    """How a replay went: how many were compared, how many differ, and some that do."""

    compared: int
    differing: int
    shown: list[Difference]


def determination_json(answer: Answer, sweep: Sweep, kind: str, subject: str, next_change: int) -> bytes:
    """A determination in the one way to write it."""
    day = None if next_change == NEVER else (dt.date(1970, 1, 1) + dt.timedelta(days=next_change)).isoformat()
    return canonical_json(
        {
            **answer.content(), "subject": kind, "id": subject, "next_change": day,
            "on_date": sweep.on_date.isoformat(), "rulebook": sweep.rulebook,
            "known_at": sweep.known_at.astimezone(dt.UTC).isoformat(),
        }
    )  # fmt: skip


class Replayer:
    """Makes the determinations of one sweep again.

    Args:
        session: of the database; only read.
        home: where rulebooks are kept.
        source: the facts.
        sweep: which.
    """

    def __init__(self, session: Session, home: Path, source: FactSource, sweep: int) -> None:
        found = sweeps.sweep_of(session, sweep)
        if found is None:
            raise SweepError(f"There is no sweep {sweep}.")
        self.session, self.sweep = session, found
        self.pinned: Pinned = load_pinned(home, found.rulebook)
        self.history: FactHistory = source.open(self.pinned.rulebook.vocabulary)
        self.evaluator = BatchEvaluator(self.pinned.rulebook, found.on_date)
        self.contents = sweeps.benefits_of_sweeps(session)[sweep]
        self._words: dict[int, Answer] = {}

    def everything(self, watch: Callable[[int], None] = lambda _subjects: None) -> Replayed:
        """Compare every determination that the sweep made."""
        links = read_links(self.history, self.pinned, self.sweep)
        asked = {
            kind: np.flatnonzero(links.ids(kind).is_in(sweeps.written_ids(self.session, self.sweep.id, kind).implode()))
            for kind in links.subjects.kinds
        }
        total = Replayed(0, 0, [])
        for chosen in cut(links, asked, chains_of(self.pinned, self.sweep), CHUNK_SUBJECTS):
            partition = self._partition(links, chosen)
            for difference_count, compared, shown in self._compared(partition):
                total.differing += difference_count
                total.compared += compared
                total.shown += shown[: MOST_SHOWN - len(total.shown)]
            watch(sum(len(rows) for rows in chosen.values()))
        expected = sweeps.determinations_made(self.session, self.sweep.id)
        if total.compared != expected:
            raise SweepError(
                f"Sweep {self.sweep.id} stored {expected:,} determinations, {total.compared:,} could be made again: "
                "the history no longer knows some of its subjects. Restore the history from a backup."
            )
        return total

    def one(self, name: Name) -> tuple[bytes, bytes]:
        """One determination as stored and as made again.

        Raises:
            UnknownDeterminationError: the sweep made no such one.
        """
        links = read_links(self.history, self.pinned, self.sweep)
        if name.kind not in links.subjects.kinds:
            raise UnknownDeterminationError(str(name))
        rows = np.flatnonzero((links.ids(name.kind) == name.id).to_numpy())
        stored = standings.read_of(self.session, self.sweep.id, name.kind, pl.Series([name.id]))
        column = self._columns(name.kind).get(name.benefit)
        if not len(rows) or stored is None or column is None:
            raise UnknownDeterminationError(str(name))
        number = int(stored.answers[0, column])
        if number == 0 or int(stored.made_by[0, column]) != self.sweep.id:
            raise UnknownDeterminationError(str(name))
        partition = self._partition(links, {name.kind: rows})
        names = {name.kind: list(self._columns(name.kind))}
        for _, benefit, _, frame in asked_answers(self.evaluator, self._facts(partition), partition, names):
            if benefit == name.benefit:
                again = determination_json(
                    spell(self.evaluator, benefit, frame)[0],
                    self.sweep,
                    name.kind,
                    name.id,
                    int(next_changes(frame)[0]),
                )
                words, day = self._word(number), int(stored.next_change[0, column])
                return determination_json(words, self.sweep, name.kind, name.id, day), again
        raise UnknownDeterminationError(str(name))

    # -- comparing -----------------------------------------------------------------------------------------------

    def _partition(self, links: Links, asked: dict[str, Index]) -> Partition:
        doubtful = doubtful_rows(self.history, self.sweep, links)
        return partition_of(links, asked, chains_of(self.pinned, self.sweep), doubtful)

    def _facts(self, partition: Partition) -> dict[str, pl.DataFrame]:
        return read_facts(self.history, self.sweep, self.pinned, partition)

    def _columns(self, kind: str) -> dict[str, int]:
        return {name: column for column, (name, _) in enumerate(self.contents.get(kind, []))}

    def _compared(self, partition: Partition) -> Iterator[tuple[int, int, list[Difference]]]:
        """Benefit by benefit: how many differ, of how many, and some of them."""
        stored = {
            kind: _in_order(standings.read_of(self.session, self.sweep.id, kind, ids), ids)
            for kind, ids in partition.asked.items()
        }
        names = {kind: list(self._columns(kind)) for kind in partition.asked}
        facts = self._facts(partition)
        for kind, benefit, places, frame in asked_answers(self.evaluator, facts, partition, names):
            rows, column = stored[kind], self._columns(kind)[benefit]
            answers, days = rows.answers[places, column], rows.next_change[places, column]
            made = (rows.made_by[places, column] == self.sweep.id) & (answers != 0)
            found = frame.with_columns(
                stored=pl.Series(answers), stored_day=pl.Series(days), id=rows.ids.gather(places)
            ).filter(pl.Series(made))
            yield self._differences(kind, benefit, found)

    def _differences(self, kind: str, benefit: str, found: pl.DataFrame) -> tuple[int, int, list[Difference]]:
        pairs = found.group_by(pl.exclude(ID, "look_again"), maintain_order=True).agg(
            pl.len().alias("subjects"), pl.col(ID).first()
        )
        words = spell(self.evaluator, benefit, pairs)
        differing, shown = 0, list[Difference]()
        for row, again, day in zip(pairs.iter_rows(named=True), words, next_changes(pairs).tolist(), strict=True):
            kept = determination_json(self._word(row["stored"]), self.sweep, kind, row[ID], row["stored_day"])
            recomputed = determination_json(again, self.sweep, kind, row[ID], day)
            if kept != recomputed:
                differing += row["subjects"]
                shown.append(Difference(Name(self.sweep.id, kind, row[ID], benefit), kept, recomputed))
        return differing, found.height, shown

    def _word(self, number: int) -> Answer:
        if number not in self._words:
            self._words |= spelled(self.session, [number])
        return self._words[number]


def _in_order(rows: Standings | None, ids: pl.Series) -> Standings:
    """Rows in the order of ids; each has one."""
    assert rows is not None, "these ids were read from the same rows"
    place = rows.ids.to_frame(ID).with_row_index("place")
    order = pl.DataFrame({ID: ids}).join(place, on=ID, how="inner", maintain_order="left")["place"].to_numpy()
    return Standings(
        rows.kind, ids, rows.answers[order], rows.next_change[order], rows.made_by[order], rows.look_again[order]
    )
