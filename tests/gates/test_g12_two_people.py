"""Gate 12: two people to pay out above a cap, to act on many, and to take anything away; nothing goes around them.

Through the services, and in SQL with the rights of the application: whoever has the application's password and a
careless (or worse) query still needs two names, each with a view, one of whom agreed to what the other proposed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serving.casework.bulk import agree_to_bulk, open_singly, propose_bulk
from serving.casework.bulk_acts import read_bulk
from serving.casework.bulk_preview import preview
from serving.casework.cases import Case, read_case
from serving.casework.decisions import Judgement, agree_as_second, decide
from serving.casework.errors import NotAllowedError
from serving.casework.moves import By, Entitlement, make_move, read_entitlement
from serving.casework.review import TAKING_AWAY, Verdict
from serving.casework.states import Actor, State
from serving.store.server import EmbeddedServer
from tests.cases_promises import broken
from tests.cases_world import ANN, BEN, CLOCKS, a_case, agreed, decided, in_review, later, seal, state_of, taken_up
from tests.casework_world import MORNING, SYSTEM, casework_database

WORDS = "seen and heard"


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "applyfree_app"
        yield connection
        assert broken(connection) == []
        connection.rollback()


def judgement(verdict: Verdict) -> Judgement:
    amount = 100 if verdict in (Verdict.REDUCE, Verdict.RECLAIM) else None
    return Judgement(verdict, "LAW_EXCEPTION", WORDS, "第七条", amount)


def ready_for(connection: Connection, verdict: Verdict) -> Entitlement:
    """In review; of money that has arrived, where the verdict is about that."""
    if verdict is not Verdict.RECLAIM:
        return in_review(connection)
    found = in_review(connection)
    decided(connection, a_case(connection, found), judgement(Verdict.GRANT))
    found = make_move(connection, read_entitlement(connection, found.id), State.SUBMITTED, SYSTEM, MORNING)
    for state in (State.PAID, State.MONITORED, State.REVIEW):
        found = make_move(connection, found, state, SYSTEM, MORNING)
    return found


@pytest.mark.parametrize("verdict", sorted(TAKING_AWAY))
def test_whatever_is_taken_away_waits_for_a_second_person(connection: Connection, verdict: Verdict) -> None:
    of = ready_for(connection, verdict)
    made = decided(connection, a_case(connection, of), judgement(verdict))
    assert (made.state, made.needs_second, state_of(connection, of)) == ("proposed", True, State.REVIEW)
    with pytest.raises(NotAllowedError, match="ask a colleague"):
        agree_as_second(connection, read_case(connection, made.case), made, ANN, MORNING)
    assert agreed(connection, made).state == "in_force"


def test_above_a_cap_one_person_pays_nothing_out(connection: Connection) -> None:
    of = in_review(connection, over_cap=True, tier="automatic")
    made = decided(connection, a_case(connection, of), judgement(Verdict.GRANT))
    assert (made.state, state_of(connection, of)) == ("proposed", State.REVIEW)
    for by in (SYSTEM, By(Actor.OFFICER, ANN, case=made.case, decision=made.id), By(Actor.OFFICER, ANN, BEN)):
        with pytest.raises(NotAllowedError):
            make_move(connection, of, State.APPROVED, by, MORNING)
    agreed(connection, made)
    assert state_of(connection, of) is State.APPROVED


def test_what_was_suspended_above_its_cap_is_paid_by_two(connection: Connection) -> None:
    of = in_review(connection, over_cap=True)
    agreed(connection, decided(connection, a_case(connection, of), judgement(Verdict.SUSPEND)))
    made = decided(connection, a_case(connection, of), Judgement(Verdict.REINSTATE))
    assert (made.state, state_of(connection, of)) == ("proposed", State.SUSPENDED)


def test_many_at_once_are_for_two(connection: Connection) -> None:
    numbers = [a_case(connection, in_review(connection, f"b{number}")).id for number in range(5)]
    seen = preview(connection, numbers, Verdict.OFFER, MORNING)
    act = propose_bulk(connection, seen, ANN, random.Random(1), MORNING)
    for case in act.drawn:
        open_singly(connection, act, case, ANN, MORNING)
    with pytest.raises(NotAllowedError, match="ask a colleague"):
        agree_to_bulk(connection, read_bulk(connection, act.id), ANN, MORNING)


_DECISION = "case_file, officer, verdict, overrides, reason_code, reason, needs_second, proposed_at"
_MOVE = (
    "entitlement, revision, from_state, to_state, actor_kind, actor, second, case_file, decision, reason_code, "
    "reason, at"
)
_PROPOSED = (
    f"INSERT INTO decision ({_DECISION}) VALUES ({{case}}, 'ann', '{{verdict}}', true, 'X', 'x', {{two}}, now())"
)
_IN_FORCE = "UPDATE decision SET state = 'in_force', second = {second}, settled_at = now() WHERE case_file = {case}"
_VIEWS = "INSERT INTO provisional_view VALUES ({case}, 'ann', 'grant', now()), ({case}, 'ben', 'grant', now())"
_LAST = "(SELECT max(id) FROM decision)"


def _move(to: str, second: str = "'ben'", kind: str = "officer", decision: str = _LAST, actor: str = "ann") -> str:
    return (
        f"INSERT INTO move ({_MOVE}) VALUES ({{of}}, {{revision}} + 1, 'review', '{to}', '{kind}', '{actor}', "
        f"{second}, {{case}}, {decision}, 'X', 'x', now())"
    )


def _decided(verdict: str, two: str = "true", second: str = "'ben'") -> tuple[str, ...]:
    proposed = _PROPOSED.replace("{verdict}", verdict).replace("{two}", two)
    return (_VIEWS, proposed, _IN_FORCE.replace("{second}", second))


_BULK = (
    "INSERT INTO bulk_act (verdict, size, officer, proposed_at{more}) "
    "VALUES ('{verdict}', {size}, 'ann', now(){values})"
)


def _bulk(verdict: str = "offer", size: int = 1, more: str = "", values: str = "") -> str:
    return _BULK.format(verdict=verdict, size=size, more=more, values=values)


_ACT = "(SELECT max(id) FROM bulk_act)"
_ITEM = f"INSERT INTO bulk_item (bulk_act, case_file, revision, must_open) VALUES ({_ACT}, {{case}}, 0, {{must}})"
_AGREE = f"UPDATE bulk_act SET state = 'agreed', second = 'ben', agreed_at = now() WHERE id = {_ACT}"

AROUND = {
    "denied by a machine": (*_decided("deny"), _move("denied", kind="system")),
    "denied by one": (*_decided("deny"), _move("denied", second="NULL")),
    "denied by one twice": (*_decided("deny"), _move("denied", second="'ann'")),
    "denied by two others": (*_decided("deny"), _move("denied", actor="cai")),
    "denied without a decision": (_move("denied", decision="NULL"),),
    "denied by another verdict": (*_decided("suspend"), _move("denied")),
    "denied by a decision about another": (*_decided("deny"), _move("denied").replace("{of}", "{other}")),
    "suspended with a proposal": (_decided("suspend")[0], _decided("suspend")[1], _move("suspended")),
    "a decision that begins in force": (
        _VIEWS,
        f"INSERT INTO decision ({_DECISION}, state, second, settled_at) "
        "VALUES ({case}, 'ann', 'deny', true, 'X', 'x', true, now(), 'in_force', 'ben', now())",
    ),
    "a negative decision for one": (_VIEWS, _PROPOSED.replace("{verdict}", "end").replace("{two}", "false")),
    "a decision in force without its second": _decided("deny", second="NULL"),
    "a decision agreed to by its author": _decided("deny", second="'ann'"),
    "a second without a view": _decided("deny", second="'cai'"),
    "an author without a view": (_PROPOSED.replace("{verdict}", "deny").replace("{two}", "true"),),
    "denied without words": (*_decided("deny"), _move("denied").replace("'X', 'x'", "'X', NULL")),
    "decided without words": (_VIEWS, _decided("deny")[1].replace("'X', 'x'", "'X', NULL")),
    "overridden without words": (_VIEWS, _decided("offer", "false")[1].replace("'X', 'x'", "'X', NULL")),
    "a decision edited": (*_decided("deny")[:2], "UPDATE decision SET verdict = 'grant'"),
    "above the cap by one": (_VIEWS, _PROPOSED.replace("{verdict}", "grant").replace("{two}", "false")),
    "above the cap without a decision": (_move("approved", decision="NULL"),),
    "above the cap by the machine": (_move("approved", kind="system", second="NULL", decision="NULL"),),
    "the cap taken away": ("UPDATE entitlement SET over_cap = false WHERE id = {of}",),
    "the amount raised after the second agreed": (
        *_decided("grant")[:2], "UPDATE entitlement SET amount_minor = 9999999 WHERE id = {of}",
        _IN_FORCE.replace("{second}", "'ben'"),
    ),
    "approved twice by one decision": (*_decided("grant"), _move("approved"),
        f"INSERT INTO move ({_MOVE}) VALUES ({{of}}, {{revision}} + 2, 'approved', 'review', 'system', 's', NULL, "
        "NULL, NULL, NULL, NULL, now())", _move("approved").replace("{revision} + 1", "{revision} + 3")),
    "the state set by hand": ("UPDATE entitlement SET state = 'denied' WHERE id = {of}",),
    "a new way": ("INSERT INTO allowed_move VALUES ('review', 'denied', 'system')",),
    "reduced without a decision": (
        "INSERT INTO amendment (entitlement, decision, kind, amount_minor, at) VALUES ({of}, 1, 'reduce', 1, now())",),
    "reduced by a decision to grant": (*_decided("grant"),
        f"INSERT INTO amendment (entitlement, decision, kind, amount_minor, at) "
        f"VALUES ({{of}}, {_LAST}, 'reduce', 1, now())"),
    "an act that begins agreed": (_bulk(more=", state, second, agreed_at", values=", 'agreed', 'ben', now()"),),
    "an act that takes away": (_bulk(verdict="deny"),),
    "an act on 201": (_bulk(size=201),),
    "an act agreed to by its author": (
        _bulk(), _ITEM.replace("{must}", "false"), _AGREE.replace("'ben'", "'ann'")),
    "an act without its cases": (_bulk(), _AGREE),
    "an act of which nothing was drawn": (_bulk(), _ITEM.replace("{must}", "false"), _AGREE),
    "an act of which the drawn was not opened": (_bulk(), _ITEM.replace("{must}", "true"), _AGREE),
    "an act that is drawn again": (_bulk(), _ITEM.replace("{must}", "true"), "UPDATE bulk_item SET must_open = false"),
    "an act that grows": (
        _bulk(), _ITEM.replace("{must}", "true"), "UPDATE bulk_item SET opened_at = now()", _AGREE,
        _ITEM.replace("{must}", "false").replace("{case}", "{other_case}")),
    "an act carried out before its half hour": (
        _bulk(), _ITEM.replace("{must}", "true"), "UPDATE bulk_item SET opened_at = now()", _AGREE,
        "UPDATE bulk_act SET state = 'carried_out', settled_at = now()"),
    "decided for many before anybody agreed": (
        _VIEWS, _bulk(), _ITEM.replace("{must}", "true"),
        f"INSERT INTO decision (case_file, officer, verdict, overrides, needs_second, proposed_at, bulk_act) "
        f"VALUES ({{case}}, 'ann', 'offer', false, true, now(), {_ACT})"),
    "what was decided is deleted": (*_decided("deny"), "DELETE FROM decision"),
    "what was done is forgotten": ("DELETE FROM case_event",),
}  # fmt: skip


@pytest.mark.parametrize("queries", AROUND.values(), ids=AROUND)
def test_no_query_of_the_application_goes_around_the_second_person(
    connection: Connection, queries: tuple[str, ...]
) -> None:
    of = in_review(connection, "a", over_cap=True)
    other = in_review(connection, "b")
    names = {
        "of": of.id, "revision": of.revision, "case": a_case(connection, of).id,
        "other": other.id, "other_case": a_case(connection, other).id,
    }  # fmt: skip
    *before, last = queries
    for query in before:
        connection.execute(text(query.format(**names)))
    savepoint = connection.begin_nested()
    with pytest.raises(DBAPIError) as refused:
        connection.execute(text(last.format(**names)))
    savepoint.rollback()
    assert getattr(refused.value.orig, "sqlstate", "") in (
        "AF403",
        "AF409",
        "23001",
        "23502",
        "23503",
        "23505",
        "23514",
        "42501",
    )


def test_two_people_can_do_all_of_it_in_sql_too(connection: Connection) -> None:
    """Or the test above would pass where nothing works at all."""
    of = in_review(connection, "a", over_cap=True)
    names = {"of": of.id, "revision": of.revision, "case": a_case(connection, of).id}
    for query in (*_decided("deny"), _move("denied")):
        connection.execute(text(query.format(**names)))
    assert state_of(connection, of) is State.DENIED


def test_a_lease_and_a_view_are_not_enough_for_one(connection: Connection) -> None:
    case: Case = taken_up(connection, a_case(connection, in_review(connection, over_cap=True)))
    made = decide(connection, case, ANN, judgement(Verdict.GRANT), seal, CLOCKS, later(minutes=1))
    assert made.state == "proposed"
