"""One chunk: read its facts, answer them, compare with how the subjects stood, say what is to be written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.encoding import ID, Tables
from rules.determination import Outcome
from rules.evaluate.batch import UNDETERMINED, BatchEvaluator
from rules.evaluate.columns.positions import Index
from rules.paths import links_of, paths_of
from serving.store import standings
from serving.store.database import Session
from serving.store.standings import NEVER, Codes, Days, Standings
from serving.store.sweeps import Sweep
from serving.sweep.account import Account
from serving.sweep.answering import AnswerIds, does_not_apply, look_again, next_changes, outside_until
from serving.sweep.asking import Mask
from serving.sweep.errors import CountIdentityError, SweepError
from serving.sweep.facts import FactHistory
from serving.sweep.partitions import Partition
from serving.sweep.rulebooks import Contents, Pinned

_NOT_YET = np.int32(0)
"""The answer of a benefit that does not apply, and of one that was never answered."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a chunk came to: rows to write, and counts."""

    rows: list[Standings]
    written: int
    same: int
    determinations: int
    account: Account


class Answering:
    """Answers chunks of one sweep; what it learns of stored answers stays for the next chunk.

    Args:
        sweep: dates and rulebook.
        pinned: its rulebook.
        contents_of_sweeps: of every sweep so far, the order of its stored answers.
    """

    def __init__(self, sweep: Sweep, pinned: Pinned, contents_of_sweeps: dict[int, Contents]) -> None:
        self.sweep, self.pinned = sweep, pinned
        self.evaluator = BatchEvaluator(pinned.rulebook, sweep.on_date)
        self._today = (sweep.on_date - dt.date(1970, 1, 1)).days
        self.ids = AnswerIds(self.evaluator)
        self._contents = contents_of_sweeps

    def answer(self, session: Session, history: FactHistory, partition: Partition) -> Answered:
        """Answer the subjects of a chunk.

        Raises:
            CountIdentityError: not everybody who was asked for got an answer.
            SweepError: somebody is asked for a part of the benefits, and was never answered for the others.
        """
        tables = read_facts(history, self.sweep, self.pinned, partition)
        account = Account()
        rows: list[Standings] = []
        written = same = made = 0
        for new, is_asked, silent_until in self._stand(session, tables, partition):
            to_write, unchanged = self._compared(session, new, is_asked, silent_until, account)
            rows.append(to_write)
            written += len(to_write.ids)
            same += unchanged
            made += int(((to_write.made_by == self.sweep.id) & (to_write.answers != _NOT_YET)).sum())
        asked = sum(len(ids) for ids in partition.asked.values())
        if written + same != asked:
            raise CountIdentityError(f"sweep {self.sweep.id}, a chunk", asked, written + same, 0)
        return Answered(rows, written, same, made, account)

    def _stand(self, session: Session, tables: Tables, partition: Partition) -> Iterator[tuple[Standings, Mask, Days]]:
        """The new answers of all who are asked for, kind by kind; benefits that do not apply are still among them.

        Beside them which of them were asked, and the day until which a benefit that does not apply stays silent.
        """
        names = {kind: self.pinned.benefits_of(kind) for kind in partition.asked}
        shape = {kind: (len(ids), len(names[kind])) for kind, ids in partition.asked.items()}
        answers = {kind: np.zeros(size, dtype=np.int32) for kind, size in shape.items()}
        changes = {kind: np.full(size, NEVER, dtype=np.int32) for kind, size in shape.items()}
        until = {kind: np.full(size, NEVER, dtype=np.int32) for kind, size in shape.items()}
        again = {kind: np.full(size, NEVER, dtype=np.int32) for kind, size in shape.items()}
        outside = {kind: np.zeros(size, dtype=np.bool_) for kind, size in shape.items()}
        is_asked = {kind: partition.benefits.get(kind, np.broadcast_to(True, size)) for kind, size in shape.items()}
        column = {name: i for kind in shape for i, name in enumerate(names[kind])}
        for kind, benefit, places, found in asked_answers(self.evaluator, tables, partition, names):
            answers[kind][places, column[benefit]] = self.ids.of(session, benefit, found)
            changes[kind][places, column[benefit]] = next_changes(found)
            until[kind][places, column[benefit]] = outside_until(found)
            again[kind][places, column[benefit]] = look_again(found)
            outside[kind][places, column[benefit]] = does_not_apply(self.evaluator, benefit, found)
        for kind, ids in partition.asked.items():
            made_by = np.where(outside[kind], _NOT_YET, self.sweep.id).astype(np.int32)
            yield Standings(kind, ids, answers[kind], changes[kind], made_by, again[kind]), is_asked[kind], until[kind]

    def _compared(
        self, session: Session, new: Standings, is_asked: Mask, silent_until: Days, account: Account
    ) -> tuple[Standings, int]:
        """What of the new answers is to be written, and how many subjects stand as before."""
        old, has_row, lost = self._before(session, new)
        if not is_asked[~has_row].all():
            raise SweepError(f"A {new.kind} that was never answered for all benefits is asked for a part of them.")
        outside = new.made_by == _NOT_YET
        silent = outside & (old.answers == _NOT_YET)  # outside of its area, as ever: not an answer anybody waits for
        answers = np.where(is_asked, np.where(silent, _NOT_YET, new.answers), old.answers)
        # Silent until a day: of a version for more areas, of a merge of two, of an address that has grown too old.
        days = np.where(is_asked, np.where(silent, silent_until, new.next_change), old.next_change)
        again = np.where(is_asked, np.where(silent, silent_until, new.look_again), old.look_again)
        differs = (answers != old.answers) | (days != old.next_change)
        # A day that has come is replaced, and so is one that would be too late; to look too early does no harm.
        days_differ = (again < old.look_again) | (old.look_again <= self._today)
        if self.sweep.is_full:
            made_by = np.full(answers.shape, self.sweep.id, dtype=np.int32)
            chosen = np.full(len(new.ids), True)
            self._count(session, new.kind, answers, 1, account)
            account.subjects[new.kind] += len(new.ids)
        else:
            made_by = np.where(differs, self.sweep.id, old.made_by).astype(np.int32)
            chosen = differs.any(axis=1) | days_differ.any(axis=1) | ~has_row | lost
            self._count(session, new.kind, answers[chosen], 1, account)
            self._count(session, new.kind, old.answers[chosen], -1, account)
            account.subjects[new.kind] += int((~has_row).sum())
        mask = pl.Series(chosen)
        ids = new.ids.filter(mask)
        rows = Standings(new.kind, ids, answers[chosen], days[chosen], made_by[chosen], again[chosen])
        return rows, int((~chosen).sum())

    def _before(
        self, session: Session, new: Standings
    ) -> tuple[Standings, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """How the subjects stood, in today's columns; who had a row; who had answers of benefits that are gone."""
        n, columns = new.answers.shape
        answers, made_by = np.zeros((n, columns), dtype=np.int32), np.zeros((n, columns), dtype=np.int32)
        days, again = (np.full((n, columns), NEVER, dtype=np.int32) for _ in range(2))
        has_row, lost = np.full(n, False), np.full(n, False)
        today = {name: i for i, name in enumerate(self.pinned.benefits_of(new.kind))}
        place = pl.DataFrame({ID: new.ids}).with_row_index("place")
        for sweep, found in standings.read(session, new.kind, new.ids, self.sweep.id).items():
            at = found.ids.to_frame(ID).join(place, on=ID, how="left", maintain_order="left")["place"].to_numpy()
            has_row[at] = True
            for i, (name, _) in enumerate(self._contents[sweep].get(new.kind, [])):
                if name in today:
                    answers[at, today[name]] = found.answers[:, i]
                    days[at, today[name]] = found.next_change[:, i]
                    again[at, today[name]] = found.look_again[:, i]
                    made_by[at, today[name]] = found.made_by[:, i]
                else:
                    lost[at] |= found.answers[:, i] != _NOT_YET
        return Standings(new.kind, new.ids, answers, days, made_by, again), has_row, lost

    def _count(self, session: Session, kind: str, answers: Codes, times: int, account: Account) -> None:
        """Count what came (or, with -1, what went)."""
        numbers, counts = np.unique(answers, return_counts=True)
        real = numbers != _NOT_YET
        numbers, counts = numbers[real], counts[real]
        eligible: list[int] = []
        words = self.ids.words(session, numbers.tolist())
        for number, count, answer in zip(numbers.tolist(), counts.tolist(), words, strict=True):
            account.count(kind, answer, times * count)
            if answer.outcome == Outcome.ELIGIBLE.value:
                eligible.append(number)
        account.eligible[kind] += times * int(np.isin(answers, eligible).any(axis=1).sum())


def read_facts(history: FactHistory, sweep: Sweep, pinned: Pinned, partition: Partition) -> Tables:
    """The facts of everybody that a chunk needs, as of the sweep's day and moment of knowledge.

    No others than the rules of the benefits asked for read.
    """
    plans = pinned.rulebook.in_force(sweep.on_date)
    facts = set(pinned.rulebook.vocabulary.subjects.links)
    for kind in partition.asked:
        wanted = partition.benefits.get(kind)
        for column, benefit in enumerate(pinned.benefits_of(kind)):
            if wanted is None or wanted[:, column].any():
                facts.update(plans[benefit].names)
    return history.as_of(sweep.on_date, sweep.known_at, kinds=list(partition.needed), ids=partition.needed, facts=facts)


def asked_answers(
    evaluator: BatchEvaluator, tables: Tables, partition: Partition, names: dict[str, list[str]]
) -> Iterator[tuple[str, str, Index, pl.DataFrame]]:
    """The answers that a chunk asks for: kind, benefit, which of the kind's subjects, and their answers in that order.

    Args:
        evaluator: of the sweep's rulebook and day.
        tables: facts of everybody whom the chunk needs.
        partition: the chunk.
        names: by kind of subject its benefits, in the order of stored answers.
    """
    order: dict[str, tuple[str, Index]] = {}
    chosen: dict[str, Mask] = {}
    for kind, ids in partition.asked.items():
        rows = _places(tables, kind, ids)
        for column, benefit in enumerate(names[kind]):
            wanted = partition.benefits.get(kind)
            places = np.arange(len(rows)) if wanted is None else np.flatnonzero(wanted[:, column])
            if len(places):
                chosen[benefit] = np.zeros(tables[kind].height, dtype=np.bool_)
                chosen[benefit][rows[places]] = True
                order[benefit] = kind, places[np.argsort(rows[places])]
    parts: dict[str, list[pl.DataFrame]] = {}
    for benefit, frame in evaluator.stream_some(tables, chosen):
        kind, places = order[benefit]
        got = parts.setdefault(benefit, [])
        got.append(frame)
        if sum(part.height for part in got) == len(places):
            whole = parts.pop(benefit)
            found = whole[0] if len(whole) == 1 else pl.concat(whole)
            yield kind, benefit, places, _doubted(evaluator, benefit, partition, places, found)


def _doubted(
    evaluator: BatchEvaluator, benefit: str, partition: Partition, places: Index, answers: pl.DataFrame
) -> pl.DataFrame:
    """Answers left open where it is not known who a subject's persons are.

    In the tables a household looks complete though somebody may belong to it whose link is disputed. What rests on its
    persons is then not known: the link is what is missing. Outside of the benefit's area nothing rests on them.
    """
    plan = evaluator.plans[benefit]
    chains = paths_of(benefit, evaluator.plans)
    ids = partition.in_doubt(plan.benefit.subject, chains)
    if ids is None:
        return answers
    open_now = partition.asked[plan.benefit.subject].gather(places).is_in(ids.implode())
    open_now &= ~pl.Series(does_not_apply(evaluator, benefit, answers))
    bits = sum(1 << plan.names.index(link) for link in links_of(chains, partition.links.subjects, plan.names))
    left_open = {
        "outcome": pl.lit(UNDETERMINED), "amount_low": pl.lit(0), "amount_high": pl.lit(None), "unmet": pl.lit(0),
        "missing": pl.col("missing") | pl.lit(bits, dtype=pl.UInt64),
    }  # fmt: skip
    return answers.with_columns(
        pl.when(open_now).then(value.cast(answers.schema[name])).otherwise(name).alias(name)
        for name, value in left_open.items()
    )


def _places(tables: Tables, kind: str, ids: pl.Series) -> npt.NDArray[np.int64]:
    """The rows of some subjects in a table.

    Raises:
        CountIdentityError: not each of them is there, once.
    """
    held = tables[kind].get_column(ID) if kind in tables else pl.Series(ID, [], dtype=pl.String)
    rows = pl.DataFrame({ID: held}).with_row_index("row")
    found = pl.DataFrame({ID: ids}).join(rows, on=ID, how="inner", maintain_order="left")["row"]
    if len(found) != len(ids):
        raise CountIdentityError(f"facts of a chunk, {kind}", len(ids), len(found), 0)
    return found.cast(pl.Int64).to_numpy()
