"""The table of permissions against an oracle, and what it must never allow."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from serving.access import conditions
from serving.access.actions import Action, Purpose
from serving.access.actors import Actor, Assignment, Glass, Grant, Target
from serving.access.conditions import Condition, Request
from serving.access.errors import RolesClashError
from serving.access.permissions import PERMISSIONS
from serving.access.policy import Refusal, Tie, decide
from serving.access.roles import ADMINISTRATORS, PUBLIC, Role, check_staff_roles
from tests.unit.serving.access.oracle import may
from tests.unit.serving.access.requests_at_random import (
    ACTIONS,
    ACTORS,
    EARLIER,
    LATER,
    MOMENT,
    NOW,
    PURPOSES,
    TARGETS,
)  # fmt: skip

PERSONAL = frozenset(
    {
        Action.CASE_READ, Action.CASE_WORK, Action.CASE_DECIDE, Action.CASE_CLAIM, Action.CASE_APPROVE,
        Action.FIELD_REVEAL, Action.PERSON_FIND, Action.COUNTER_ACT, Action.QUEUE_READ, Action.REPLAY_RUN,
        Action.SAMPLE_REVIEW, Action.HELP_GIVE, Action.OFFER_READ, Action.OWN_READ, Action.OWN_EXPORT,
    }
)  # fmt: skip


@pytest.mark.searched
@given(ACTORS, TARGETS, st.data())
def test_the_table_allows_what_the_oracle_allows(actor: Actor, target: Target, data: st.DataObject) -> None:
    # Half of the requests are for something that one of the actor's roles may do: else nearly all would be refused.
    rows = [row for row in PERMISSIONS if row.role in actor.roles]
    if data.draw(st.booleans()) and rows:
        row = data.draw(st.sampled_from(rows))
        action, purpose = data.draw(st.sampled_from(sorted(row.actions))), row.purpose
    else:
        action, purpose = data.draw(ACTIONS), data.draw(PURPOSES)
    decision = decide(actor, action, target, purpose, MOMENT)
    event(str(decision.reason))
    assert decision.allowed == may(actor, str(action), target, str(purpose))
    assert decision.allowed == (decision.reason is None)


def a_caseworker(**changes: object) -> Actor:
    usual: dict[str, object] = {
        "account": "a1", "roles": frozenset({Role.CASEWORKER}), "district": "11", "programmes": frozenset({"b1"}),
        "assignments": frozenset({Assignment("111", "b1")}), "strong": True,
    }  # fmt: skip
    return Actor(**{**usual, **changes})  # type: ignore[arg-type]


A_CASE = Target("p1", "111", "b1", is_open=True, lease_holder="a1", lease_until=LATER)


def test_each_row_has_a_request_that_only_the_named_condition_refuses() -> None:
    actor = a_caseworker()
    halves = frozenset({Assignment("111", "b2"), Assignment("12", "b1")})
    refused = {
        Condition.IN_DISTRICT: (a_caseworker(district="12"), A_CASE),
        Condition.ON_PROGRAMME: (a_caseworker(programmes=frozenset({"b2"})), A_CASE),
        Condition.ASSIGNED: (a_caseworker(assignments=halves), A_CASE),
        Condition.OPEN: (actor, Target("p1", "111", "b1", is_open=False, lease_holder="a1", lease_until=LATER)),
        Condition.NOT_OWN_FILE: (a_caseworker(person="p1"), A_CASE),
        Condition.HOLDS_LEASE: (actor, Target("p1", "111", "b1", is_open=True, lease_holder="a1", lease_until=NOW)),
    }  # fmt: skip
    assert decide(actor, Action.CASE_DECIDE, A_CASE, Purpose.CASEWORK, MOMENT).tie is Tie.CASE
    for condition, (somebody, case) in refused.items():
        decision = decide(somebody, Action.CASE_DECIDE, case, Purpose.CASEWORK, MOMENT)
        assert (decision.allowed, decision.reason) == (False, condition)


def test_a_purpose_that_is_not_the_acts_is_refused() -> None:
    decision = decide(a_caseworker(), Action.CASE_READ, A_CASE, Purpose.SUPERVISION, MOMENT)
    assert decision.reason is Refusal.PURPOSE


def test_a_broken_glass_opens_one_file_for_reading_until_it_closes() -> None:
    elsewhere = Target("p1", "12", "b2", is_open=True)
    for until, allowed in ((LATER, True), (NOW, False), (EARLIER, False)):
        actor = a_caseworker(glasses=(Glass("p1", until),))
        assert decide(actor, Action.CASE_READ, elsewhere, Purpose.EMERGENCY, MOMENT).allowed is allowed
        assert not decide(actor, Action.CASE_READ, Target("p2", "12"), Purpose.EMERGENCY, MOMENT).allowed
        for action in (Action.CASE_WORK, Action.CASE_DECIDE, Action.FIELD_REVEAL):
            assert not any(decide(actor, action, elsewhere, purpose, MOMENT).allowed for purpose in Purpose)


@given(ACTORS, TARGETS, PURPOSES)
def test_an_operator_and_an_administrator_never_open_a_case_or_edit_a_rule(
    actor: Actor, target: Target, purpose: Purpose
) -> None:
    shut_out = {Role.OPERATOR, *ADMINISTRATORS}
    if actor.roles & shut_out:
        for action in {*PERSONAL, Action.RULE_EDIT, Action.RULE_APPROVE, Action.RULE_ROLL_BACK}:
            assert not decide(actor, action, target, purpose, MOMENT).allowed


@given(ACTORS, TARGETS, PURPOSES)
def test_policy_staff_never_reach_a_person(actor: Actor, target: Target, purpose: Purpose) -> None:
    if actor.roles == {Role.POLICY}:
        assert not any(decide(actor, action, target, purpose, MOMENT).allowed for action in PERSONAL)


@given(ACTORS, TARGETS, ACTIONS, PURPOSES)
def test_an_account_out_of_service_may_nothing(actor: Actor, target: Target, action: Action, purpose: Purpose) -> None:
    if not actor.enabled or (actor.is_staff and not actor.strong):
        assert not decide(actor, action, target, purpose, MOMENT).allowed


@pytest.mark.parametrize("pair", list(itertools.combinations(Role, 2)), ids=" and ".join)
def test_roles_that_no_one_person_may_hold_together(pair: tuple[Role, Role]) -> None:
    roles = set(pair)
    business = {Role.CASEWORKER, Role.SUPERVISOR, Role.POLICY}
    if roles <= business:
        check_staff_roles(roles)
        return
    with pytest.raises(RolesClashError, match="together"):
        check_staff_roles(roles)
    actor = Actor("a1", frozenset(roles), district="1", programmes=frozenset({"*"}), strong=True)
    if not roles <= PUBLIC:
        assert not any(
            decide(actor, action, Target(), purpose, MOMENT).allowed for action in Action for purpose in Purpose
        )


@pytest.mark.parametrize("condition", list(Condition))
def test_a_condition_that_breaks_lets_nobody_in(condition: Condition, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: Request) -> bool:
        raise RuntimeError("the map is away")

    monkeypatch.setitem(conditions.HOLDS, condition, broken)
    for row in (row for row in PERMISSIONS if condition in row.conditions):
        actor = Actor("a1", frozenset({row.role}), frozenset({"p1"}), None, "1", frozenset({"*"}),
                      frozenset({Assignment("1", "*")}), strong=True)  # fmt: skip
        for action in row.actions:
            decision = decide(actor, action, A_CASE, row.purpose, MOMENT)
            assert not decision.allowed


def test_every_action_and_purpose_stands_in_the_table() -> None:
    assert {action for row in PERMISSIONS for action in row.actions} == set(Action)
    assert {row.purpose for row in PERMISSIONS} == set(Purpose)
    assert {row.role for row in PERMISSIONS} == set(Role)
    assert set(conditions.HOLDS) == set(Condition)


RIGHT_ACTOR = Actor(
    "a1", frozenset(), frozenset({"p1"}), "p2", "11", frozenset({"b1"}), frozenset({Assignment("111", "*")}),
    (Grant("p1", frozenset(Action), LATER, "o1"),), (Glass("p1", LATER),), strong=True,
)  # fmt: skip
RIGHT_TARGET = Target("p1", "111", "b1", "o1", "a2", True, "a1", LATER, frozenset({"a2"}))
ALL_IS_RIGHT = (RIGHT_ACTOR, RIGHT_TARGET)
BREAKS: dict[str, tuple[Actor, Target]] = {
    "own": (replace(RIGHT_ACTOR, subjects=frozenset()), RIGHT_TARGET),
    "grant": (replace(RIGHT_ACTOR, grants=()), RIGHT_TARGET),
    "grant over": (replace(RIGHT_ACTOR, grants=(Grant("p1", frozenset(Action), NOW),)), RIGHT_TARGET),
    "grant for another offer": (RIGHT_ACTOR, replace(RIGHT_TARGET, offer="o2")),
    "grant for another act": (replace(RIGHT_ACTOR, grants=(Grant("p1", frozenset(), LATER),)), RIGHT_TARGET),
    "posted elsewhere": (replace(RIGHT_ACTOR, district="12"), RIGHT_TARGET),
    "posted nowhere": (replace(RIGHT_ACTOR, district=None), RIGHT_TARGET),
    "lies nowhere": (RIGHT_ACTOR, replace(RIGHT_TARGET, district=None)),
    "moved away": (RIGHT_ACTOR, replace(RIGHT_TARGET, district="112")),
    "shared out": (RIGHT_ACTOR, replace(RIGHT_TARGET, district="113")),
    "other benefits": (replace(RIGHT_ACTOR, programmes=frozenset({"b2"})), RIGHT_TARGET),
    "assigned elsewhere": (replace(RIGHT_ACTOR, assignments=frozenset({Assignment("12", "b1")})), RIGHT_TARGET),
    "assigned other work": (replace(RIGHT_ACTOR, assignments=frozenset({Assignment("111", "b2")})), RIGHT_TARGET),
    "closed": (RIGHT_ACTOR, replace(RIGHT_TARGET, is_open=False)),
    "no case": (RIGHT_ACTOR, replace(RIGHT_TARGET, is_open=None)),
    "lease over": (RIGHT_ACTOR, replace(RIGHT_TARGET, lease_until=NOW)),
    "not leased": (RIGHT_ACTOR, replace(RIGHT_TARGET, lease_holder=None, lease_until=None)),
    "leased by another": (RIGHT_ACTOR, replace(RIGHT_TARGET, lease_holder="a2")),
    "own file": (replace(RIGHT_ACTOR, person="p1"), RIGHT_TARGET),
    "own hand": (RIGHT_ACTOR, replace(RIGHT_TARGET, hands=frozenset({"a1", "a2"}))),
    "no first hand": (RIGHT_ACTOR, replace(RIGHT_TARGET, hands=frozenset())),
    "own account": (RIGHT_ACTOR, replace(RIGHT_TARGET, account="a1")),
    "no account": (RIGHT_ACTOR, replace(RIGHT_TARGET, account=None)),
    "glass whole": (replace(RIGHT_ACTOR, glasses=()), RIGHT_TARGET),
    "glass closed": (replace(RIGHT_ACTOR, glasses=(Glass("p1", NOW),)), RIGHT_TARGET),
    "another subject": (RIGHT_ACTOR, replace(RIGHT_TARGET, subject="p3")),
    "no subject": (RIGHT_ACTOR, replace(RIGHT_TARGET, subject=None)),
    "disabled": (replace(RIGHT_ACTOR, enabled=False), RIGHT_TARGET),
    "one factor": (replace(RIGHT_ACTOR, strong=False), RIGHT_TARGET),
}


@pytest.mark.parametrize("role", list(Role))
def test_a_request_with_one_thing_wrong_is_answered_as_the_oracle_does(role: Role) -> None:
    """Every act and purpose with all right, then each that is allowed with one thing wrong after the other."""
    for action, purpose in itertools.product(Action, Purpose):
        allowed = False
        for name, (somebody, target) in {"": ALL_IS_RIGHT, **BREAKS}.items():
            actor = replace(somebody, roles=frozenset({role}))
            wanted = may(actor, str(action), target, str(purpose))
            assert decide(actor, action, target, purpose, MOMENT).allowed == wanted, (action, purpose, name)
            allowed = allowed or wanted
            if not name and not allowed:
                break


def test_each_condition_of_each_row_is_needed() -> None:
    """Taken out of its row, it would be missed: some request above is refused for it alone."""
    for row in PERMISSIONS:
        for condition in row.conditions:
            (action, *_) = sorted(row.actions)
            refused = {
                decide(replace(actor, roles=frozenset({row.role})), action, target, row.purpose, MOMENT).reason
                for actor, target in BREAKS.values()
            }
            assert condition in refused, (row, condition)
