"""Citizens, helpers, officers, senders, the bank, the clock and crashes, at random; what must hold is looked at each step.

Each rule draws one number, and chance within it follows from that: a run is the same each time, however long it is.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from rules.determination import Outcome
from serving.casework import bulk, leases
from serving.casework.cases import Case, Subject, open_case, read_case
from serving.casework.citizen import bundles, objections, offers, proxies, wishes
from serving.casework.citizen.offering import Terms, Unanswered, Wait
from serving.casework.citizen.speaking import How, Speaker, TakenDown, Voice, itself
from serving.casework.citizen.waiting import pass_time
from serving.casework.clocks import Kind
from serving.casework.decisions import Decision, Judgement, agree_as_second, decide, proposal_of, return_to_author
from serving.casework.escalation import escalate
from serving.casework.holding import ChangedAnswer, ask_whether_still_entitled, keep_holds, release
from serving.casework.holds import HoldCode, Received, SharedGrant
from serving.casework.moves import By, Entitlement, make_move, read_entitlement
from serving.casework.notes import add_note
from serving.casework.queues import Desk
from serving.casework.review import Verdict, View, record_view, show_recommendation
from serving.casework.states import Actor, State
from serving.day import entitling
from serving.ledger.sealing import seal as seal_leaves
from serving.outbox.sending import Manner, Sender
from serving.outbox.settling import Finding, settle_by_hand
from serving.stops import buttons
from serving.store.server import EmbeddedServer
from serving.store.tables.casework import entitlement
from tests.cases_world import CLOCKS, DISTRICT, seal
from tests.casework_invariants import Broken, check, check_clocks, check_effects, check_waiting
from tests.random_city import City, one_of
from tests.unit.features.events.worlds import death, event

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


class Casework(RuleBasedStateMachine):
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
        self.city.rng = random.Random(seed)
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
            raise Broken(f"G8, I2: {wrongly}")

    # --- the engine -------------------------------------------------------------------------------------------------

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

        def note(connection: Connection) -> None:
            for row in rows:
                connection.execute(insert(entitlement).values(row).on_conflict_do_nothing())

        if self.city.try_to("find", lambda connection: (note(connection), True)):
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
        terms = entitling.Terms(
            {}, notice_until, self.now + dt.timedelta(days=30), CLOCKS.due(Kind.REVIEW, self.now), {}, {}
        )
        automatic = self.rng.random() < 0.9
        self.city.run(
            "first steps", lambda: entitling.take_first_steps(self.city.engine, terms, self.now, automatic)
        )

    @rule(seed=SEED, span=st.sampled_from(SPANS))
    def the_clock_moves_on(self, seed: int, span: dt.timedelta) -> None:
        self.begin(seed)
        self.city.now += span * self.rng.random()
        self._seal()

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
        self._seal()
        self._send()
        self.the_money_moves()
        self.city.now += dt.timedelta(days=self.rng.choice([1, 1, 4]))
        self._seal()

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
            self._seal()
        self._send()

    def _send(self) -> None:
        sender = Sender(self.city.engine, [self.city.money, self.city.notices], lambda: self.now, self.rng, Manner())
        for _ in range(self.rng.randint(1, 3)):
            self.city.run("send", sender.run_once)
            self.city.now += dt.timedelta(minutes=self.rng.choice([0, 1, 3]))

    @rule(seed=SEED)
    def the_appender_seals(self, seed: int) -> None:
        self.begin(seed)
        self._seal()

    def _seal(self) -> None:
        self.city.try_to("seal", seal_leaves)

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
            of = make_move(connection, read_entitlement(connection, row["id"]), after, By(Actor.SYSTEM, "bank"), self.now)
            if after is State.RETURNED:
                about = Subject(of.kind, of.subject, of.district, of.benefit, of.id)
                why = [{"code": "returned"}]
                case = open_case(connection, Kind.RETURNED_PAYMENT, about, why, (Actor.SYSTEM, "bank"), self.now, CLOCKS)
                make_move(connection, of, State.REVIEW, By(Actor.SYSTEM, "bank", case=case.id), self.now)

        self.city.try_to(f"bank: {after}", answer)

    @rule(seed=SEED)
    def somebody_looks_at_a_delivery_in_doubt(self, seed: int) -> None:
        self.begin(seed)
        row = one_of(self.city, "SELECT id, delivery_key, channel FROM outbox WHERE state IN ('in_doubt', 'failed') ORDER BY id")
        if row is None:
            return
        record = self.city.money if row["channel"] == "payment" else self.city.notices
        findings = [Finding.NEVER_ARRIVED, Finding.SEND_AGAIN, Finding.SEND_AGAIN]
        finding = Finding.ARRIVED if record.effects[row["delivery_key"]] else self.rng.choice(findings)
        self.city.try_to(
            f"settle: {finding.value}",
            lambda connection: settle_by_hand(connection, row["id"], finding, self._officer(), self.now),
        )

    # --- events and changed answers ---------------------------------------------------------------------------------

    @rule(seed=SEED)
    def an_answer_changes(self, seed: int) -> None:
        self.begin(seed)
        row = self._entitlement()
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
            lambda connection: release(connection, row["entitlement"], HoldCode(row["code"]), self._officer(), self.now),
        )

    # --- citizens ---------------------------------------------------------------------------------------------------

    @rule(seed=SEED)
    def a_citizen_answers(self, seed: int) -> None:
        self.begin(seed)
        row = self._entitlement("state IN ('offered', 'silent', 'confirmed', 'refused', 'approved', 'public_notice')")
        row = row if row is not None and self.rng.random() < 0.8 else self._entitlement()
        if row is None:
            return
        do = self.rng.choice([offers.confirm, offers.confirm, offers.refuse])
        voice, key, revision = self._voice(row), self._key(), self._revision(row)
        self._ask(do.__name__, lambda connection: do(connection, voice, row["id"], revision, key, self.now))

    @rule(seed=SEED)
    def a_request_comes_again(self, seed: int) -> None:
        self.begin(seed)
        if not self.asked:
            return
        request, answer = self.rng.choice(self.asked)
        again = self.city.try_to("again", request)
        if again is not None and again != answer:
            raise Broken(f"a request was answered with {answer}, and again with {again}")

    @rule(seed=SEED)
    def a_citizen_asks_for_a_person(self, seed: int) -> None:
        self.begin(seed)
        row = self._entitlement()
        key, decide_it, at = self._key(), self.rng.random() < 0.5, self.now
        if row is None or self.rng.random() < 0.1:
            voice, kind = itself(self.rng.choice(PEOPLE)), ("person", self.rng.choice(PEOPLE))
            self._ask("person without offer", lambda connection: offers.ask_for_person_without_offer(
                connection, voice, kind, "dibao", DISTRICT, key, at))  # fmt: skip
            return
        voice_of = self._voice(row)
        self._ask("ask for person", lambda connection: offers.ask_for_person(
            connection, voice_of, row["id"], key, at, decide=decide_it, words=b"sealed"))  # fmt: skip

    @rule(seed=SEED)
    def somebody_objects(self, seed: int) -> None:
        self.begin(seed)
        row, key, at = self._entitlement(self.rng.choice(["true", "state = 'public_notice'", _NEGATIVE])), self._key(), self.now
        if row is None:
            return
        other = self.rng.choice(PEOPLE)
        way = self.rng.choice(["own", "own", "third", "answer"])
        if way == "own":
            voice, revision = itself(row["subject"]), self._revision(row)
            self._ask("object", lambda connection: objections.object_to(
                connection, voice, row["id"], revision, b"sealed", key, at))  # fmt: skip
        elif way == "third":
            self._ask("object to notice", lambda connection: objections.object_to_notice(
                connection, other, row["id"], b"sealed", key, at))  # fmt: skip
        else:
            self._ask("object to answer", lambda connection: objections.object_to_answer(
                connection, itself(other), ("person", other), "dibao", DISTRICT, b"sealed", key, at))  # fmt: skip

    @rule(seed=SEED)
    def somebody_wishes(self, seed: int) -> None:
        self.begin(seed)
        person = self.rng.choice(PEOPLE)
        do = self.rng.choice([
            wishes.stop_pushes, wishes.allow_pushes, wishes.want_human, wishes.allow_automation, wishes.allow_automation,
        ])  # fmt: skip
        by = By(Actor.CITIZEN, person)
        self.city.try_to(do.__name__, lambda connection: do(connection, ("person", person), by, self.now))

    @rule(seed=SEED)
    def a_helper_is_named_or_let_go(self, seed: int) -> None:
        self.begin(seed)
        there = one_of(self.city, "SELECT id, elder FROM proxy WHERE revoked_at IS NULL ORDER BY id")
        if there is not None and self.rng.random() < 0.4:
            voice = itself(there["elder"])
            self.city.try_to("revoke proxy", lambda connection: proxies.revoke(connection, there["id"], voice, self.now))
            return
        wanted = proxies.Proxy(
            ("person", self.rng.choice(PEOPLE)), self.rng.choice(HELPERS), self.now, self.now + dt.timedelta(days=60),
            proxies.Established.COUNTER, tuple(self.rng.sample(list(BENEFITS), 2)),
        )  # fmt: skip
        self.city.try_to("establish proxy", lambda connection: proxies.establish(connection, wanted, OFFICERS[0], self.now))

    @rule(seed=SEED)
    def a_bundle_is_sent_or_answered(self, seed: int) -> None:
        self.begin(seed)
        there = one_of(self.city, "SELECT id, addressee FROM bundle ORDER BY id")
        key, at = self._key(), self.now
        if there is None or self.rng.random() < 0.4:
            person = self.rng.choice(PEOPLE)
            rows = self._rows("subject = %(p)s AND state IN ('offered', 'silent')", p=person)
            if rows:
                self.city.try_to("open bundle", lambda connection: bundles.open_bundle(
                    connection, ("person", person), "birth", key, [read_entitlement(connection, row["id"]) for row in rows], at))  # fmt: skip
            return
        seen = {row["id"]: self._revision(row) for row in self._rows(
            "state IN ('offered', 'silent') AND id IN (SELECT entitlement FROM bundle_member WHERE bundle = %(b)s)", b=there["id"])}  # fmt: skip
        do = self.rng.choice([bundles.confirm_bundle, bundles.confirm_bundle, bundles.refuse_bundle])
        voice = itself(there["addressee"])
        self._ask(do.__name__, lambda connection: do(connection, voice, there["id"], seen, key, at))

    # --- officers ---------------------------------------------------------------------------------------------------

    @rule(seed=SEED)
    def an_officer_handles_a_case(self, seed: int) -> None:
        self.begin(seed)
        row, officer = self._case(), self._officer()
        if row is None:
            return
        do = self.rng.choice(["claim", "next", "renew", "release", "over", "elsewhere", "pause", "resume", "note", "view", "shown"])
        number, stale = row["id"], self._is_stale()
        pauses = self.rng.choice(list(CLOCKS.pauses))

        def handle(connection: Connection) -> object:
            case = self._read(connection, number, stale)
            holder = case.lease_holder or officer
            return {
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
            }[do]()

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
        row, officer = self._case("state = 'open'"), self._officer()
        if row is None or not self._take_up(row["id"], officer):
            return
        verdict = self.rng.choice([*Verdict, *_OFTEN])
        amount = self.rng.choice([5_000, 15_000, 20_000]) if verdict in (Verdict.REDUCE, Verdict.RECLAIM) else None
        judgement = Judgement(verdict, "OTHER", WORDS, None, amount)
        if self.rng.random() < 0.1:
            judgement = replace(judgement, reason_code=None, words=None)
        stale = self._is_stale()
        self.city.try_to(f"decide: {verdict}", lambda connection: decide(
            connection, self._read(connection, row["id"], stale), officer, judgement, seal, CLOCKS, self.now))  # fmt: skip

    @rule(seed=SEED)
    def a_second_officer_answers(self, seed: int) -> None:
        self.begin(seed)
        row, officer = self._case("state = 'proposed'"), self._officer()
        if row is None or not self._take_up(row["id"], officer):
            return
        agrees, stale = self.rng.random() < 0.75, self._is_stale()

        def answer(connection: Connection) -> Decision:
            case = self._read(connection, row["id"], stale)
            of = proposal_of(connection, case, officer)
            if agrees:
                return agree_as_second(connection, case, of, officer, self.now)
            return return_to_author(connection, case, of, officer, WORDS, seal, self.now)

        self.city.try_to("agree" if agrees else "return", answer)

    def _take_up(self, number: int, officer: str) -> bool:
        """Claim it and look at it, where it is not in hand already; two requests."""
        self.city.try_to("claim", lambda connection: leases.claim(connection, read_case(connection, number), officer, self.now))

        def look(connection: Connection) -> bool:
            record_view(connection, read_case(connection, number), officer, View.UNSURE, self.now)
            return True

        self.city.try_to("view", look)
        return True

    @rule(seed=SEED)
    def many_cases_at_once(self, seed: int) -> None:
        self.begin(seed)
        act = one_of(self.city, "SELECT id, officer, state FROM bulk_act WHERE state IN ('proposed', 'agreed') ORDER BY id")
        officer, second = self.rng.sample(OFFICERS, 2)
        if act is None or self.rng.random() < 0.3:
            cases = [row["id"] for row in self._case_rows("state = 'open'")]
            verdict = self.rng.choice([Verdict.GRANT, Verdict.OFFER, Verdict.ASK])
            if cases:
                self.city.try_to("bulk: propose", lambda connection: bulk.propose_bulk(
                    connection, bulk.preview(connection, cases, verdict, self.now), officer, self.rng, self.now))  # fmt: skip
            return
        self._go_on_with(act, second)

    def _go_on_with(self, act: dict[str, Any], second: str) -> None:
        do = self.rng.choice(["open", "open", "agree", "agree", "return", "undo", "carry out", "carry out"])
        if do == "carry out":
            self.city.now += dt.timedelta(minutes=31)
            self.city.run("bulk: carry out", lambda: bulk.carry_out_agreed(self.city.engine, self.now))
            return

        def go_on(connection: Connection) -> None:
            found = bulk.read_bulk(connection, act["id"])
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
            self.city.try_to("trip", lambda connection: buttons.trip(connection, scope, name, "counts", "too many", self.now))
        else:
            self.city.try_to("press stop", lambda connection: buttons.press(
                connection, scope, name, self._officer(), "it looks odd", self.now))  # fmt: skip

    def _release_stop(self, number: int, officer: str) -> None:
        self.city.try_to("release stop", lambda connection: buttons.release(connection, number, officer, self.now))

    @rule(seed=SEED)
    def two_at_once(self, seed: int) -> None:
        self.begin(seed)
        row = self._entitlement()
        if row is None:
            return
        one, other = self.rng.sample(self._works(row), 2)
        self.city.both_at_once(f"two at once: {one[0]}, {other[0]}", one[1], other[1])

    def _works(self, row: dict[str, Any]) -> list[tuple[str, Callable[[Connection], object]]]:
        """Requests about one entitlement, each of which would be right by itself."""
        voice, number, revision, now = itself(row["subject"]), row["id"], row["revision"], self.now
        keys = [self._key() for _ in range(4)]
        works: list[tuple[str, Callable[[Connection], object]]] = [
            ("confirm", lambda c: offers.confirm(c, voice, number, revision, keys[0], now)),
            ("refuse", lambda c: offers.refuse(c, voice, number, revision, keys[1], now)),
            ("person", lambda c: offers.ask_for_person(c, voice, number, keys[2], now, decide=True)),
            ("object", lambda c: objections.object_to(c, voice, number, revision, b"sealed", keys[3], now)),
            ("wish", lambda c: wishes.want_human(c, ("person", row["subject"]), By(Actor.CITIZEN, row["subject"]), now)),
            ("event", lambda c: keep_holds(c, [Received(death(person=row["subject"], id="two"), now)], [("person", row["subject"])], now)),
        ]
        cases = self._case_rows("entitlement = %(e)s", e=number)
        for officer, case in zip(self.rng.sample(OFFICERS, len(cases[:2])), cases, strict=False):
            def take(c: Connection, by: str = officer, it: int = case["id"]) -> Case:
                return leases.claim(c, read_case(c, it), by, now)

            works.append((f"claim", take))
        return works

    # --- chance -----------------------------------------------------------------------------------------------------

    def _rows(self, where: str, **parameters: object) -> list[dict[str, Any]]:
        return self.city.rows(_ENTITLEMENT.format(where=where), **parameters)

    def _case_rows(self, where: str = "true", **parameters: object) -> list[dict[str, Any]]:
        return self.city.rows(_CASE.format(where=where), **parameters)

    def _entitlement(self, where: str = "true") -> dict[str, Any] | None:
        return one_of(self.city, _ENTITLEMENT.format(where=where))

    def _case(self, where: str = "true") -> dict[str, Any] | None:
        return one_of(self.city, _CASE.format(where=where))

    def _officer(self) -> str:
        return self.rng.choice(OFFICERS)

    def _key(self) -> str:
        self.keys += 1
        return f"request-{self.keys}"

    def _is_stale(self) -> bool:
        return self.rng.random() < 0.08

    def _read(self, connection: Connection, number: int, stale: bool) -> Case:
        """A case; one as it was before its last change, where somebody read it too early."""
        case = read_case(connection, number)
        return replace(case, revision=case.revision - 1) if stale else case

    def _revision(self, row: dict[str, Any]) -> int:
        return int(row["revision"]) - (1 if self._is_stale() else 0)

    def _voice(self, row: dict[str, Any]) -> Voice:
        """Mostly whose it is; a helper, an officer who takes it down; now and then somebody whom it does not concern."""
        chance = self.rng.random()
        if chance < 0.65:
            return itself(row["subject"])
        if chance < 0.8:
            return Speaker(self.rng.choice(HELPERS), frozenset())
        if chance < 0.95:
            return TakenDown(self._officer(), (row["kind"], row["subject"]), How.PHONE)
        return itself(self.rng.choice(PEOPLE))

    def _ask(self, what: str, request: Callable[[Connection], object]) -> None:
        answer = self.city.try_to(what, request)
        if answer is not None:
            self.asked.append((request, answer))


_OFTEN = [Verdict.GRANT, Verdict.GRANT, Verdict.KEEP, Verdict.OFFER, Verdict.CLOSE, Verdict.CLOSE]
_NEGATIVE = "state IN ('denied', 'suspended', 'ended')"
_BANK = """
    SELECT e.id, e.state FROM entitlement e
    LEFT JOIN LATERAL (SELECT state FROM outbox WHERE entitlement = e.id AND kind = 'grant' ORDER BY id DESC LIMIT 1) o ON true
    WHERE e.state IN ('submitted', 'paid') OR (e.state = 'approved' AND o.state = 'sent') ORDER BY e.id
"""
__all__ = ["Casework", "Entitlement"]
