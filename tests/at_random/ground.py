"""What every part of the machine stands on: a city, its people, chance, and what is looked at after each step.

Each rule draws one number, and chance within it follows from that: a run is the same each time, however long it is.
"""

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import Connection

from serving.casework.cases import Case, read_case
from serving.casework.citizen.offering import Terms, Unanswered, Wait
from serving.casework.citizen.speaking import How, Speaker, TakenDown, Voice, itself
from serving.casework.holds import Received
from serving.casework.queues import Desk
from serving.ledger import sealing
from serving.store.server import EmbeddedServer
from tests.at_random.city import City, one_of
from tests.at_random.invariants import BrokenPromiseError, check, check_effects
from tests.cases_world import DISTRICT

PEOPLE = [f"p{number}" for number in range(1, 13)]
HELPERS = ["q1", "q2"]
OFFICERS = [f"officer-{name}" for name in ("ann", "ben", "cai", "dot", "eli", "fay", "gus", "hua")]
SUPERVISOR = "supervisor-sue"
DESK = Desk(frozenset({DISTRICT, "110102"}))
ZONE = ZoneInfo("Asia/Shanghai")
BENEFITS = {
    "advanced_age_allowance": Terms(),
    "dibao": Terms(public_notice_days=7),
    "bus_pass": Terms(unanswered=Unanswered.LAPSES),
    "birth_grant": Terms(unanswered=Unanswered.DELIVERS, public_notice_days=3),
}
WAIT = Wait(lambda benefit: BENEFITS[benefit], ZONE)
LAPSE = [benefit for benefit, terms in BENEFITS.items() if terms.unanswered is Unanswered.LAPSES]
PERIODS = ["2026-03", "2026-04", "2026"]
SPANS = [
    dt.timedelta(minutes=3), dt.timedelta(minutes=20), dt.timedelta(hours=5), dt.timedelta(days=1),
    dt.timedelta(days=9), dt.timedelta(days=35), dt.timedelta(days=100),
]  # fmt: skip
WORDS = "I looked at the paper record, and it says otherwise."
SEED = st.integers(0, 2**24)
_ENTITLEMENT = "SELECT * FROM entitlement WHERE {where} ORDER BY id"
_CASE = "SELECT * FROM case_file WHERE state <> 'closed' AND {where} ORDER BY id"


class Ground(RuleBasedStateMachine):
    """One city, as long as an example lasts."""

    server: ClassVar[EmbeddedServer]
    came_to: ClassVar[Counter[tuple[str, str]]] = Counter()
    steps: ClassVar[int] = 0
    server_kills_per_step: ClassVar[float] = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.city = City(self.server, self.came_to)
        self.swept: set[tuple[str, str, str]] = set()
        self.received: list[Received] = []
        self.asked: list[tuple[Callable[[Connection], object], object]] = []
        self.keys = 0

    def teardown(self) -> None:
        self.city.close()

    @property
    def rng(self) -> random.Random:
        return self.city.rng

    @property
    def now(self) -> dt.datetime:
        return self.city.now

    def begin(self, seed: int) -> None:
        """What chance decides in a step follows from its seed; a moment passes."""
        # All that was drawn so far enters: Hypothesis likes to repeat numbers, and a step is not to repeat with them.
        self.city.rng = random.Random(f"{self.city.rng.getrandbits(64)}|{seed}")
        self.city.now += dt.timedelta(seconds=1)
        if self.rng.random() < self.server_kills_per_step:
            self.city.kill_server()
            self.came_to["server", "killed"] += 1

    @invariant()
    def everything_holds(self) -> None:
        type(self).steps += 1
        check(self.city.watching, LAPSE, len(self.swept))
        check_effects(self.city.watching, [self.city.money.effects, self.city.notices.effects])
        if wrongly := self.city.money.wrongly + self.city.notices.wrongly:
            raise BrokenPromiseError(f"G8, I2: {wrongly}")

    def seal_leaves(self) -> None:
        """The appender does its work."""
        self.city.try_to("seal", sealing.seal)

    def entitlements(self, where: str, **parameters: object) -> list[dict[str, Any]]:
        """Those of which something is so."""
        return self.city.rows(_ENTITLEMENT.format(where=where), **parameters)

    def cases(self, where: str = "true", **parameters: object) -> list[dict[str, Any]]:
        """Those that are not closed."""
        return self.city.rows(_CASE.format(where=where), **parameters)

    def an_entitlement(self, where: str = "true") -> dict[str, Any] | None:
        """One at random."""
        return one_of(self.city, _ENTITLEMENT.format(where=where))

    def a_case(self, where: str = "true") -> dict[str, Any] | None:
        """One at random that is not closed."""
        return one_of(self.city, _CASE.format(where=where))

    def an_officer(self) -> str:
        """Any."""
        return self.rng.choice(OFFICERS)

    def a_key(self) -> str:
        """Of a request, like no other."""
        self.keys += 1
        return f"request-{self.keys}"

    def is_stale(self) -> bool:
        """Did whoever acts read it too early?"""
        return self.rng.random() < 0.08

    def read(self, connection: Connection, number: int, stale: bool) -> Case:
        """A case; one as it was before its last change, where somebody read it too early."""
        case = read_case(connection, number)
        return replace(case, revision=case.revision - 1) if stale else case

    def revision(self, row: dict[str, Any]) -> int:
        """As it was shown; now and then as it was before."""
        return int(row["revision"]) - (1 if self.is_stale() else 0)

    def a_voice(self, row: dict[str, Any]) -> Voice:
        """Mostly whose it is; a helper, an officer who takes it down; now and then somebody else."""
        chance = self.rng.random()
        if chance < 0.65:
            return itself(row["subject"])
        if chance < 0.8:
            return Speaker(self.rng.choice(HELPERS), frozenset())
        if chance < 0.95:
            return TakenDown(self.an_officer(), (row["kind"], row["subject"]), How.PHONE)
        return itself(self.rng.choice(PEOPLE))

    def ask(self, what: str, request: Callable[[Connection], object]) -> None:
        """A request that may come again."""
        answer = self.city.try_to(what, request)
        if answer is not None:
            self.asked.append((request, answer))
