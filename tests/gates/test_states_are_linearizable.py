"""Every entitlement is a register (the Jepsen-like check of gates.md).

Workers read and move a few entitlements at once. Each call is logged with when it began and ended, and afterwards some
order of all calls, in which none overtakes one that had ended before it began, must explain every answer. A state
carries the number of its revision, so that the order needs no search: it is the revisions'.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, Engine, text

from serving.casework.citizen.objections import object_to
from serving.casework.citizen.offers import ask_for_person, confirm, refuse
from serving.casework.citizen.speaking import itself
from serving.casework.errors import CaseworkError, ConflictError
from serving.casework.moves import read_entitlement
from serving.casework.states import State
from tests.cases_world import SAID
from tests.casework_world import MORNING, an_entitlement, moved

ME = itself("p1")
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Call:
    """One call: of which entitlement, when it began and ended, the revisions before and after it, the state then."""

    of: int
    begun: float
    ended: float
    before: int
    after: int
    state: str

    @property
    def wrote(self) -> bool:
        return self.after > self.before


def work(engine: Engine, numbers: list[int], seed: int, calls: int, log: list[Call], refused: list[str]) -> None:
    """One worker: reads, then asks for what it saw, as often as it is told."""
    rng = random.Random(seed)
    for call in range(calls):
        number, begun = rng.choice(numbers), time.perf_counter()
        with engine.begin() as connection:
            seen = read_entitlement(connection, number)
        log.append(Call(number, begun, time.perf_counter(), seen.revision, seen.revision, seen.state))
        key, begun = f"request-{seed}-{call}", time.perf_counter()
        asks: list[Callable[[Connection], dict[str, object]]] = [
            lambda c: confirm(c, ME, number, seen.revision, key, MORNING),  # noqa: B023 (called in this turn)
            lambda c: refuse(c, ME, number, seen.revision, key, MORNING),  # noqa: B023
            lambda c: refuse(c, ME, number, seen.revision, key, MORNING),  # noqa: B023
        ]
        if rng.random() < 0.02:
            asks = [
                lambda c: object_to(c, ME, number, seen.revision, SAID, key, MORNING),  # noqa: B023
                lambda c: ask_for_person(c, ME, number, key, MORNING, decide=False),  # noqa: B023
            ]
        chosen = rng.choice(asks)
        # Asking for a person moves nothing and answers with whatever stands: it is a read, whatever was seen before.
        reads = len(asks) == 2 and chosen is asks[1]
        try:
            with engine.begin() as connection:
                answer = chosen(connection)
        except CaseworkError as error:
            refused.append(type(error).__name__)
            continue
        after, state = answer["revision"], answer["state"]
        assert isinstance(after, int)
        before = after if reads or after <= seen.revision else seen.revision
        log.append(Call(number, begun, time.perf_counter(), before, after, str(state)))


def check_register(calls: list[Call], states: dict[int, str], first: int) -> None:
    """All calls about one entitlement, against the state after each of its revisions."""
    at = first
    for one in sorted((call for call in calls if call.wrote), key=lambda call: call.after):
        assert one.before == at, f"a write from revision {one.before} was taken at {at}"
        at = one.after
    assert at == max(states), "a revision that nobody wrote"
    assert all(call.state == states[call.after] for call in calls), "a state that the revision never had"
    latest, ended = 0, sorted(calls, key=lambda call: call.ended)
    done = iter(ended)
    following = next(done, None)
    for call in sorted(calls, key=lambda call: call.begun):
        while following is not None and following.ended < call.begun:
            latest, following = max(latest, following.after), next(done, None)
        assert call.before >= latest, f"revision {latest} had been answered before a call began that saw {call.before}"


def drive(engine: Engine, calls: int) -> None:
    with engine.begin() as connection:
        numbers = [
            moved(connection, an_entitlement(connection, period=f"2026-0{n}"), State.OFFERED).id for n in range(1, 7)
        ]
    log: list[Call] = []
    refused: list[str] = []
    failed: list[BaseException] = []

    def careful(seed: int) -> None:
        try:
            work(engine, numbers, seed, calls // WORKERS, log, refused)
        except BaseException as error:  # noqa: BLE001 it is raised again in the thread of the test
            failed.append(error)

    threads = [threading.Thread(target=careful, args=(seed,)) for seed in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    assert ConflictError.__name__ in refused, "nobody ever met anybody: it proves nothing"
    for number in numbers:
        with engine.connect() as connection:
            rows = connection.execute(
                text("SELECT revision, to_state FROM move WHERE entitlement = :e"), {"e": number}
            ).all()
        check_register([call for call in log if call.of == number], {int(r): str(s) for r, s in rows}, 1)


def test_every_entitlement_is_a_register(engine: Engine) -> None:
    drive(engine, 400)


@pytest.mark.long
def test_every_entitlement_is_a_register_for_thousands_of_calls(engine: Engine) -> None:
    drive(engine, 8_000)


def test_the_check_finds_what_is_not_a_register() -> None:
    states = {1: "offered", 2: "confirmed", 3: "refused"}
    write, other = Call(1, 1.0, 2.0, 1, 2, "confirmed"), Call(1, 3.0, 4.0, 2, 3, "refused")
    check_register([write, other, Call(1, 3.5, 3.6, 2, 2, "confirmed")], states, 1)
    with pytest.raises(AssertionError, match="had been answered"):
        check_register([write, other, Call(1, 5.0, 6.0, 2, 2, "confirmed")], states, 1)
    with pytest.raises(AssertionError, match="was taken at"):
        check_register([write, Call(1, 1.5, 2.0, 1, 3, "refused")], states, 1)
    with pytest.raises(AssertionError, match="never had"):
        check_register([write, other, Call(1, 5.0, 6.0, 3, 3, "paid")], states, 1)
