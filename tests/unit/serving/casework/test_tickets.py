"""Tickets born from overrides: to policy staff about a rule, to a register about a record (acceptance row 12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from features.facts.values import Gap, Known, Unknown
from features.history.history import History
from features.history.tickets import Tickets, TicketState
from serving.casework.decisions import Decision, Judgement
from serving.casework.errors import NotAllowedError
from serving.casework.review import Verdict
from serving.casework.tickets import Disputed, answer_rule_ticket, close_answered, hand_over, open_tickets
from serving.store.server import EmbeddedServer
from tests.cases_world import ANN, a_case, decided, in_review, later
from tests.casework_world import casework_database, count
from tests.unit.history.test_as_of import VIEWS, VOCABULARY
from tests.unit.history.test_keeping import PEOPLE, deliver, person

WAGE = Disputed("person", "p1", "monthly_income", "tax")


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


@pytest.fixture
def journal(tmp_path: Path) -> Tickets:
    return Tickets(tmp_path)


def overridden(connection: Connection, subject: str = "p1", disputed: Disputed | None = WAGE) -> Decision:
    judgement = Judgement(Verdict.ASK, "DATA_WRONG", "the payslip says otherwise", disputed=disputed)
    return decided(connection, a_case(connection, in_review(connection, subject)), judgement)


def test_a_wrong_record_becomes_a_ticket_of_its_register_and_closes_with_the_record(
    engine: Engine, journal: Tickets
) -> None:
    with engine.begin() as connection:
        made = overridden(connection)
        (found,) = open_tickets(connection)
    assert (found.kind, found.decision, found.disputed, found.due_on) == (
        "correction", made.id, WAGE, dt.date(2026, 3, 16),
    )  # fmt: skip
    assert hand_over(engine, journal) == 1
    (handed,) = journal.all()
    assert (handed.kind, handed.subject, handed.fact, handed.register, handed.reason, handed.due_on) == (
        "person", "p1", "monthly_income", "tax", "DATA_WRONG", dt.date(2026, 3, 16),
    )  # fmt: skip
    assert close_answered(engine, [TicketState(handed, None)]) == 0
    assert close_answered(engine, [TicketState(handed, later(days=3))]) == 1
    assert close_answered(engine, [TicketState(handed, later(days=3))]) == 0
    with engine.begin() as connection:
        assert open_tickets(connection) == []
        answer = connection.execute(text("SELECT answer, closed_by, closed_at FROM ticket")).one()
    assert tuple(answer) == ("changed", "register", later(days=3))


def test_a_register_may_say_that_its_record_stands(engine: Engine, journal: Tickets) -> None:
    with engine.begin() as connection:
        overridden(connection)
    hand_over(engine, journal)
    journal.answer(1, later(days=2))
    (handed,) = journal.all()
    close_answered(engine, [TicketState(handed, later(days=2))])
    with engine.begin() as connection:
        assert connection.execute(text("SELECT answer FROM ticket")).scalar_one() == "stands"


def test_a_handing_over_that_was_cut_short_is_not_done_twice(engine: Engine, journal: Tickets) -> None:
    with engine.begin() as connection:
        overridden(connection)
        overridden(connection, "p2", Disputed("person", "p2", "monthly_income", "tax"))
    hand_over(engine, journal)
    # As if the process had died between the journal and the database.
    with engine.begin() as connection:
        connection.execute(text("UPDATE ticket SET history_ticket = NULL"))
    assert hand_over(engine, journal) == 2
    assert [ticket.id for ticket in journal.all()] == [1, 2]
    with engine.begin() as connection:
        assert connection.execute(text("SELECT history_ticket FROM ticket ORDER BY id")).scalars().all() == [1, 2]
    assert hand_over(engine, journal) == 0


def test_a_register_is_asked_once_about_a_record(engine: Engine) -> None:
    with engine.begin() as connection:
        overridden(connection)
        overridden(connection, "p2")
        assert count(connection, "ticket") == 1


def test_a_wrong_rule_becomes_a_ticket_of_policy_staff(engine: Engine, journal: Tickets) -> None:
    with engine.begin() as connection:
        judgement = Judgement(Verdict.ASK, "RULE_WRONG", "the age is counted from the wrong day", "第四条")
        decided(connection, a_case(connection, in_review(connection)), judgement)
        (found,) = open_tickets(connection, "rule")
        assert (found.benefit, found.clause, found.disputed) == ("advanced_age_allowance", "第四条", None)
    assert hand_over(engine, journal) == 0
    with engine.begin() as connection:
        answer_rule_ticket(connection, found.id, "policy-pia", later(days=1), changed=True)
        with pytest.raises(NotAllowedError, match="not an open one"):
            answer_rule_ticket(connection, found.id, "policy-pia", later(days=1), changed=False)
        assert open_tickets(connection) == []


def test_a_case_about_no_benefit_blames_no_rule(engine: Engine) -> None:
    with engine.begin() as connection:
        case = a_case(connection, benefit=None)
        judgement = Judgement(Verdict.CLOSE, "RULE_WRONG", "nothing here")
        with pytest.raises(NotAllowedError, match="about no benefit"):
            decided(connection, case, judgement)


def test_an_agreement_opens_no_ticket(engine: Engine) -> None:
    with engine.begin() as connection:
        decided(connection, a_case(connection, in_review(connection)), Judgement(Verdict.OFFER), ANN)
        assert count(connection, "ticket") == 0


def test_a_record_that_is_delivered_otherwise_closes_the_ticket_by_itself(engine: Engine, tmp_path: Path) -> None:
    """From the decision over the history to the register's next list, and back."""
    history = History(tmp_path / "history", VOCABULARY, VIEWS)
    deliver(history, PEOPLE, 1, person("p1", 100), person("p2", 100))
    with engine.begin() as connection:
        overridden(connection, "p1", Disputed("person", "p1", "wage", "village_office"))
    hand_over(engine, history.tickets)
    april, may = dt.datetime(2026, 4, 2, 8, tzinfo=dt.UTC), dt.datetime(2026, 5, 2, 8, tzinfo=dt.UTC)
    assert history.holdings("person", "p1", april.date(), april)["wage"] == Unknown(Gap.CONFLICTING)
    deliver(history, PEOPLE, 4, person("p1", 100), person("p2", 200))
    assert close_answered(engine, history.ticket_states(april)) == 0
    deliver(history, PEOPLE, 5, person("p1", 70), person("p2", 200))
    assert close_answered(engine, history.ticket_states(may)) == 1
    with engine.begin() as connection:
        assert connection.execute(text("SELECT answer, closed_at FROM ticket")).one() == ("changed", may)
    assert isinstance(history.holdings("person", "p1", may.date(), may)["wage"], Known)
