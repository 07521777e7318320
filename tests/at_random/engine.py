"""The machine and the world around it: sweeps, time, senders, the bank, the appender, events, stops."""

import datetime as dt
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from rules.determination import Outcome
from serving.casework.cases import Subject, open_case
from serving.casework.citizen.waiting import pass_time
from serving.casework.clocks import Kind
from serving.casework.escalation import escalate
from serving.casework.holding import ChangedAnswer, ask_whether_still_entitled, keep_holds, release
from serving.casework.holds import HoldCode, Received, SharedGrant
from serving.casework.moves import By, make_move, read_entitlement
from serving.casework.states import Actor, State
from serving.day.entitling import Terms
from serving.day.steps import Going, take_first_steps
from serving.outbox.sending import Manner, Sender
from serving.outbox.settling import Finding, settle_by_hand
from serving.store.tables.casework import entitlement
from tests.at_random.city import one_of
from tests.at_random.ground import (
    BENEFITS,
    LAPSE,
    PEOPLE,
    PERIODS,
    SEED,
    SPANS,
    WAIT,
    Ground,
)
from tests.at_random.invariants import check_clocks, check_waiting
from tests.cases_world import CLOCKS, DISTRICT
from tests.unit.features.events.worlds import death, event


class TheEngine(Ground):
    """What happens by itself."""

    @initialize(seed=SEED)
    def first_sweep(self, seed: int) -> None:
        self.begin(seed)
        for _ in range(3):
            self._find(self.rng.randint(2, 4))

    @rule(seed=SEED)
    def a_sweep_finds(self, seed: int) -> None:
        self.begin(seed)
        self._find(self.rng.randint(1, 3))

    def _find(self, many: int) -> None:
        rows = [self._found() for _ in range(many)]

        def note(connection: Connection) -> bool:
            for row in rows:
                connection.execute(insert(entitlement).values(row).on_conflict_do_nothing())
            return True

        if self.city.try_to("find", note):
            self.swept |= {(row["subject"], row["benefit"], row["period"]) for row in rows}

    def _found(self) -> dict[str, Any]:
        tier = self.rng.choice(["automatic", "automatic", "confirm", "confirm", "ask", "review"])
        over_cap = tier != "automatic" and self.rng.random() < 0.2
        return {
            "kind": "person", "subject": self.rng.choice(PEOPLE), "benefit": self.rng.choice(list(BENEFITS)),
            "version": "2019-10-01", "period": self.rng.choice(PERIODS), "unit": "CNY", "amount_minor": 20_000,
            "over_cap": over_cap, "sweep": 1, "tier": tier, "reasons": [], "district": DISTRICT,
            "detected_at": self.now,
        }  # fmt: skip

    @rule(seed=SEED)
    def the_day_begins(self, seed: int) -> None:
        self.begin(seed)
        self._first_steps()

    def _first_steps(self) -> None:
        notice_until = {
            name: self.now + dt.timedelta(days=terms.public_notice_days)
            for name, terms in BENEFITS.items()
            if terms.public_notice_days
        }
        remind_at = dict.fromkeys(BENEFITS, self.now + dt.timedelta(days=10))
        kinds = (Kind.REVIEW, Kind.AUTOMATION_REFUSED)
        cases = {kind: (CLOCKS.due(kind, self.now), CLOCKS.first_touch_due(kind, self.now)) for kind in kinds}
        terms = Terms({}, notice_until, remind_at, cases, {}, {})
        going = Going(self.rng.random() < 0.9)
        self.city.run("first steps", lambda: take_first_steps(self.city.engine, terms, self.now, going))

    @rule(seed=SEED, span=st.sampled_from(SPANS))
    def the_clock_moves_on(self, seed: int, span: dt.timedelta) -> None:
        self.begin(seed)
        self.city.now += span * self.rng.random()
        self.seal_leaves()

    @rule(seed=SEED)
    def time_brings_about(self, seed: int) -> None:
        self.begin(seed)
        self._pass_time()

    def _pass_time(self) -> None:
        if self.city.run("pass time", lambda: pass_time(self.city.engine, self.now, WAIT)) is not None:
            check_waiting(self.city.watching, LAPSE, self.now)

    @rule(seed=SEED)
    def a_day_goes_by(self, seed: int) -> None:
        self.begin(seed)
        self._first_steps()
        self._pass_time()
        self.seal_leaves()
        self._send()
        self.the_money_moves()
        self.city.now += dt.timedelta(days=self.rng.choice([1, 1, 4]))
        self.seal_leaves()

    @rule(seed=SEED)
    def what_is_late_is_escalated(self, seed: int) -> None:
        self.begin(seed)
        done = self.city.run("escalate", lambda: (escalate(self.city.engine, CLOCKS, self.now), True))
        if done is not None:
            check_clocks(self.city.watching, self.now)

    @rule(seed=SEED)
    def a_batch_is_sent(self, seed: int) -> None:
        self.begin(seed)
        if self.rng.random() < 0.8:
            self.seal_leaves()
        self._send()

    def _send(self) -> None:
        sender = Sender(self.city.engine, [self.city.money, self.city.notices], lambda: self.now, self.rng, Manner())
        for _ in range(self.rng.randint(1, 3)):
            self.city.run("send", sender.run_once)
            self.city.now += dt.timedelta(minutes=self.rng.choice([0, 1, 3]))

    @rule(seed=SEED)
    def the_appender_seals(self, seed: int) -> None:
        self.begin(seed)
        self.seal_leaves()

    @rule(seed=SEED)
    def the_bank_answers(self, seed: int) -> None:
        self.begin(seed)
        self.the_money_moves()

    def the_money_moves(self) -> None:
        """Each on its own: handed over, arrived or come back, watched."""
        for row in self.city.rows(_BANK):
            if self.rng.random() < 0.5:
                self._bank_says(row)

    def _bank_says(self, row: dict[str, Any]) -> None:
        after = {"approved": State.SUBMITTED, "submitted": self.rng.choice([State.PAID, State.PAID, State.RETURNED]),
                 "paid": State.MONITORED}[row["state"]]  # fmt: skip

        def answer(connection: Connection) -> None:
            of = make_move(
                connection, read_entitlement(connection, row["id"]), after, By(Actor.SYSTEM, "bank"), self.now
            )
            if after is State.RETURNED:
                about = Subject(of.kind, of.subject, of.district, of.benefit, of.id)
                why = [{"code": "returned"}]
                case = open_case(
                    connection, Kind.RETURNED_PAYMENT, about, why, (Actor.SYSTEM, "bank"), self.now, CLOCKS
                )
                make_move(connection, of, State.REVIEW, By(Actor.SYSTEM, "bank", case=case.id), self.now)

        self.city.try_to(f"bank: {after}", answer)

    @rule(seed=SEED)
    def somebody_looks_at_a_delivery_in_doubt(self, seed: int) -> None:
        self.begin(seed)
        row = one_of(
            self.city, "SELECT id, delivery_key, channel FROM outbox WHERE state IN ('in_doubt', 'failed') ORDER BY id"
        )
        if row is None:
            return
        record = self.city.money if row["channel"] == "payment" else self.city.notices
        findings = [Finding.NEVER_ARRIVED, Finding.SEND_AGAIN, Finding.SEND_AGAIN]
        finding = Finding.ARRIVED if record.effects[row["delivery_key"]] else self.rng.choice(findings)
        self.city.try_to(
            f"settle: {finding.value}",
            lambda connection: settle_by_hand(connection, row["id"], finding, self.an_officer(), self.now),
        )

    @rule(seed=SEED)
    def an_answer_changes(self, seed: int) -> None:
        self.begin(seed)
        row = self.an_entitlement()
        if row is None:
            return
        outcome = self.rng.choice([Outcome.INELIGIBLE, Outcome.UNDETERMINED, Outcome.ELIGIBLE])
        changed = [ChangedAnswer(row["kind"], row["subject"], row["benefit"], row["period"], outcome)]
        self.city.try_to("still entitled", lambda connection: ask_whether_still_entitled(connection, changed, self.now))

    @rule(seed=SEED)
    def an_event_arrives(self, seed: int) -> None:
        self.begin(seed)
        person, number = self.rng.choice(PEOPLE), f"e{len(self.received)}"
        shared: list[SharedGrant] = []
        what = self.rng.choice(["death", "undeath", "undeath", "birth", "amended", "merged", "split"])
        deaths = [one.event for one in self.received if one.event.kind == "death" and one.event.reverses is None]
        moves = [one.event for one in self.received if one.event.kind == "move_in" and one.event.corrects is None]
        news = None
        if what == "death":
            news = death(person=person, id=number)
        elif what == "undeath" and deaths:
            was = self.rng.choice(deaths)
            person = was.subjects["person"]
            news = death(person=person, id=number, reverses=was.id)
        elif what == "birth":
            news = event("move_in", person=person, id=number, source="police", to_area="440303")
        elif what == "amended" and moves:
            was = self.rng.choice(moves)
            person = was.subjects["person"]
            news = event("move_in", "2026-03-06", person=person, id=number, source="police", corrects=was.id)
        elif what in ("merged", "split"):
            benefit = self.rng.choice(list(BENEFITS))
            shared = [SharedGrant((person, self.rng.choice(PEOPLE)), benefit, what == "split")]
        if news is not None:
            self.received.append(Received(news, self.now))
        theirs = [one for one in self.received if person in one.event.subjects.values()]
        subjects = [("person", one) for one in {person, *(shared[0].ids if shared else ())}]
        self.city.try_to(
            f"event: {what}", lambda connection: keep_holds(connection, theirs, sorted(subjects), self.now, shared)
        )

    @rule(seed=SEED)
    def an_officer_takes_a_hold_back(self, seed: int) -> None:
        self.begin(seed)
        row = one_of(self.city, "SELECT entitlement, code FROM hold WHERE released_at IS NULL ORDER BY id")
        if row is None or row["code"] not in set(HoldCode):
            return
        self.city.try_to(
            "release hold",
            lambda connection: release(
                connection, row["entitlement"], HoldCode(row["code"]), self.an_officer(), self.now
            ),
        )


_BANK = """
    SELECT e.id, e.state FROM entitlement e
    LEFT JOIN LATERAL (
        SELECT state FROM outbox WHERE entitlement = e.id AND kind = 'grant' ORDER BY id DESC LIMIT 1
    ) o ON true
    WHERE e.state IN ('submitted', 'paid') OR (e.state = 'approved' AND o.state = 'sent') ORDER BY e.id
"""
