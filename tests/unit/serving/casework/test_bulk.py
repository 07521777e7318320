"""Acting on many cases at once."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from serving.casework.bulk import (
    Bulk,
    agree_to_bulk,
    carry_out_agreed,
    open_singly,
    preview,
    propose_bulk,
    read_bulk,
    return_bulk,
    undo_bulk,
)
from serving.casework.cases import read_case
from serving.casework.errors import ConflictError, NotAllowedError, NotFoundError
from serving.casework.leases import claim, word_for
from serving.casework.moves import make_move, read_entitlement
from serving.casework.review import TAKING_AWAY, Verdict
from serving.casework.states import State
from serving.store.server import EmbeddedServer
from tests.cases_world import ANN, BEN, a_case, in_review, later
from tests.casework_world import CITIZEN, MORNING, casework_database, count

DRAW = random.Random(7)


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


def cases(connection: Connection, count: int, **of: object) -> list[int]:
    return [a_case(connection, in_review(connection, f"p{number}", **of)).id for number in range(count)]


def an_act(connection: Connection, count: int = 41, verdict: Verdict = Verdict.OFFER) -> Bulk:
    seen = preview(connection, cases(connection, count), verdict, MORNING)
    return propose_bulk(connection, seen, ANN, DRAW, MORNING)


def opened(connection: Connection, act: Bulk) -> Bulk:
    for case in act.unopened:
        open_singly(connection, act, case, ANN, MORNING)
    return read_bulk(connection, act.id)


def test_a_preview_tells_totals_and_outliers_and_what_is_decided_by_itself(engine: Engine) -> None:
    with engine.begin() as connection:
        numbers = cases(connection, 10)
        odd = a_case(connection, in_review(connection, "odd", amount_minor=90_000)).id
        capped = a_case(connection, in_review(connection, "capped", over_cap=True)).id
        automatic = a_case(connection, in_review(connection, "auto", tier="automatic")).id
        in_hand = claim(connection, a_case(connection, in_review(connection, "hand")), BEN, MORNING).id
        about_none = a_case(connection, subject="none").id
        unmeasured = a_case(connection, in_review(connection, "kind", amount_minor=None)).id
        everything = [*numbers, odd, capped, automatic, in_hand, about_none, unmeasured]
        seen = preview(connection, everything, Verdict.OFFER, MORNING)
    assert [case.id for case in seen.cases] == [*numbers, odd, unmeasured]
    assert (seen.totals, seen.unmeasured) == ({"CNY": 290_000}, 1)
    assert seen.by_benefit == {"advanced_age_allowance": 12}
    assert seen.outliers == (odd,)
    assert {number: reason.split(":")[0] for number, reason in seen.left_out.items()} == {
        capped: f"Case {capped} is above its cap",
        automatic: f"Case {automatic} would be decided otherwise than recommended",
        in_hand: f"Case {in_hand} is in hand.",
        about_none: f"Case {about_none} is about no entitlement.",
    }


@pytest.mark.parametrize("verdict", sorted(TAKING_AWAY))
def test_nothing_is_taken_away_from_many_at_once(engine: Engine, verdict: Verdict) -> None:
    with engine.begin() as connection, pytest.raises(NotAllowedError, match="case by case"):
        preview(connection, [1, 2], verdict, MORNING)


@pytest.mark.parametrize("numbers", [range(201), range(0)])
def test_an_act_is_on_200_cases_at_most(engine: Engine, numbers: range) -> None:
    with engine.begin() as connection, pytest.raises(NotAllowedError, match="1 to 200"):
        preview(connection, list(numbers), Verdict.OFFER, MORNING)


def test_the_whole_way(engine: Engine) -> None:
    with engine.begin() as connection:
        act = an_act(connection)
        assert (len(act.drawn), act.state) == (3, "proposed")
        with pytest.raises(NotAllowedError, match="3 drawn, 3 of them not opened"):
            agree_to_bulk(connection, act, BEN, MORNING)
        with pytest.raises(NotAllowedError, match="not in a proposal of yours"):
            open_singly(connection, act, min(act.drawn), BEN, MORNING)
        act = opened(connection, act)
        with pytest.raises(NotAllowedError, match="ask a colleague"):
            agree_to_bulk(connection, act, ANN, MORNING)
        act = agree_to_bulk(connection, act, BEN, MORNING)
    assert carry_out_agreed(engine, later(minutes=29)) == {}
    with engine.begin() as connection:
        assert count(connection, "move", "to_state = 'offered'") == 0
    assert carry_out_agreed(engine, later(minutes=30)) == {act.id: (41, 0)}
    assert carry_out_agreed(engine, later(minutes=60)) == {}
    with engine.begin() as connection:
        assert count(connection, "move", f"to_state = 'offered' AND actor = '{ANN}' AND second = '{BEN}'") == 41
        assert count(connection, "decision", f"bulk_act = {act.id} AND state = 'in_force'") == 41
        assert count(connection, "recommendation_shown") == 0
        with pytest.raises(NotAllowedError, match="no longer be undone"):
            undo_bulk(connection, act, BEN, later(minutes=31))


def test_what_is_undone_in_time_was_never_delivered(engine: Engine) -> None:
    with engine.begin() as connection:
        act = agree_to_bulk(connection, opened(connection, an_act(connection, 5)), BEN, MORNING)
        undo_bulk(connection, act, BEN, later(minutes=29))
        assert word_for(connection, ANN) == [(act.cases[0], "undone", BEN)]
    assert carry_out_agreed(engine, later(hours=2)) == {}
    with engine.begin() as connection:
        assert {read_case(connection, case).state for case in act.cases} == {"open"}
        assert count(connection, "outbox") == count(connection, "decision") == 0


def test_a_case_whose_citizen_said_no_meanwhile_is_left(engine: Engine) -> None:
    with engine.begin() as connection:
        act = agree_to_bulk(connection, opened(connection, an_act(connection, 5)), BEN, MORNING)
        of = read_case(connection, act.cases[2]).entitlement
        make_move(connection, read_entitlement(connection, of or 0), State.REFUSED, CITIZEN, later(minutes=5))
    assert carry_out_agreed(engine, later(hours=1)) == {act.id: (4, 1)}
    with engine.begin() as connection:
        assert read_case(connection, act.cases[2]).state == "open"
        assert read_entitlement(connection, of or 0).state is State.REFUSED
        left = connection.execute(text("SELECT case_file FROM bulk_item WHERE outcome = 'left'")).scalars().all()
        assert left == [act.cases[2]]


def test_a_case_that_changed_since_the_preview_stops_the_proposal(engine: Engine) -> None:
    with engine.begin() as connection:
        seen = preview(connection, cases(connection, 3), Verdict.OFFER, MORNING)
        claim(connection, seen.cases[1], BEN, MORNING)
        with pytest.raises(ConflictError), connection.begin_nested():
            propose_bulk(connection, seen, ANN, DRAW, MORNING)
        assert count(connection, "bulk_act") == 0


def test_a_proposal_that_is_returned_leaves_its_cases_open(engine: Engine) -> None:
    with engine.begin() as connection:
        act = an_act(connection, 3)
        return_bulk(connection, act, BEN, MORNING)
        assert {read_case(connection, case).state for case in act.cases} == {"open"}
        with pytest.raises(NotAllowedError, match="one step at a time"):
            agree_to_bulk(connection, act, BEN, MORNING)
        with pytest.raises(NotFoundError):
            read_bulk(connection, 0)


def test_which_are_drawn_is_left_to_chance(engine: Engine) -> None:
    with engine.begin() as connection:
        seen = preview(connection, cases(connection, 60), Verdict.OFFER, MORNING)
        draws = set()
        for seed in range(5):
            savepoint = connection.begin_nested()
            draws.add(propose_bulk(connection, seen, ANN, random.Random(seed), MORNING).drawn)
            savepoint.rollback()
        assert len(draws) > 1
