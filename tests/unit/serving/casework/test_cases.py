"""Queues, leases, notes, and what somebody is told who comes second."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import Connection, select, text

from features.documents import Wording
from features.facts.areas import Area, Areas
from serving.casework.cases import change_case, close_case, read_case
from serving.casework.clocks import Kind
from serving.casework.decisions import Judgement
from serving.casework.errors import ConflictError, NotAllowedError, NotFoundError
from serving.casework.leases import (
    claim,
    claim_next,
    pause,
    release,
    renew,
    resume,
    send_elsewhere,
    take_over,
    word_for,
)
from serving.casework.moves import read_entitlement
from serving.casework.notes import add_note, notes_of
from serving.casework.queues import UNASSIGNED, Desk, desk_in, oldest, overdue, to_agree_to, waiting
from serving.casework.review import Verdict
from serving.casework.states import Actor
from serving.store.tables.casework import case_event
from tests.cases_world import (
    ANN,
    BEN,
    CLOCKS,
    DESK,
    DISTRICT,
    SUE,
    a_case,
    decided,
    in_review,
    later,
    seal,
    state_of,
    unseal,
)
from tests.casework_world import MORNING, count

AREAS = Areas(
    {
        code: Area(code, Wording(code, code), parent)
        for code, parent in (("11", None), ("1101", "11"), ("110101", "1101"), ("110102", "1101"), ("1102", "11"))
    }
)


def test_need_comes_first_then_the_day_then_the_models_order(connection: Connection) -> None:
    late = a_case(connection, subject="late", at=later(days=-3))
    likely = a_case(connection, subject="likely", priority=0.9)
    unlikely = a_case(connection, subject="unlikely", priority=0.1)
    unscored = a_case(connection, subject="unscored")
    needy = a_case(connection, subject="needy", at=later(days=3), hardship=True)
    order = [case.id for case in waiting(connection, DESK)]
    assert order == [needy.id, late.id, likely.id, unlikely.id, unscored.id]
    taken = [claim_next(connection, DESK, ANN, MORNING) for _ in range(6)]
    assert [case.id if case else None for case in taken] == [*order, None]


def test_without_a_models_order_the_same_is_decided(connection: Connection) -> None:
    def outcomes(scores: list[float | None], name: str) -> dict[str, str]:
        found = {}
        for number, score in enumerate(scores):
            of = in_review(connection, f"{name}{number}", tier="confirm")
            a_case(connection, of, priority=score)
        while (case := claim_next(connection, DESK, ANN, MORNING)) is not None:
            of = read_entitlement(connection, case.entitlement or 0)
            verdict = Verdict.OFFER if of.subject[-1] in "02" else Verdict.ASK
            release(connection, case, ANN, MORNING)
            made = decided(connection, read_case(connection, case.id), Judgement(verdict, "DUPLICATE", "as seen"))
            found[of.subject.removeprefix(name)] = f"{state_of(connection, of)} {made.overrides} {made.needs_second}"
        return found

    with_model = outcomes([0.1, 0.9, 0.5, 0.7], "a")
    assert with_model == outcomes([None] * 4, "b") == outcomes([0.9, 0.1, 0.2, 0.3], "c")
    assert len(with_model) == 4


def test_a_desk_holds_its_district_and_all_that_lies_in_it(connection: Connection) -> None:
    cases = {
        where: a_case(connection, subject=where, district=where).id
        for where in ("110101", "110102", "1102", UNASSIGNED)
    }

    def seen(district: str) -> set[str]:
        found = {case.id for case in waiting(connection, desk_in(AREAS, district))}
        return {where for where, number in cases.items() if number in found}

    assert seen("110101") == {"110101"}
    assert seen("1101") == {"110101", "110102"}
    assert seen("11") == set(cases)


def test_a_desk_may_be_for_some_benefits_kinds_and_levels(connection: Connection) -> None:
    review = a_case(connection, subject="a", benefit="b1")
    objection = a_case(connection, subject="b", benefit="b2", kind=Kind.OBJECTION)
    here = frozenset({DISTRICT})
    assert [case.id for case in waiting(connection, Desk(here, frozenset({"b1"})))] == [review.id]
    assert [case.id for case in waiting(connection, Desk(here, None, frozenset({Kind.OBJECTION})))] == [objection.id]
    assert waiting(connection, Desk(here, least_level=1)) == []


def test_one_case_is_open_for_an_entitlement_and_kind(connection: Connection) -> None:
    of = in_review(connection)
    first = a_case(connection, of)
    assert a_case(connection, of) == first
    assert a_case(connection, of, kind=Kind.APPEAL).id != first.id
    closed = close_case(connection, first, (Actor.OFFICER, ANN), MORNING, "superseded")
    assert (closed.state, closed.closed_at) == ("closed", MORNING)
    assert a_case(connection, of).id != first.id
    with pytest.raises(NotAllowedError, match="is closed"):
        close_case(connection, closed, (Actor.OFFICER, ANN), MORNING, "superseded")
    with pytest.raises(NotAllowedError, match="is closed"):
        change_case(connection, closed, "prodded", (Actor.OFFICER, ANN), MORNING, {"hardship": True})
    with pytest.raises(NotFoundError):
        read_case(connection, 0)


def test_a_lease_lasts_a_quarter_of_an_hour_and_longer_while_one_works(connection: Connection) -> None:
    case = claim(connection, a_case(connection), ANN, MORNING)
    assert (case.lease_holder, case.lease_until, case.first_touch_at) == (ANN, later(minutes=15), MORNING)
    with pytest.raises(NotAllowedError, match=r"another officer's hands until 01:15 UTC"):
        claim(connection, case, BEN, later(minutes=14))
    renew(connection, case.id, ANN, later(minutes=10))
    add_note(connection, case.id, ANN, "called, no answer", seal, later(minutes=20))
    case = read_case(connection, case.id)
    assert case.lease_until == later(minutes=35)
    with pytest.raises(NotAllowedError, match="or no longer"):
        renew(connection, case.id, ANN, later(minutes=35))
    case = claim(connection, case, BEN, later(minutes=35))
    assert (case.lease_holder, case.first_touch_at) == (BEN, MORNING)
    with pytest.raises(NotAllowedError, match="not in your hands"):
        release(connection, case, ANN, later(minutes=36))


def test_a_supervisor_takes_over_and_the_former_holder_is_told(connection: Connection) -> None:
    case = a_case(connection)
    with pytest.raises(NotAllowedError, match="claim it"):
        take_over(connection, case, SUE, MORNING)
    case = take_over(connection, claim(connection, case, ANN, MORNING), SUE, later(minutes=1), to=BEN)
    assert case.lease_holder == BEN
    assert word_for(connection, ANN) == [(case.id, "taken_over", SUE)]
    assert count(connection, "case_event", f"case_file = {case.id} AND action = 'taken_over' AND actor = '{SUE}'") == 1
    assert count(connection, "audit_intent", f"action = 'case:taken_over' AND object_id = '{case.id}'") == 1


def test_who_comes_second_is_told_what_has_changed(connection: Connection) -> None:
    read = claim(connection, a_case(connection), ANN, MORNING)
    release(connection, read, ANN, later(minutes=1))
    claim(connection, read_case(connection, read.id), BEN, later(minutes=2))
    with pytest.raises(ConflictError, match=f"case {read.id} has changed since it was read") as conflict:
        pause(connection, read, "in_court", ANN, later(minutes=3), CLOCKS)
    error = conflict.value
    assert (error.what, error.number, error.expected, error.found) == ("case", read.id, 1, 3)
    assert [(change.revision, change.actor, change.action) for change in error.changes] == [
        (2, ANN, "released"),
        (3, BEN, "leased"),
    ]
    assert error.changes[0].fields["lease_holder"] == (ANN, None)
    assert error.changes[1].fields["lease_holder"] == (None, BEN)


def test_a_clock_stops_for_a_reason_and_goes_on(connection: Connection) -> None:
    case = claim(connection, a_case(connection), ANN, MORNING)
    with pytest.raises(NotAllowedError, match="no reason to stop a clock"):
        pause(connection, case, "busy", ANN, MORNING, CLOCKS)
    paused = pause(connection, case, "waiting_for_citizen", ANN, later(minutes=1), CLOCKS)
    with pytest.raises(NotAllowedError, match="stands already"):
        pause(connection, paused, "in_court", ANN, later(minutes=2), CLOCKS)
    release(connection, paused, ANN, later(minutes=2))
    assert claim_next(connection, DESK, BEN, later(minutes=3)) is None
    resumed = resume(connection, read_case(connection, case.id), (Actor.OFFICER, BEN), later(days=14), CLOCKS)
    assert (resumed.paused_at, resumed.due_at - case.due_at) == (None, later(days=15) - MORNING)
    with pytest.raises(NotAllowedError, match="does not stand"):
        resume(connection, resumed, (Actor.OFFICER, BEN), later(days=14), CLOCKS)
    late = claim(connection, resumed, ANN, later(days=60))
    with pytest.raises(NotAllowedError, match="overdue"):
        pause(connection, late, "in_court", ANN, later(days=60), CLOCKS)


def test_a_case_is_sent_to_another_district(connection: Connection) -> None:
    case = claim(connection, a_case(connection), ANN, MORNING)
    sent = send_elsewhere(connection, case, "110102", ANN, MORNING)
    assert (sent.district, sent.lease_holder, sent.due_at) == ("110102", None, case.due_at)


def test_notes_are_sealed_each_for_its_place(connection: Connection) -> None:
    case, other = a_case(connection, subject="a"), a_case(connection, subject="b")
    add_note(connection, case.id, ANN, "住院到周五", seal, MORNING)
    add_note(connection, case.id, BEN, "called the ward", seal, MORNING)
    add_note(connection, other.id, BEN, "another one", seal, MORNING)
    assert [(note.author, note.text) for note in notes_of(connection, case.id, unseal)] == [
        (ANN, "住院到周五"),
        (BEN, "called the ward"),
    ]
    stored = connection.execute(select(case_event).where(case_event.c.note.is_not(None))).mappings().all()
    assert all("住院".encode() not in row["note"] for row in stored)
    with pytest.raises(InvalidTag):
        unseal(stored[0]["note"], case_event.c.note, stored[1])  # type: ignore[arg-type]
    with pytest.raises(NotAllowedError, match="without words"):
        add_note(connection, case.id, ANN, " ", seal, MORNING)


def test_a_note_is_in_nobodys_way(connection: Connection) -> None:
    read = claim(connection, a_case(connection), ANN, MORNING)
    add_note(connection, read.id, BEN, "he rang us too", seal, MORNING)
    assert release(connection, read, ANN, MORNING).lease_holder is None


def test_the_second_persons_queue_leaves_out_ones_own_proposals(connection: Connection) -> None:
    judgement = Judgement(Verdict.DENY, "DUPLICATE", "two of them")
    made = decided(connection, a_case(connection, in_review(connection)), judgement)
    assert to_agree_to(connection, DESK, ANN) == []
    assert [case.id for case in to_agree_to(connection, DESK, BEN)] == [made.case]
    assert claim_next(connection, DESK, BEN, MORNING) is None


def test_how_old_the_work_is_can_be_seen_without_a_row_about_anybody(connection: Connection) -> None:
    a_case(connection, subject="old", at=later(days=-30))
    a_case(connection, subject="new")
    (found,) = oldest(connection)
    assert (found.cases, found.oldest_opened_at, found.escalation) == (2, later(days=-30), 0)
    assert [case.subject for case in overdue(connection, DESK, MORNING)] == ["old"]
    connection.execute(text("SET LOCAL ROLE applyfree_operator"))
    assert len(oldest(connection)) == 1
