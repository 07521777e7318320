"""The sweep: begin or go on, plan, start workers and watch over them, check the counts, complete."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg.errors import DiskFull

from rules.catalogue import Catalogue
from serving import log
from serving.store import chunks, sweeps
from serving.store.database import LOST, connect
from serving.store.errors import DatabaseFullError
from serving.store.migrate import migrate
from serving.store.server import Server
from serving.store.sweeps import Sweep
from serving.sweep.account import Account, Check
from serving.sweep.crew import Crew, Processes
from serving.sweep.errors import CountIdentityError, SweepBackwardsError, SweepBusyError, SweepError
from serving.sweep.facts import FactSource
from serving.sweep.partitions import subject_at
from serving.sweep.planning import CHUNK_SUBJECTS, plan_sweep
from serving.sweep.rulebooks import Pinned, load_pinned, pin
from serving.sweep.worker import Orders, Turn, sweep_folder

PARTS = 16
"""Into so many parts a chunk is taken apart over which workers died."""
MOST_DEAD = 50
"""More subjects than these that cannot be answered are no accident of single records: the sweep stops."""
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sweep is run; none of it changes an answer."""

    workers: int = 2
    chunk_subjects: int = CHUNK_SUBJECTS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sweep came to. `dead` are the subjects that could not be answered; `was_done`: there was nothing to do."""

    sweep: Sweep
    looked_at: int
    written: int
    determinations: int
    dead: tuple[tuple[str, str], ...]
    failures: tuple[str, ...]
    was_done: bool
    account: Account


Watch = Callable[[str, int, int], None]
"""Is told the sweep's phase, how many subjects are done, of how many."""


Guard = Callable[[Sweep], Check | None]
"""Looks whether a sweep's answers may be of automatic grade, before it is complete."""


class Sweeper:
    """Runs sweeps over one database.

    Args:
        server: the database's.
        home: $APPLYFREE_HOME: rulebooks and chunks are kept below it.
        source: the facts.
        how: numbers that change no answer.
        now: the clock.
        watch: is told of progress.
        crew: who answers the chunks; processes of this machine, by default.
        guard: is asked once before each sweep is completed; what it finds stands in the sweep's account.
    """

    def __init__(
        self,
        server: Server,
        home: Path,
        source: FactSource,
        how: Settings,
        now: Callable[[], dt.datetime],
        watch: Watch = lambda _phase, _done, _total: None,
        crew: Crew | None = None,
        guard: Guard = lambda _sweep: None,
    ) -> None:
        self.server, self.home, self.source, self.how = server, home, source, how
        self.now, self.watch, self.guard = now, watch, guard
        self.crew: Crew = crew or Processes(how.workers)
        self._session = connect(server.url, remedy=server.ensure_running)
        migrate(self._session)

    def close(self) -> None:
        """Let go of the database."""
        self._session.close()

    def run(
        self, catalogue: Catalogue, on_date: dt.date, *, full: bool = False, known_at: dt.datetime | None = None
    ) -> Outcome:
        """Sweep: first finish what was left unfinished, then what is asked for.

        Args:
            catalogue: the rules; pinned when the sweep begins.
            on_date: the day of the answers.
            full: look at everybody; the first sweep does anyhow.
            known_at: what was learned later does not count. Now, by default.

        Raises:
            SweepBusyError: another process sweeps this database.
            SweepBackwardsError: an earlier day, or less knowledge, than the last sweep.
            CountIdentityError: subjects went in and did not come out.
            DatabaseFullError: the database has no room; what was answered stays, the same call goes on from there.
        """
        if not sweeps.take_sweep_lock(self._session):
            left = sweeps.unfinished(self._session)
            raise SweepBusyError(None if left is None else left.id)
        left = sweeps.unfinished(self._session)
        if left is not None:
            self._finish(left, load_pinned(self.home, left.rulebook))
        pinned = pin(self.home, catalogue)
        moment = known_at or self.now()
        sweep = self._begun(pinned, on_date, moment, full=full)
        if sweep.state == sweeps.COMPLETE:
            return self._outcome(sweep, was_done=left is None or left.id != sweep.id)
        # Another process may have begun the same sweep: then it is pinned to the same content.
        return self._finish(sweep, pinned)

    # -- begin ---------------------------------------------------------------------------------------------------

    def _begun(self, pinned: Pinned, on_date: dt.date, known_at: dt.datetime, *, full: bool) -> Sweep:
        rulebook = pinned.rulebook
        other = sweeps.other_jurisdiction(self._session, rulebook.jurisdiction)
        if other is not None:
            raise SweepError(
                f"This database holds the sweeps of `{other}`, not of `{rulebook.jurisdiction}`. "
                "Use another $APPLYFREE_HOME, or another APPLYFREE_DATABASE_URL."
            )
        last = sweeps.last_complete(self._session)
        asked = Sweep(
            0, rulebook.jurisdiction, on_date, known_at, rulebook.content_hash, full or last is None,
            None if last is None else last.id, sweeps.PLANNING, None, None, None,
        )  # fmt: skip
        if last is not None:
            if _is_same(last, asked) and (last.is_full or not full):
                return last
            if on_date < last.on_date:
                raise SweepBackwardsError("the day", on_date, last.on_date)
            if known_at < last.known_at:
                raise SweepBackwardsError("what was known at", known_at, last.known_at)
        sweeps.keep_rulebook(self._session, rulebook.content_hash, rulebook.jurisdiction, pinned.contents)
        try:
            return sweeps.begin(self._session, asked, self.now())
        except psycopg.errors.UniqueViolation:
            same = [
                sweep
                for sweep in sweeps.all_sweeps(self._session)
                if _is_same(sweep, asked) and sweep.base == asked.base
            ]
            if not same:
                raise SweepBusyError(None) from None
            return same[-1]

    # -- run -----------------------------------------------------------------------------------------------------

    def _finish(self, sweep: Sweep, pinned: Pinned) -> Outcome:
        """Bring a sweep from wherever it stands to its end."""
        started = time.perf_counter()
        log.info("sweep_begun", sweep=sweep.id, base=sweep.base, on_date=sweep.on_date, full=sweep.is_full)
        folder = sweep_folder(self.home, sweep.id)
        if sweep.state == sweeps.PLANNING:
            self.watch("planning", 0, 0)
            history = self.source.open(pinned.rulebook.vocabulary)
            history.answer_until(sweep.known_at)
            while sweep.state == sweeps.PLANNING:
                try:
                    plan_sweep(self._session, sweep, pinned, history, folder, self.how.chunk_subjects)
                    sweep = self._reread(sweep)
                except LOST:
                    self._reconnect()
            del history  # the workers open their own
        self._run_workers(sweep, pinned)
        self._complete(sweep)
        shutil.rmtree(folder, ignore_errors=True)
        outcome = self._outcome(self._reread(sweep), was_done=False)
        log.info(
            "sweep_done", sweep=sweep.id, population=outcome.sweep.population, looked_at=outcome.looked_at,
            written=outcome.written, determinations=outcome.determinations, dead=len(outcome.dead),
            seconds=time.perf_counter() - started,
        )  # fmt: skip
        return outcome

    def _run_workers(self, sweep: Sweep, pinned: Pinned) -> None:
        """Keep workers at work until no chunk is open."""
        orders = Orders(self.server.url, self.home, sweep.id, self.source, pinned)
        try:
            while True:
                try:
                    at = chunks.progress(self._session, sweep.id)
                    self.watch("sweeping", at.answered, sweep.subjects or 0)
                    if not at.open_chunks:
                        return
                    self._take_apart(sweep)
                except DiskFull:
                    raise DatabaseFullError from None
                except LOST:
                    self._reconnect()
                    continue
                if self.crew.stopped_over(Turn.DISK_FULL):
                    raise DatabaseFullError
                if self.crew.stopped_over(Turn.COUNTS_DIFFER):
                    raise SweepError(" ".join(chunks.failures(self._session, sweep.id)))
                self.crew.tend(orders, at)
                time.sleep(_LOOK_SECONDS)
        finally:
            self.crew.stop()

    def _take_apart(self, sweep: Sweep) -> None:
        """Isolate what kills workers: halve and halve again, until single subjects are left, and name those."""
        for chunk in chunks.worn_out(self._session, sweep.id):
            if chunk.subjects == 1:
                kind, subject = subject_at(sweep_folder(self.home, sweep.id) / chunk.file, chunk.first_row)
                chunks.bury(self._session, chunk, kind, subject)
                continue
            size = -(-chunk.subjects // PARTS)
            starts = range(chunk.first_row, chunk.first_row + chunk.subjects, size)
            end = chunk.first_row + chunk.subjects
            chunks.split(self._session, chunk, [(start, min(size, end - start)) for start in starts])
        dead = chunks.progress(self._session, sweep.id).dead
        if dead > MOST_DEAD:
            said = "; ".join(chunks.failures(self._session, sweep.id))
            raise SweepError(
                f"{dead:,} subjects could not be answered, so this is not about single records: the sweep {sweep.id} "
                f"stopped. Workers said: {said or 'nothing (they were killed)'}. Run it again when the cause is found."
            )

    def _reconnect(self) -> None:
        """The server went away: start it where it is ours, connect again, and be the one who sweeps again."""
        self._session.close()
        self._session = connect(self.server.url, remedy=self.server.ensure_running)
        while not sweeps.take_sweep_lock(self._session):
            time.sleep(_LOOK_SECONDS)

    # -- end -----------------------------------------------------------------------------------------------------

    def _complete(self, sweep: Sweep) -> None:
        """Check every count, add up what was found, and close the sweep."""
        check = self.guard(sweep)
        while True:
            try:
                self._check_counts(sweep)
                account = Account(check=check)
                for stored in chunks.accounts(self._session, sweep.id):
                    account.add(Account.read(stored))
                if not sweep.is_full:
                    base = sweeps.sweep_of(self._session, sweep.base or 0)
                    account.add(Account.read(None if base is None else base.account))
                sweeps.complete(self._session, sweep.id, account.stored(), self.now())
            except LOST:
                self._reconnect()
                if self._reread(sweep).state == sweeps.COMPLETE:
                    return
            else:
                return

    def _check_counts(self, sweep: Sweep) -> None:
        """Subjects in = answered + quarantined; and what is said to be written is there."""
        at = chunks.progress(self._session, sweep.id)
        where = f"sweep {sweep.id}"
        if sweep.subjects != at.planned or at.planned != at.answered + at.dead:
            raise CountIdentityError(where, sweep.subjects or 0, at.answered, at.dead)
        there = sweeps.rows_written(self._session, sweep.id)
        if at.written + at.same != at.answered or there != at.written:
            raise CountIdentityError(f"{where}, rows written", at.written, there, 0)

    def _reread(self, sweep: Sweep) -> Sweep:
        return sweeps.sweep_of(self._session, sweep.id) or replace(sweep)

    def _outcome(self, sweep: Sweep, *, was_done: bool) -> Outcome:
        at = chunks.progress(self._session, sweep.id)
        dead = tuple((str(kind), str(subject)) for kind, subject in sweeps.dead_letters(self._session, sweep.id).rows())
        failures = tuple(chunks.failures(self._session, sweep.id)) if dead else ()
        account = Account.read(sweep.account)
        return Outcome(sweep, sweep.subjects or 0, at.written, at.determinations, dead, failures, was_done, account)


def _is_same(sweep: Sweep, asked: Sweep) -> bool:
    return (sweep.jurisdiction, sweep.on_date, sweep.known_at, sweep.rulebook) == (
        asked.jurisdiction, asked.on_date, asked.known_at, asked.rulebook,
    )  # fmt: skip
