"""The order of a review, what a decision needs, and what it does."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from serving.casework.carrying_out import asked_back_minor, owed_minor
from serving.casework.cases import read_case
from serving.casework.decisions import (
    Decision,
    Judgement,
    agree_as_second,
    decide,
    decisions_of,
    proposal_of,
    return_to_author,
    words_of,
)
from serving.casework.errors import ConflictError, NotAllowedError
from serving.casework.leases import claim, word_for
from serving.casework.moves import Entitlement, make_move, read_entitlement
from serving.casework.notes import notes_of
from serving.casework.reasons import reasons
from serving.casework.review import (
    TAKING_AWAY,
    Verdict,
    View,
    recommendation_for,
    record_view,
    show_part,
    show_recommendation,
)
from serving.casework.states import State
from tests.cases_world import (
    ANN,
    BEN,
    CAI,
    CLOCKS,
    a_case,
    agreed,
    decided,
    in_review,
    later,
    seal,
    state_of,
    taken_up,
    unseal,
)
from tests.casework_world import CITIZEN, MORNING, an_entitlement, count, moved

WORDS = "seen at home, lives alone"


def paid(connection: Connection, subject: str = "p1") -> Entitlement:
    """Arrived, and in review again."""
    found = an_entitlement(connection, subject, tier="automatic")
    way = (State.APPROVED, State.SUBMITTED, State.PAID, State.MONITORED, State.REVIEW)
    return moved(connection, found, *way)


def test_nothing_is_recommended_before_one_has_a_view(connection: Connection) -> None:
    case = claim(connection, a_case(connection, in_review(connection)), ANN, MORNING)
    with pytest.raises(NotAllowedError, match="First record your own view"):
        show_recommendation(connection, case, ANN, MORNING)
    with pytest.raises(NotAllowedError, match="First record your own view"):
        show_part(connection, case, ANN, "similar", MORNING, lambda: pytest.fail("looked for before it was allowed"))
    assert count(connection, "recommendation_shown") == 0
    record_view(connection, case, ANN, View.GRANT, MORNING)
    assert show_recommendation(connection, case, ANN, MORNING).verdict is Verdict.OFFER
    assert (
        show_part(connection, case, ANN, "contributions", MORNING, lambda: "what it looked at") == "what it looked at"
    )
    assert count(connection, "recommendation_shown", f"case_file = {case.id}") == 2
    shown = connection.execute(text("SELECT verdict FROM recommendation_shown WHERE part = 'recommendation'"))
    assert shown.scalar_one() == "offer"


def test_a_view_needs_the_case_in_hand_and_is_given_once(connection: Connection) -> None:
    case = a_case(connection, in_review(connection))
    with pytest.raises(NotAllowedError, match="not in your hands"):
        record_view(connection, case, ANN, View.GRANT, MORNING)
    case = taken_up(connection, case)
    with pytest.raises(NotAllowedError, match="stays as it is"):
        record_view(connection, case, ANN, View.REFUSE, MORNING)
    with pytest.raises(NotAllowedError, match="not in your hands"):
        record_view(connection, case, BEN, View.REFUSE, MORNING)


def test_without_a_view_nothing_is_decided(connection: Connection) -> None:
    case = claim(connection, a_case(connection, in_review(connection)), ANN, MORNING)
    with pytest.raises(NotAllowedError, match="First record your own view"):
        decide(connection, case, ANN, Judgement(Verdict.OFFER), seal, CLOCKS, MORNING)


ROUTES: dict[Verdict, State] = {
    Verdict.OFFER: State.OFFERED,
    Verdict.GRANT: State.APPROVED,
    Verdict.ASK: State.ASK,
    Verdict.DENY: State.DENIED,
    Verdict.SUSPEND: State.SUSPENDED,
    Verdict.END: State.ENDED,
}


@pytest.mark.parametrize("verdict", ROUTES)
def test_a_verdict_is_carried_out_with_the_decision(connection: Connection, verdict: Verdict) -> None:
    of = in_review(connection)
    made = decided(connection, a_case(connection, of), Judgement(verdict, "LAW_EXCEPTION", WORDS, "第七条"))
    if verdict in TAKING_AWAY:
        assert (made.state, state_of(connection, of)) == ("proposed", State.REVIEW)
        made = agreed(connection, made)
    assert (made.state, state_of(connection, of)) == ("in_force", ROUTES[verdict])
    assert read_case(connection, made.case).state == "closed"
    assert count(connection, "move", f"decision = {made.id} AND case_file = {made.case}") == 1
    assert count(connection, "audit_intent", f"object = 'decision' AND object_id = '{made.id}'") == 2


def test_what_arrived_is_kept_or_asked_back_and_not_granted_again(connection: Connection) -> None:
    of = paid(connection)
    case = a_case(connection, of)
    assert recommendation_for(connection, case).verdict is Verdict.KEEP
    case = taken_up(connection, case)
    for verdict in (Verdict.GRANT, Verdict.OFFER, Verdict.DENY):
        judgement = Judgement(verdict, "DATA_WRONG", WORDS)
        with pytest.raises(NotAllowedError, match="is not for money that has arrived"):
            decide(connection, case, ANN, judgement, seal, CLOCKS, MORNING)
    judgement = Judgement(Verdict.RECLAIM, "DUPLICATE", WORDS, amount_minor=5_000)
    made = decide(connection, case, ANN, judgement, seal, CLOCKS, MORNING)
    assert asked_back_minor(connection, of.id) == 0
    agreed(connection, made)
    assert (asked_back_minor(connection, of.id), state_of(connection, of)) == (5_000, State.MONITORED)
    assert count(connection, "outbox", f"entitlement = {of.id} AND kind = 'grant'") == 1


def test_a_reduction_says_what_is_left_and_can_be_taken_back(connection: Connection) -> None:
    of = in_review(connection)
    made = decided(connection, a_case(connection, of), Judgement(Verdict.REDUCE, "DUPLICATE", WORDS, None, 12_000))
    assert owed_minor(connection, of.id) == 20_000
    agreed(connection, made)
    assert (owed_minor(connection, of.id), state_of(connection, of)) == (12_000, State.APPROVED)
    again = make_move(connection, read_entitlement(connection, of.id), State.REVIEW, CITIZEN, MORNING)
    judgement = Judgement(Verdict.GRANT, "HARDSHIP_DISCRETION", WORDS, "第九条")
    decided(connection, a_case(connection, again), judgement)
    assert (owed_minor(connection, of.id), state_of(connection, of)) == (20_000, State.APPROVED)


def test_a_reduction_reduces(connection: Connection) -> None:
    for amount in (20_000, 30_000):
        of = in_review(connection, f"p{amount}")
        judgement = Judgement(Verdict.REDUCE, "DUPLICATE", WORDS, amount_minor=amount)
        made = decided(connection, a_case(connection, of), judgement)
        with pytest.raises(NotAllowedError, match="no reduction, or more than there was"):
            agreed(connection, made)
        assert owed_minor(connection, of.id) == 20_000


def test_what_was_suspended_goes_on(connection: Connection) -> None:
    of = paid(connection)
    agreed(connection, decided(connection, a_case(connection, of), Judgement(Verdict.SUSPEND, "DECEASED", WORDS)))
    again = read_entitlement(connection, of.id)
    case = a_case(connection, again)
    assert recommendation_for(connection, case).verdict is None
    decided(connection, case, Judgement(Verdict.REINSTATE))
    assert state_of(connection, of) is State.MONITORED
    assert count(connection, "outbox", f"entitlement = {of.id} AND kind = 'grant'") == 1


def test_what_was_suspended_before_it_arrived_is_paid_when_it_goes_on(connection: Connection) -> None:
    of = in_review(connection)
    agreed(connection, decided(connection, a_case(connection, of), Judgement(Verdict.SUSPEND, "DECEASED", WORDS)))
    decided(connection, a_case(connection, read_entitlement(connection, of.id)), Judgement(Verdict.REINSTATE))
    assert state_of(connection, of) is State.APPROVED


@pytest.mark.parametrize("verdict", [Verdict.OFFER, Verdict.GRANT, Verdict.ASK])
@pytest.mark.parametrize("tier", ["automatic", "confirm", "ask", "review"])
def test_to_disagree_takes_the_same_steps_as_to_agree(connection: Connection, tier: str, verdict: Verdict) -> None:
    of = in_review(connection, tier=tier)
    case = claim(connection, a_case(connection, of), ANN, MORNING)
    record_view(connection, case, ANN, View.UNSURE, MORNING)
    recommended = show_recommendation(connection, case, ANN, MORNING).verdict
    overrides = recommended is not None and recommended is not verdict
    reason = ("MODEL_RANK_WRONG", "the other list is right") if overrides else (None, None)
    made = decide(connection, case, ANN, Judgement(verdict, *reason), seal, CLOCKS, MORNING)
    assert (made.state, made.overrides, made.needs_second) == ("in_force", overrides, False)
    assert state_of(connection, of) is ROUTES[verdict]


@pytest.mark.parametrize("code", ["DATA_WRONG", "DATA_STALE", "DATA_MISSING"])
def test_whoever_says_that_a_record_is_wrong_says_which(connection: Connection, code: str) -> None:
    case = taken_up(connection, a_case(connection, in_review(connection)))
    with pytest.raises(NotAllowedError, match="choose the fact"):
        decide(connection, case, ANN, Judgement(Verdict.ASK, code, WORDS), seal, CLOCKS, MORNING)


INCOMPLETE = {
    "no code": (Judgement(Verdict.ASK), "choose a code"),
    "no such code": (Judgement(Verdict.ASK, "DATA_WRNG", WORDS), "Did you mean `DATA_WRONG`"),
    "no words": (Judgement(Verdict.ASK, "DUPLICATE", "  "), "your own words"),
    "no clause": (Judgement(Verdict.ASK, "LAW_EXCEPTION", WORDS), "needs the clause"),
    "no clause in hardship": (Judgement(Verdict.ASK, "HARDSHIP_DISCRETION", WORDS, " "), "needs the clause"),
    "19 characters": (Judgement(Verdict.ASK, "OTHER", "x" * 19 + " "), "at least 20 characters"),
    "denied without a reason": (Judgement(Verdict.DENY), "choose a code"),
    "reduced without an amount": (Judgement(Verdict.REDUCE, "DUPLICATE", WORDS), "comes with an amount"),
    "granted with an amount": (Judgement(Verdict.GRANT, "DUPLICATE", WORDS, None, 1), "comes without an amount"),
    "closed": (Judgement(Verdict.CLOSE, "DUPLICATE", WORDS), "waits for a judgement"),
}


@pytest.mark.parametrize(("judgement", "message"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_an_override_needs_its_reason(connection: Connection, judgement: Judgement, message: str) -> None:
    of = in_review(connection)
    case = taken_up(connection, a_case(connection, of))
    with pytest.raises(NotAllowedError, match=message):
        decide(connection, case, ANN, judgement, seal, CLOCKS, MORNING)
    assert (state_of(connection, of), count(connection, "decision", f"case_file = {case.id}")) == (State.REVIEW, 0)


def test_twenty_characters_are_enough(connection: Connection) -> None:
    made = decided(connection, a_case(connection, in_review(connection)), Judgement(Verdict.ASK, "OTHER", "字" * 20))
    assert made.overrides


def test_every_reason_code_of_the_review_is_there() -> None:
    assert list(reasons()) == [
        "DATA_WRONG", "DATA_STALE", "DATA_MISSING", "IDENTITY_MISMATCH", "HOUSEHOLD_CHANGED", "LAW_EXCEPTION",
        "RULE_WRONG", "MODEL_RANK_WRONG", "HARDSHIP_DISCRETION", "CITIZEN_REFUSED", "DUPLICATE", "DECEASED",
        "SAFEGUARDING", "OTHER",
    ]  # fmt: skip
    assert {code for code, reason in reasons().items() if reason.needs_clause} == {
        "LAW_EXCEPTION",
        "HARDSHIP_DISCRETION",
    }
    assert [code for code, reason in reasons().items() if reason.restricted] == ["SAFEGUARDING"]


@pytest.fixture
def proposed(connection: Connection) -> Decision:
    of = in_review(connection)
    return decided(connection, a_case(connection, of), Judgement(Verdict.DENY, "IDENTITY_MISMATCH", WORDS))


def test_a_colleagues_proposal_is_hidden_until_one_has_a_view(connection: Connection, proposed: Decision) -> None:
    case = claim(connection, read_case(connection, proposed.case), BEN, MORNING)
    with pytest.raises(NotAllowedError, match="then your colleague's is shown"):
        proposal_of(connection, case, BEN)
    assert decisions_of(connection, case.id, BEN) == []
    with pytest.raises(NotAllowedError, match="First record your own view"):
        agree_as_second(connection, case, proposed, BEN, MORNING)
    record_view(connection, case, BEN, View.REFUSE, MORNING)
    assert proposal_of(connection, case, BEN) == proposed
    assert decisions_of(connection, case.id, BEN) == [proposed]


def test_nobody_agrees_to_their_own_proposal(connection: Connection, proposed: Decision) -> None:
    case = claim(connection, read_case(connection, proposed.case), ANN, MORNING)
    with pytest.raises(NotAllowedError, match="ask a colleague"):
        agree_as_second(connection, case, proposed, ANN, MORNING)


def test_a_proposal_goes_back_and_comes_again(connection: Connection, proposed: Decision) -> None:
    case = taken_up(connection, read_case(connection, proposed.case), BEN)
    with pytest.raises(NotAllowedError, match="without words"), connection.begin_nested():
        return_to_author(connection, case, proposed, BEN, " ", seal, MORNING)
    returned = return_to_author(connection, case, proposed, BEN, "the address is another one", seal, MORNING)
    assert (returned.state, returned.second) == ("returned", BEN)
    assert word_for(connection, ANN, MORNING) == [(case.id, "returned", BEN)]
    assert word_for(connection, ANN) == []
    assert [note.text for note in notes_of(connection, case.id, unseal)] == ["the address is another one"]
    again = claim(connection, read_case(connection, case.id), ANN, MORNING)
    made = decide(connection, again, ANN, Judgement(Verdict.OFFER), seal, CLOCKS, MORNING)
    assert (made.state, read_case(connection, case.id).state) == ("in_force", "closed")
    with pytest.raises(NotAllowedError, match="any more"):
        agree_as_second(connection, read_case(connection, case.id), proposed, BEN, MORNING)


def test_what_was_proposed_about_something_else_is_not_agreed_to(connection: Connection, proposed: Decision) -> None:
    (of,) = connection.execute(text("SELECT entitlement FROM case_file WHERE id = :c"), {"c": proposed.case}).one()
    case = taken_up(connection, read_case(connection, proposed.case), BEN)
    make_move(connection, read_entitlement(connection, of), State.REFUSED, CITIZEN, later(minutes=1))
    with pytest.raises(ConflictError) as conflict:
        agree_as_second(connection, case, proposed, BEN, later(minutes=2))
    assert [(change.action, change.actor) for change in conflict.value.changes] == [("refused", "p1")]
    assert state_of(connection, read_entitlement(connection, of)) is State.REFUSED


def test_an_amount_that_changed_is_not_agreed_to(connection: Connection) -> None:
    of = in_review(connection, over_cap=True)
    made = decided(connection, a_case(connection, of), Judgement(Verdict.GRANT, "LAW_EXCEPTION", WORDS, "第三条"))
    connection.execute(text("UPDATE entitlement SET amount_minor = 9000000 WHERE id = :id"), {"id": of.id})
    with pytest.raises(ConflictError):
        agreed(connection, made)
    assert state_of(connection, of) is State.REVIEW


def test_words_that_protect_somebody_are_for_those_who_may_read_them(connection: Connection) -> None:
    judgement = Judgement(Verdict.ASK, "SAFEGUARDING", "not to be sent to the old address")
    made = decided(connection, a_case(connection, in_review(connection)), judgement)
    with pytest.raises(NotAllowedError, match="those alone who may"):
        words_of(made, unseal, may_read_restricted=False)
    assert words_of(made, unseal, may_read_restricted=True) == "not to be sent to the old address"
    plain = decided(
        connection, a_case(connection, in_review(connection, "p2")), Judgement(Verdict.ASK, "DUPLICATE", WORDS)
    )
    assert words_of(plain, unseal, may_read_restricted=False) == WORDS
    assert WORDS.encode() not in (plain.reason or b"")


def test_a_second_in_whose_hands_it_is_not_waits(connection: Connection, proposed: Decision) -> None:
    case = taken_up(connection, read_case(connection, proposed.case), BEN)
    with pytest.raises(NotAllowedError, match="another officer's hands"):
        agree_as_second(connection, case, proposed, CAI, MORNING)


def test_what_an_officer_did_not_see_is_not_decided(connection: Connection) -> None:
    of = in_review(connection)
    case = taken_up(connection, a_case(connection, of))
    connection.execute(text("UPDATE entitlement SET amount_minor = 1 WHERE id = :id"), {"id": of.id})
    with pytest.raises(ConflictError, match=f"entitlement {of.id} has changed"):
        decide(connection, case, ANN, Judgement(Verdict.GRANT, "DUPLICATE", WORDS, seen=of), seal, CLOCKS, MORNING)
    seen = read_entitlement(connection, of.id)
    judgement = Judgement(Verdict.GRANT, "DUPLICATE", WORDS, seen=seen)
    assert decide(connection, case, ANN, judgement, seal, CLOCKS, MORNING).state == "in_force"
