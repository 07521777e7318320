"""Caseworkers: one case after the other, two people, many cases at once, stops; and two who come at once."""

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis.stateful import rule
from sqlalchemy import Connection

from serving.casework import bulk, bulk_acts, bulk_preview, leases
from serving.casework.cases import Case, read_case
from serving.casework.citizen import objections, offers, wishes
from serving.casework.citizen.speaking import itself
from serving.casework.decisions import Decision, Judgement, agree_as_second, decide, proposal_of, return_to_author
from serving.casework.holding import keep_holds
from serving.casework.holds import Received
from serving.casework.moves import By
from serving.casework.notes import add_note
from serving.casework.review import Verdict, View, record_view, show_recommendation
from serving.casework.states import Actor
from serving.stops import buttons
from tests.at_random.city import one_of
from tests.at_random.ground import (
    DESK,
    OFFICERS,
    SEED,
    SUPERVISOR,
    WORDS,
    Ground,
)
from tests.cases_world import CLOCKS, SAID, seal
from tests.unit.features.events.worlds import death


class Officers(Ground):
    """What officers do."""

    @rule(seed=SEED)
    def an_officer_handles_a_case(self, seed: int) -> None:
        self.begin(seed)
        # Half of what is done to cases is done to those that somebody has in hand.
        in_hand = self.a_case("lease_holder IS NOT NULL") if self.rng.random() < 0.5 else None
        row, officer = in_hand or self.a_case(), self.an_officer()
        if row is None:
            return
        do = self.rng.choice(
            ["claim", "next", "renew", "release", "over", "elsewhere", "pause", "resume", "note", "view", "shown"]
        )
        number, stale = row["id"], self.is_stale()
        pauses = self.rng.choice(list(CLOCKS.pauses))

        def handle(connection: Connection) -> object:
            case = self.read(connection, number, stale)
            holder = case.lease_holder or officer
            ways: dict[str, Callable[[], object]] = {
                "claim": lambda: leases.claim(connection, case, officer, self.now),
                "next": lambda: leases.claim_next(connection, DESK, officer, self.now),
                "renew": lambda: leases.renew(connection, number, holder, self.now),
                "release": lambda: leases.release(connection, case, holder, self.now),
                "over": lambda: leases.take_over(connection, case, SUPERVISOR, self.now, officer),
                "elsewhere": lambda: leases.send_elsewhere(connection, case, "110102", holder, self.now),
                "pause": lambda: leases.pause(connection, case, pauses, holder, self.now, CLOCKS),
                "resume": lambda: leases.resume(connection, case, (Actor.OFFICER, holder), self.now, CLOCKS),
                "note": lambda: add_note(connection, number, holder, WORDS, seal, self.now),
                "view": lambda: record_view(connection, case, holder, View.UNSURE, self.now),
                "shown": lambda: show_recommendation(connection, case, holder, self.now),
            }
            return ways[do]()

        if do == "over":  # mostly nobody has it in hand any more
            self._take_up(number, officer)
        self.city.try_to(f"case: {do}", handle)

    @rule(seed=SEED)
    def an_officer_decides(self, seed: int) -> None:
        self.begin(seed)
        self._decide()

    @rule(seed=SEED)
    def another_officer_decides(self, seed: int) -> None:
        self.begin(seed)
        self._decide()

    def _decide(self) -> None:
        row, officer = self.a_case("state = 'open'"), self.an_officer()
        if row is None or not self._take_up(row["id"], officer):
            return
        verdict = self.rng.choice([*Verdict, *_OFTEN])
        amount = self.rng.choice([5_000, 15_000, 20_000]) if verdict in (Verdict.REDUCE, Verdict.RECLAIM) else None
        judgement = Judgement(verdict, "OTHER", WORDS, None, amount)
        if self.rng.random() < 0.1:
            judgement = replace(judgement, reason_code=None, words=None)
        stale = self.is_stale()

        def settle(connection: Connection) -> Decision:
            case = self.read(connection, row["id"], stale)
            return decide(connection, case, officer, judgement, seal, CLOCKS, self.now)

        self.city.try_to(f"decide: {verdict}", settle)

    @rule(seed=SEED)
    def a_second_officer_answers(self, seed: int) -> None:
        self.begin(seed)
        row, officer = self.a_case("state = 'proposed'"), self.an_officer()
        if row is None or not self._take_up(row["id"], officer):
            return
        agrees, stale = self.rng.random() < 0.75, self.is_stale()

        def answer(connection: Connection) -> Decision:
            case = self.read(connection, row["id"], stale)
            of = proposal_of(connection, case, officer)
            if agrees:
                return agree_as_second(connection, case, of, officer, self.now)
            return return_to_author(connection, case, of, officer, WORDS, seal, self.now)

        self.city.try_to("agree" if agrees else "return", answer)

    def _take_up(self, number: int, officer: str) -> bool:
        """Claim it and look at it, where it is not in hand already; two requests."""
        self.city.try_to(
            "claim", lambda connection: leases.claim(connection, read_case(connection, number), officer, self.now)
        )

        def look(connection: Connection) -> bool:
            record_view(connection, read_case(connection, number), officer, View.UNSURE, self.now)
            return True

        self.city.try_to("view", look)
        return True

    @rule(seed=SEED)
    def many_cases_at_once(self, seed: int) -> None:
        self.begin(seed)
        act = one_of(
            self.city, "SELECT id, officer, state FROM bulk_act WHERE state IN ('proposed', 'agreed') ORDER BY id"
        )
        officer, second = self.rng.sample(OFFICERS, 2)
        if act is None or self.rng.random() < 0.3:
            cases = [row["id"] for row in self.cases("state = 'open'")]
            verdict = self.rng.choice([Verdict.GRANT, Verdict.OFFER, Verdict.ASK])

            def propose(connection: Connection) -> bulk_acts.Bulk:
                seen = bulk_preview.preview(connection, cases, verdict, self.now)
                return bulk.propose_bulk(connection, seen, officer, self.rng, self.now)

            if cases:
                self.city.try_to("bulk: propose", propose)
            return
        self._go_on_with(act, second)

    def _go_on_with(self, act: dict[str, Any], second: str) -> None:
        do = self.rng.choice(["open", "open", "agree", "agree", "return", "undo", "carry out", "carry out"])
        if do == "carry out":
            self.city.now += dt.timedelta(minutes=31)
            self.city.run("bulk: carry out", lambda: bulk.carry_out_agreed(self.city.engine, self.now))
            return

        def go_on(connection: Connection) -> None:
            found = bulk_acts.read_bulk(connection, act["id"])
            if do == "open":
                for case in found.unopened:
                    bulk.open_singly(connection, found, case, act["officer"], self.now)
            elif do == "agree":
                bulk.agree_to_bulk(connection, found, second, self.now)
            elif do == "return":
                bulk.return_bulk(connection, found, second, self.now)
            else:
                bulk.undo_bulk(connection, found, second, self.now)

        self.city.try_to(f"bulk: {do}", go_on)

    @rule(seed=SEED)
    def a_stop_is_pressed_or_released(self, seed: int) -> None:
        self.begin(seed)
        pressed = self.city.rows("SELECT id FROM stop WHERE released_at IS NULL ORDER BY id")
        if pressed and self.rng.random() < 0.9:
            for row, officer in itertools.product(pressed, self.rng.choices(OFFICERS, k=2)):
                self._release_stop(row["id"], officer)
            return
        scope, name = self.rng.choice([
            (buttons.Scope.ALL, ""), (buttons.Scope.CHANNEL, "payment"), (buttons.Scope.BENEFIT, "dibao"),
        ])  # fmt: skip
        if self.rng.random() < 0.3:
            self.city.try_to(
                "trip", lambda connection: buttons.trip(connection, scope, name, "counts", "too many", self.now)
            )
        else:
            self.city.try_to("press stop", lambda connection: buttons.press(
                connection, scope, name, self.an_officer(), "it looks odd", self.now))  # fmt: skip

    def _release_stop(self, number: int, officer: str) -> None:
        self.city.try_to("release stop", lambda connection: buttons.release(connection, number, officer, self.now))

    @rule(seed=SEED)
    def two_at_once(self, seed: int) -> None:
        self.begin(seed)
        row = self.an_entitlement()
        if row is None:
            return
        one, other = self.rng.sample(self._works(row), 2)
        self.city.both_at_once(f"two at once: {one[0]}, {other[0]}", one[1], other[1])

    def _works(self, row: dict[str, Any]) -> list[tuple[str, Callable[[Connection], object]]]:
        """Requests about one entitlement, each of which would be right by itself."""
        voice, number, revision, now = itself(row["subject"]), row["id"], row["revision"], self.now
        keys = [self.a_key() for _ in range(4)]
        works: list[tuple[str, Callable[[Connection], object]]] = [
            ("confirm", lambda c: offers.confirm(c, voice, number, revision, keys[0], now)),
            ("refuse", lambda c: offers.refuse(c, voice, number, revision, keys[1], now)),
            ("person", lambda c: offers.ask_for_person(c, voice, number, keys[2], now, decide=True)),
            ("object", lambda c: objections.object_to(c, voice, number, revision, SAID, keys[3], now)),
            (
                "wish",
                lambda c: wishes.want_human(c, ("person", row["subject"]), By(Actor.CITIZEN, row["subject"]), now),
            ),
            (
                "event",
                lambda c: keep_holds(
                    c, [Received(death(person=row["subject"], id="two"), now)], [("person", row["subject"])], now
                ),
            ),
        ]
        cases = self.cases("entitlement = %(e)s", e=number)
        for officer, case in zip(self.rng.sample(OFFICERS, len(cases[:2])), cases, strict=False):

            def take(c: Connection, by: str = officer, it: int = case["id"]) -> Case:
                return leases.claim(c, read_case(c, it), by, now)

            works.append(("claim", take))
        return works


_OFTEN = [Verdict.GRANT, Verdict.GRANT, Verdict.KEEP, Verdict.OFFER, Verdict.CLOSE, Verdict.CLOSE]
