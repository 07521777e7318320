"""Sequences of service calls and of raw statements of the application, drawn at random, for gate 4."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from serving.casework.cases import Subject, open_case, read_case
from serving.casework.clocks import Kind
from serving.casework.decisions import Judgement, agree_as_second, decide, proposal_of, return_to_author
from serving.casework.errors import CaseworkError
from serving.casework.leases import claim, take_over
from serving.casework.moves import By, make_move, read_entitlement
from serving.casework.reasons import reasons
from serving.casework.review import TAKING_AWAY, Verdict, View, record_view
from serving.casework.states import NEGATIVE, Actor, State, ways_on
from tests.cases_world import CLOCKS, REGISTER_OFFICE, a_case, in_review, seal
from tests.casework_world import MORNING, an_entitlement

OFFICERS = ("ann", "ben", "cai")
_ACTORS = (*OFFICERS, "engine", "p0", "model")
_TAKING = ("denied", "suspended", "ended")


class Play:
    """Entitlements, their cases, and whatever anybody does to them; a step that is refused leaves nothing behind."""

    def __init__(self, connection: Connection, draw: random.Random, done: Counter[str]) -> None:
        self.connection, self.draw, self.done = connection, draw, done
        self.entitlements = [
            an_entitlement(connection, f"p{number}", tier=draw.choice(("automatic", "confirm", "ask", "review")),
                           over_cap=draw.random() < 0.3).id
            for number in range(2)
        ]  # fmt: skip
        self.cases: list[int] = []
        of = in_review(connection, "p9", over_cap=draw.random() < 0.3)
        self.entitlements.append(of.id)
        self.cases.append(a_case(connection, of).id)
        # Somebody has begun: or most sequences would end before a second person comes in.
        if draw.random() < 0.8:
            for officer in draw.sample(OFFICERS, 2):
                case = read_case(connection, self.cases[0])
                case = take_over(connection, case, officer, MORNING) if case.lease_holder else claim(
                    connection, case, officer, MORNING)  # fmt: skip
                record_view(connection, case, officer, View.UNSURE, MORNING)

    def step(self) -> None:
        """One call or statement."""
        name, step = self.draw.choices(_NAMED, weights=_WEIGHTS)[0]
        savepoint = self.connection.begin_nested()
        try:
            step(self)
        except (CaseworkError, DBAPIError):
            savepoint.rollback()
            self.done[f"{name} refused"] += 1
        else:
            savepoint.commit()
            self.done[name] += 1

    def open(self) -> None:
        of = read_entitlement(self.connection, self.draw.choice(self.entitlements))
        whose = Subject(of.kind, of.subject, of.district, of.benefit, of.id)
        kind = self.draw.choice((Kind.REVIEW, Kind.APPEAL))
        self.cases.append(open_case(self.connection, kind, whose, [], REGISTER_OFFICE, MORNING, CLOCKS).id)

    def move(self) -> None:
        of = read_entitlement(self.connection, self.draw.choice(self.entitlements))
        kind = self.draw.choice(list(Actor))
        to = self.draw.choice(ways_on(of.state, kind) or list(State))
        officer, other = self.draw.sample(OFFICERS, 2)
        second = self.draw.choice((None, other))
        by = By(kind, officer, second, self.draw.choice(self.cases), self.a_decision(), "DATA_WRONG", SAID)
        make_move(self.connection, of, to, by, MORNING)

    def take(self) -> None:
        claim(self.connection, read_case(self.connection, self.draw.choice(self.cases)), self.an_officer(), MORNING)

    def take_from(self) -> None:
        case = read_case(self.connection, self.draw.choice(self.cases))
        take_over(self.connection, case, self.an_officer(), MORNING)

    def view(self) -> None:
        case = read_case(self.connection, self.draw.choice(self.cases))
        view = self.draw.choice(list(View))
        record_view(self.connection, case, case.lease_holder or self.an_officer(), view, MORNING)

    def decide(self) -> None:
        case = read_case(self.connection, self.draw.choice(self.cases))
        verdict = self.draw.choice((*Verdict, *sorted(TAKING_AWAY)))
        complete = self.draw.random() < 0.7
        code = "LAW_EXCEPTION" if complete else self.draw.choice((None, *reasons()))
        words = "seen at home, and asked the neighbours" if complete else self.draw.choice((None, "", "short"))
        amount = self.draw.choice((1, 500, 20_000)) if verdict in (Verdict.REDUCE, Verdict.RECLAIM) else None
        judgement = Judgement(verdict, code, words, "第七条" if complete else None, amount)
        decide(self.connection, case, case.lease_holder or self.an_officer(), judgement, seal, CLOCKS, MORNING)

    def second(self) -> None:
        waiting = [number for number in self.cases if read_case(self.connection, number).state == "proposed"]
        case = read_case(self.connection, self.draw.choice(waiting or self.cases))
        officer = self.an_officer()
        proposed = proposal_of(self.connection, case, officer)
        if self.draw.random() < 0.8:
            agree_as_second(self.connection, case, proposed, officer, MORNING)
        else:
            return_to_author(self.connection, case, proposed, officer, "not so", seal, MORNING)

    def raw_move(self) -> None:
        of = read_entitlement(self.connection, self.draw.choice(self.entitlements))
        to = self.draw.choice((*_TAKING, *_TAKING, self.draw.choice(list(State))))
        self.connection.execute(
            text(
                "INSERT INTO move (entitlement, revision, from_state, to_state, actor_kind, actor, second, case_file, "
                "decision, reason_code, reason, at) VALUES (:of, :revision, :before, :to, :kind, :actor, :second, "
                ":case, :decision, :code, :reason, now())"
            ),
            {
                "of": of.id, "revision": of.revision + 1, "before": of.state, "to": to,
                "kind": self.draw.choice(("officer", "officer", "system", "citizen")),
                "actor": self.draw.choice(_ACTORS), "second": self.draw.choice((None, *OFFICERS)),
                "case": self.draw.choice((None, *self.cases)), "decision": self.a_decision(),
                "code": self.draw.choice((None, "OTHER")), "reason": self.draw.choice((None, b"", b"x")),
            },
        )  # fmt: skip

    def raw_decision(self) -> None:
        state = self.draw.choice(("proposed", "proposed", "in_force"))
        self.connection.execute(
            text(
                "INSERT INTO decision (case_file, officer, verdict, overrides, reason_code, reason, amount_minor, "
                "needs_second, state, proposed_at, second, settled_at) VALUES (:case, :officer, :verdict, :overrides, "
                ":code, :reason, :amount, :two, :state, now(), :second, :settled)"
            ),
            {
                "case": self.draw.choice(self.cases), "officer": self.draw.choice(_ACTORS),
                "verdict": self.draw.choice(list(Verdict)).value, "overrides": self.draw.random() < 0.5,
                "code": self.draw.choice((None, "OTHER")), "reason": self.draw.choice((None, b"", b"x")),
                "amount": self.draw.choice((None, 500)), "two": self.draw.random() < 0.7, "state": state,
                "second": self.draw.choice((None, *OFFICERS)) if state == "in_force" else None,
                "settled": MORNING if state == "in_force" else None,
            },
        )  # fmt: skip

    def raw_settling(self) -> None:
        self.connection.execute(
            text(
                "UPDATE decision SET state = :state, second = :second, settled_at = now() "
                "WHERE id = :id AND state = 'proposed'"
            ),
            {
                "id": self.a_decision(), "state": self.draw.choice(("in_force", "in_force", "returned")),
                "second": self.draw.choice((None, *_ACTORS)),
            },
        )  # fmt: skip

    def raw_view(self) -> None:
        self.connection.execute(
            text("INSERT INTO provisional_view VALUES (:case, :officer, 'refuse', now())"),
            {"case": self.draw.choice(self.cases), "officer": self.draw.choice(_ACTORS)},
        )

    def raw_amendment(self) -> None:
        self.connection.execute(
            text(
                "INSERT INTO amendment (entitlement, decision, kind, amount_minor, at) "
                "VALUES (:of, :decision, :kind, :amount, now())"
            ),
            {
                "of": self.draw.choice(self.entitlements), "decision": self.a_decision(),
                "kind": self.draw.choice(("reduce", "reclaim")), "amount": self.draw.choice((500, 1)),
            },
        )  # fmt: skip

    def raw_update(self) -> None:
        of = self.draw.choice(self.entitlements)
        state = self.draw.choice(_TAKING)
        query = self.draw.choice((
            f"UPDATE entitlement SET state = '{state}' WHERE id = {of}",
            f"UPDATE entitlement SET amount_minor = 1 WHERE id = {of} AND state NOT IN ('detected', 'ask')",
            f"UPDATE entitlement SET over_cap = false WHERE id = {of}",
            f"INSERT INTO allowed_move VALUES ('review', '{state}', 'system')",
            f"DELETE FROM entitlement WHERE id = {of}",
            "DELETE FROM move",
            "UPDATE move SET to_state = 'denied', actor_kind = 'system'",
            "UPDATE amendment SET amount_minor = 0",
            "ALTER TABLE move DROP CONSTRAINT no_machine_made_negative_act",
            "ALTER TABLE move DISABLE TRIGGER ALL",
        ))  # fmt: skip
        self.connection.execute(text(query))

    def an_officer(self) -> str:
        return self.draw.choice(OFFICERS)

    def a_decision(self) -> int | None:
        numbers = self.connection.execute(text("SELECT id FROM decision ORDER BY id DESC LIMIT 3")).scalars().all()
        return self.draw.choice((*numbers, None)) if self.draw.random() < 0.9 else None


_STEPS: dict[str, tuple[Callable[[Play], None], int]] = {
    "open a case": (Play.open, 2),
    "move": (Play.move, 4),
    "take": (Play.take, 2),
    "take from": (Play.take_from, 1),
    "view": (Play.view, 3),
    "decide": (Play.decide, 5),
    "second": (Play.second, 5),
    "insert move": (Play.raw_move, 5),
    "insert decision": (Play.raw_decision, 3),
    "settle": (Play.raw_settling, 3),
    "insert view": (Play.raw_view, 2),
    "insert amendment": (Play.raw_amendment, 2),
    "update": (Play.raw_update, 2),
}
_NAMED = [(name, step) for name, (step, _) in _STEPS.items()]
_WEIGHTS = [weight for _, weight in _STEPS.values()]
STEPS = tuple(_STEPS)
assert set(_TAKING) == {state.value for state in NEGATIVE}
