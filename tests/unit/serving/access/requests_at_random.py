"""Requests made at random, over a small map, so that every condition holds and fails often."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TypeVar

from hypothesis import strategies as st

from features.documents import Wording
from features.facts.areas import Area, Areas
from serving.access.actions import Action, Purpose
from serving.access.actors import Actor, Assignment, Glass, Grant, Target
from serving.access.conditions import Moment
from serving.access.roles import Role

_Thing = TypeVar("_Thing", Actor, Target)

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
LATER, EARLIER = NOW + dt.timedelta(minutes=1), NOW - dt.timedelta(minutes=1)


def _area(code: str, parent: str | None, end: dt.date | None = None, successors: tuple[str, ...] = ()) -> Area:
    return Area(code, Wording(code, code), parent, None, end, successors)


AREAS = Areas(
    {
        area.code: area
        for area in (
            _area("1", None), _area("11", "1"), _area("111", "11"), _area("12", "1"),
            _area("112", "11", dt.date(2026, 1, 1), ("12",)),  # moved to the other city
            _area("113", "11", dt.date(2026, 1, 1), ("111", "12")),  # shared out
        )
    }
)  # fmt: skip
MOMENT = Moment(NOW, dt.date(2026, 3, 2), AREAS)

SUBJECTS = st.sampled_from(["p1", "p2"])
ACCOUNTS = st.sampled_from(["a1", "a2"])
DISTRICTS = st.sampled_from(["1", "11", "111", "112", "113", "12", "99"])
PROGRAMMES = st.sampled_from(["b1", "b2"])
POSTED = st.sampled_from(["b1", "b2", "*"])
UNTIL = st.sampled_from([EARLIER, NOW, LATER])
ROLE_SETS = st.one_of(
    st.sampled_from(list(Role)).map(lambda role: frozenset({role})),
    st.sampled_from(
        [
            frozenset({Role.CASEWORKER, Role.SUPERVISOR}), frozenset({Role.SUPERVISOR, Role.POLICY}),
            frozenset({Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN}), frozenset({Role.OPERATOR, Role.CASEWORKER}),
            frozenset({Role.CITIZEN, Role.CASEWORKER}), frozenset[Role](),
        ]
    ),
)  # fmt: skip

_grants = st.builds(
    Grant,
    subject=SUBJECTS,
    actions=st.sampled_from(
        [frozenset({Action.OFFER_READ, Action.OFFER_ANSWER}), frozenset({Action.HELP_GIVE}), frozenset(Action)]
    ),
    until=UNTIL,
    offer=st.sampled_from([None, "o1", "o2"]),
)
_ANY_ACTOR = st.builds(
    Actor,
    account=ACCOUNTS,
    roles=ROLE_SETS,
    subjects=st.frozensets(SUBJECTS, max_size=1),
    person=st.none() | SUBJECTS,
    district=st.none() | DISTRICTS,
    programmes=st.frozensets(POSTED, max_size=2),
    assignments=st.frozensets(st.builds(Assignment, district=DISTRICTS, programme=POSTED), max_size=2),
    grants=st.lists(_grants, max_size=2).map(tuple),
    glasses=st.lists(st.builds(Glass, subject=SUBJECTS, until=UNTIL), max_size=1).map(tuple),
    enabled=st.sampled_from([True, True, True, False]),
    strong=st.sampled_from([True, True, True, False]),
)
_ANY_TARGET = st.builds(
    Target,
    subject=st.none() | SUBJECTS,
    district=st.none() | DISTRICTS,
    programme=st.none() | PROGRAMMES,
    offer=st.sampled_from([None, "o1", "o2"]),
    account=st.none() | ACCOUNTS,
    is_open=st.sampled_from([None, True, True, False]),
    lease_holder=st.none() | ACCOUNTS,
    lease_until=st.none() | UNTIL,
    hands=st.frozensets(ACCOUNTS, max_size=2),
)


@st.composite
def _nearly(draw: st.DrawFn, right: _Thing, other: st.SearchStrategy[_Thing]) -> _Thing:
    """What fulfils nearly every condition, but for up to two of its parts: else the later ones are never reached."""
    wrong = draw(other)
    names = draw(st.lists(st.sampled_from([part.name for part in dataclasses.fields(right)]), max_size=2))
    return dataclasses.replace(right, **{name: getattr(wrong, name) for name in names})


@st.composite
def _right_actors(draw: st.DrawFn) -> Actor:
    grants = (Grant("p1", frozenset(Action), LATER),)
    right = Actor("a1", draw(ROLE_SETS), frozenset({"p1"}), "p2", "11", frozenset({"b1"}),
                  frozenset({Assignment("111", "*")}), grants, (Glass("p1", LATER),), strong=True)  # fmt: skip
    return draw(_nearly(right, _ANY_ACTOR))


_RIGHT_TARGET = Target("p1", "111", "b1", "o1", "a2", True, "a1", LATER, frozenset({"a2"}))
ACTORS = _ANY_ACTOR | _right_actors()
TARGETS = _ANY_TARGET | _nearly(_RIGHT_TARGET, _ANY_TARGET)
ACTIONS, PURPOSES = st.sampled_from(Action), st.sampled_from(Purpose)
