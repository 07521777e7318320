"""Acting on many cases at once."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serving.background.oldest import oldest_items
from serving.casework.bulk import agree_to_bulk, carry_out_agreed, open_singly, propose_bulk, return_bulk, undo_bulk
from serving.casework.bulk_acts import Bulk, live_acts, look_again, read_bulk
from serving.casework.bulk_preview import preview
from serving.casework.cases import read_case
from serving.casework.clocks import Kind
from serving.casework.decisions import propose_for_bulk, put_in_force
from serving.casework.errors import ConflictError, NotAllowedError, NotFoundError
from serving.casework.leases import claim, word_for
from serving.casework.moves import make_move, read_entitlement
from serving.casework.queues import Desk, to_agree_to
from serving.casework.review import TAKING_AWAY, Verdict
from serving.casework.states import State
from serving.store.server import EmbeddedServer
from tests.cases_world import ANN, BEN, DESK, a_case, in_review, later
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
        objected = a_case(connection, in_review(connection, "objects"), kind=Kind.OBJECTION).id
        everything = [*numbers, odd, capped, automatic, in_hand, about_none, unmeasured, objected]
        seen = preview(connection, everything, Verdict.OFFER, MORNING)
    assert [case.id for case in seen.cases] == [*numbers, odd, unmeasured]
    assert (seen.totals, seen.unmeasured) == ({"CNY": 290_000}, 1)
    assert seen.by_benefit == {"advanced_age_allowance": 12}
    assert seen.outliers == (odd,)
    assert seen.left_out == {
        capped: "above_cap",
        automatic: "by_itself",
        in_hand: "in_hand",
        about_none: "no_entitlement",
        objected: "own_matter",
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
    assert _overdue(engine, 59) is False
    assert _overdue(engine, 61) is True  # nobody carries it out: somebody has to look
    assert carry_out_agreed(engine, later(minutes=30)) == {act.id: (41, 0)}
    assert _overdue(engine, 61) is False
    assert carry_out_agreed(engine, later(minutes=60)) == {}
    with engine.begin() as connection:
        assert count(connection, "move", f"to_state = 'offered' AND actor = '{ANN}' AND second = '{BEN}'") == 41
        assert count(connection, "decision", f"bulk_act = {act.id} AND state = 'in_force'") == 41
        assert count(connection, "recommendation_shown") == 0
        with pytest.raises(NotAllowedError, match="no longer be undone"):
            undo_bulk(connection, act, BEN, later(minutes=31))


def _overdue(engine: Engine, minutes: int) -> bool:
    with engine.connect() as connection:
        (found,) = [one for one in oldest_items(connection, later(minutes=minutes)) if one.name == "bulk_acts_agreed"]
        return found.stuck


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


def another_amount(connection: Connection, case: int, amount_minor: int) -> None:
    """As a later sweep would set it."""
    of = read_case(connection, case).entitlement
    change = "UPDATE entitlement SET amount_minor = :amount WHERE id = :id"
    connection.execute(text(change), {"amount": amount_minor, "id": of})


def test_another_amount_is_another_fingerprint_and_stops_the_proposal(engine: Engine) -> None:
    with engine.begin() as connection:
        numbers = cases(connection, 3)
        seen = preview(connection, numbers, Verdict.OFFER, MORNING)
        assert preview(connection, numbers, Verdict.OFFER, later(minutes=1)).fingerprint == seen.fingerprint
        another_amount(connection, numbers[1], 20_001)
        now = preview(connection, numbers, Verdict.OFFER, MORNING)
        assert now.fingerprint != seen.fingerprint
        with pytest.raises(ConflictError, match="entitlement"), connection.begin_nested():
            propose_bulk(connection, seen, ANN, DRAW, MORNING)
        assert count(connection, "bulk_act") == 0
        assert propose_bulk(connection, now, ANN, DRAW, MORNING).size == 3


def test_an_amount_that_changed_after_the_proposal_is_left(engine: Engine) -> None:
    with engine.begin() as connection:
        act = agree_to_bulk(connection, opened(connection, an_act(connection, 5)), BEN, MORNING)
        another_amount(connection, act.cases[0], 2_000_000)
        now = look_again(connection, act)
        assert (now.left_out, len(now.lines)) == ({act.cases[0]: "changed"}, 4)
    assert carry_out_agreed(engine, later(hours=1)) == {act.id: (4, 1)}
    with engine.begin() as connection:
        assert read_bulk(connection, act.id).left == {act.cases[0]}
        assert count(connection, "move", "to_state = 'offered'") == 4


def test_the_database_too_carries_out_nothing_but_what_was_seen(engine: Engine) -> None:
    """Whoever writes past the services: the item says what was seen, and a decision is bound to that."""
    with engine.begin() as connection:
        act = agree_to_bulk(connection, opened(connection, an_act(connection, 2, Verdict.OFFER)), BEN, MORNING)
        case = read_case(connection, act.cases[0])
        another_amount(connection, case.id, 2_000_000)
        for officer in (ANN, BEN):
            connection.execute(
                text("INSERT INTO provisional_view VALUES (:case, :officer, 'grant', now())"),
                {"case": case.id, "officer": officer},
            )
        made = propose_for_bulk(connection, case, ANN, act.verdict, act.id, later(hours=1))
        with pytest.raises(ConflictError):
            put_in_force(connection, case, made, BEN, later(hours=1))


_ITEM = "INSERT INTO bulk_item (bulk_act, case_file, revision, must_open{more}) VALUES (:act, :case, 1, true{values})"


def test_an_item_that_does_not_say_what_was_seen_is_bound_to_what_stands(engine: Engine) -> None:
    """The release before writes such; and one that says otherwise than it stands is refused."""
    with engine.begin() as connection:
        act = an_act(connection, 1)
        case = a_case(connection, in_review(connection, "late"))
        row = {"act": act.id, "case": case.id}
        stale = _ITEM.format(more=", of_revision, of_amount_minor", values=", 1, 19999")
        with pytest.raises(DBAPIError, match="changed since it was seen"), connection.begin_nested():
            connection.execute(text(stale), row)
        connection.execute(text(_ITEM.format(more="", values="")), row)
        query = text("SELECT of_revision, of_amount_minor FROM bulk_item WHERE case_file = :case")
        assert connection.execute(query, row).one() == (1, 20_000)


def test_acts_are_found_by_their_author_and_by_whoever_has_their_cases_before_them(engine: Engine) -> None:
    elsewhere = Desk(frozenset({"110102"}))
    with engine.begin() as connection:
        act = an_act(connection, 3)
        assert [one.id for one in live_acts(connection, ANN, [elsewhere])] == [act.id]
        assert [one.id for one in live_acts(connection, BEN, [DESK, elsewhere])] == [act.id]
        assert live_acts(connection, BEN, [elsewhere]) == []
        # Case by case there is nothing to agree to.
        assert to_agree_to(connection, DESK, BEN) == []
        return_bulk(connection, act, BEN, MORNING)
        assert live_acts(connection, ANN, [DESK]) == []


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
