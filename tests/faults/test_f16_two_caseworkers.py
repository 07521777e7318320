"""Fault 16: two caseworkers work on one case, in any order, while time passes; a model says what each must be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine

from serving.casework.cases import Case, read_case
from serving.casework.errors import CaseworkError, ConflictError, NotAllowedError
from serving.casework.leases import LEASE, claim, release, renew, take_over
from serving.casework.notes import add_note, notes_of
from serving.store.server import EmbeddedServer
from tests.cases_world import ANN, BEN, a_case, seal, unseal
from tests.casework_world import MORNING, casework_database

OFFICERS = st.sampled_from((ANN, BEN))
QUICK = settings(max_examples=15, stateful_step_count=25, deadline=None, derandomize=True,
                 suppress_health_check=list(HealthCheck))  # fmt: skip
LONG = settings(QUICK, max_examples=400, stateful_step_count=60)


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


class TwoCaseworkers(RuleBasedStateMachine):
    """Each looks at the case when they like, and acts upon what they saw, in a session of their own."""

    engine: Engine

    @initialize()
    def open(self) -> None:
        self.now = MORNING
        with self.engine.begin() as connection:
            self.case = a_case(connection).id
            read = read_case(connection, self.case)
        self.seen: dict[str, Case] = {ANN: read, BEN: read}
        self.revision, self.holder, self.until = 0, "", MORNING
        self.notes: list[tuple[str, str]] = []
        self.told_rightly = True

    @rule(minutes=st.sampled_from((1, 5, 14, 15, 16, 40)))
    def time_passes(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    @rule(who=OFFICERS)
    def looks(self, who: str) -> None:
        with self.engine.begin() as connection:
            self.seen[who] = read_case(connection, self.case)

    @rule(who=OFFICERS)
    def claims(self, who: str) -> None:
        free = not self._held() or self.holder == who
        if self._tried(who, free, lambda connection: claim(connection, self.seen[who], who, self.now)):
            self.holder, self.until = who, self.now + LEASE

    @rule(who=OFFICERS)
    def releases(self, who: str) -> None:
        mine = self._held() and self.holder == who
        if self._tried(who, mine, lambda connection: release(connection, self.seen[who], who, self.now)):
            self.holder, self.until = "", self.now

    @rule(who=OFFICERS)
    def takes_over(self, who: str) -> None:
        if self._tried(who, self._held(), lambda connection: take_over(connection, self.seen[who], who, self.now)):
            self.holder, self.until = who, self.now + LEASE

    @rule(who=OFFICERS)
    def goes_on(self, who: str) -> None:
        mine = self._held() and self.holder == who
        try:
            with self.engine.begin() as connection:
                self.seen[who] = renew(connection, self.case, who, self.now)
        except NotAllowedError:
            assert not mine
        else:
            assert mine
            self.revision, self.until = self.revision + 1, self.now + LEASE

    @rule(who=OFFICERS, words=st.text(min_size=1, max_size=40).filter(lambda words: bool(words.strip())))
    def notes_down(self, who: str, words: str) -> None:
        with self.engine.begin() as connection:
            add_note(connection, self.case, who, words, seal, self.now)
        self.notes.append((who, words))
        if self._held() and self.holder == who:
            self.revision, self.until = self.revision + 1, self.now + LEASE

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "case"):
            return
        assert self.told_rightly
        with self.engine.begin() as connection:
            case = read_case(connection, self.case)
            assert case.revision == self.revision
            assert case.is_in_hand(self.now) == self._held()
            if self._held():
                assert (case.lease_holder, case.lease_until) == (self.holder, self.until)
            assert [(note.author, note.text) for note in notes_of(connection, self.case, unseal)] == self.notes

    def _held(self) -> bool:
        return bool(self.holder) and self.now < self.until

    def _tried(self, who: str, allowed: bool, act: Any) -> bool:  # noqa: ANN401 (whatever an act gives back)
        """Did it work? It must, where nothing changed since they looked and the lease allows it; and only there."""
        stale = self.seen[who].revision != self.revision
        try:
            with self.engine.begin() as connection:
                self.seen[who] = act(connection)
        except ConflictError as error:
            told = [change.revision for change in error.changes]
            self.told_rightly &= stale and told == list(range(self.seen[who].revision + 1, self.revision + 1))
            return False
        except CaseworkError:
            assert not stale
            assert not allowed
            return False
        assert allowed
        assert not stale
        self.revision += 1
        return True


def machine(engine: Engine) -> type[TwoCaseworkers]:
    return type("Two", (TwoCaseworkers,), {"engine": engine})


def test_one_is_told_and_no_note_is_lost(engine: Engine) -> None:
    run_state_machine_as_test(machine(engine), settings=QUICK)


@pytest.mark.long
def test_one_is_told_and_no_note_is_lost_in_many_orders(engine: Engine) -> None:
    run_state_machine_as_test(machine(engine), settings=LONG)


def test_a_lease_ends_after_a_quarter_of_an_hour_without_work(engine: Engine) -> None:
    with engine.begin() as connection:
        case = claim(connection, a_case(connection, subject="idle"), ANN, MORNING)
        almost, over = MORNING + LEASE - dt.timedelta(seconds=1), MORNING + LEASE
        with pytest.raises(NotAllowedError):
            claim(connection, case, BEN, almost)
        assert claim(connection, case, BEN, over).lease_holder == BEN
