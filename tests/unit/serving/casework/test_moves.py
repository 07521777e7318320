"""One table of moves, in code and in PostgreSQL, and what PostgreSQL refuses whatever a query says."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serving.casework.decisions import Judgement
from serving.casework.errors import ConflictError, NotAllowedError
from serving.casework.moves import By, make_move, read_entitlement
from serving.casework.review import Verdict
from serving.casework.states import NEGATIVE, Actor, State, allowed_moves, may_move
from serving.store.server import EmbeddedServer
from tests.cases_world import a_case, agreed, decided, state_of
from tests.casework_world import CITIZEN, MORNING, SYSTEM, an_entitlement, count, moved, owner_engine


def test_code_and_database_hold_the_same_table_of_moves(connection: Connection) -> None:
    rows = connection.execute(text("SELECT from_state, to_state, actor_kind FROM allowed_move")).all()
    assert {(str(a), str(b), str(c)) for a, b, c in rows} == {(m.before, m.after, m.actor) for m in allowed_moves()}


def test_no_table_of_moves_lets_anybody_but_an_officer_take_away(connection: Connection) -> None:
    assert all(m.actor is Actor.OFFICER for m in allowed_moves() if m.after in NEGATIVE)


@pytest.mark.parametrize("state", list(State))
def test_every_state_but_the_last_has_a_way_on(state: State) -> None:
    ways = [after for after in State for actor in Actor if may_move(state, after, actor)]
    assert bool(ways) != (state is State.COMPLETED)


def test_a_way_to_the_money(connection: Connection) -> None:
    found = moved(connection, an_entitlement(connection), State.OFFERED)
    found = moved(connection, found, State.CONFIRMED, by=CITIZEN)
    found = moved(connection, found, State.PUBLIC_NOTICE, State.APPROVED, State.SUBMITTED, State.PAID, State.MONITORED)
    assert (found.state, found.revision) == (State.MONITORED, 7)
    assert count(connection, "outbox", f"entitlement = {found.id}") == 1
    assert count(connection, "audit_intent", f"object = 'entitlement' AND object_id = '{found.id}'") == 7


def test_who_comes_second_is_told_so(connection: Connection) -> None:
    read = moved(connection, an_entitlement(connection, "p2"), State.OFFERED)
    moved(connection, read, State.CONFIRMED, by=CITIZEN)
    with pytest.raises(ConflictError, match=f"entitlement {read.id} has changed since it was read"):
        moved(connection, read, State.REFUSED, by=CITIZEN)
    assert read_entitlement(connection, read.id).state is State.CONFIRMED


def test_the_machine_approves_nothing_that_nobody_agreed_to(connection: Connection) -> None:
    read = an_entitlement(connection, "p3", tier="confirm")
    with pytest.raises(NotAllowedError, match="nobody has said yes to it"):
        moved(connection, read, State.APPROVED)
    with pytest.raises(NotAllowedError, match="nobody has said yes to it"):
        moved(connection, read, State.PUBLIC_NOTICE, State.APPROVED)


def test_a_yes_from_before_a_review_counts_no_more(connection: Connection) -> None:
    read = moved(connection, an_entitlement(connection, "p4"), State.OFFERED)
    read = moved(connection, read, State.CONFIRMED, State.REVIEW, by=CITIZEN)
    read = moved(connection, read, State.OFFERED, by=By(Actor.OFFICER, "o1"))
    with pytest.raises(NotAllowedError, match="is not moved to approved by a system"):
        moved(connection, read, State.APPROVED)


def test_what_is_automatic_needs_nobody(connection: Connection) -> None:
    read = moved(connection, an_entitlement(connection, "p5", tier="automatic"), State.APPROVED)
    assert read.state is State.APPROVED


def test_above_its_cap_two_people_approve(connection: Connection) -> None:
    read = an_entitlement(connection, "p6", tier="automatic", over_cap=True)
    with pytest.raises(NotAllowedError, match="above its cap"):
        moved(connection, read, State.APPROVED)
    read = moved(connection, read, State.REVIEW)
    for by in (By(Actor.OFFICER, "o1"), By(Actor.OFFICER, "o1", second="o1"), By(Actor.OFFICER, "o1", second="o2")):
        with pytest.raises(NotAllowedError, match="no decision in force about this entitlement says so"):
            moved(connection, read, State.APPROVED, by=by)
    made = decided(connection, a_case(connection, read), Judgement(Verdict.GRANT, "LAW_EXCEPTION", "as it says", "§ 7"))
    assert (made.state, state_of(connection, read)) == ("proposed", State.REVIEW)
    agreed(connection, made)
    assert state_of(connection, read) is State.APPROVED


def test_what_is_held_waits(connection: Connection) -> None:
    read = moved(connection, an_entitlement(connection, "p7", tier="automatic"), State.APPROVED)
    connection.execute(text("INSERT INTO hold (entitlement, code, since) VALUES (:e, 'death', now())"), {"e": read.id})
    with pytest.raises(NotAllowedError, match="is held"):
        moved(connection, read, State.SUBMITTED)


_NEW = "kind, subject, benefit, version, period, unit, sweep, tier, reasons, district, detected_at"
_MOVE = "entitlement, revision, from_state, to_state, actor_kind, actor, at"
CARELESS = {
    "a state set by hand": "UPDATE entitlement SET state = 'paid', revision = revision + 1 WHERE id = {id}",
    "somebody else's": "UPDATE entitlement SET subject = 'p9' WHERE id = {id}",
    "deleted": "DELETE FROM entitlement WHERE id = {id}",
    "emptied": "TRUNCATE entitlement CASCADE",
    "a move edited": "UPDATE move SET actor = 'nobody'",
    "a move deleted": "DELETE FROM move",
    "an intent edited": "UPDATE audit_intent SET payload = '{{}}'",
    "begun in the middle": f"INSERT INTO entitlement ({_NEW}, state) VALUES "
    "('person', 'x', 'b', 'v', 'once', 'CNY', 1, 'automatic', '[]', 'd', now(), 'approved')",
    "twice in one period": f"INSERT INTO entitlement ({_NEW}) SELECT {_NEW} FROM entitlement WHERE id = {{id}}",
    "denied by the machine": f"INSERT INTO move ({_MOVE}) VALUES ({{id}}, 2, 'review', 'denied', 'system', 'x', now())",
    "denied without a decision": f"INSERT INTO move ({_MOVE}, second, reason_code, reason) VALUES "
    "({id}, 2, 'review', 'denied', 'officer', 'o1', now(), 'o2', 'DATA_WRONG', 'x')",
    "a machine that may deny": "INSERT INTO allowed_move VALUES ('review', 'denied', 'system')",
}


@pytest.mark.parametrize("query", CARELESS.values(), ids=CARELESS)
def test_a_careless_query_of_the_owner_breaks_no_promise(server: EmbeddedServer, engine: Engine, query: str) -> None:
    owner = owner_engine(server)
    with owner.connect() as connection:
        read = moved(connection, an_entitlement(connection, "careless"), State.REVIEW)
        with pytest.raises(DBAPIError):
            connection.execute(text(query.format(id=read.id)))
        connection.rollback()
    owner.dispose()


def test_a_citizen_sees_their_own_rows_and_no_others(server: EmbeddedServer, engine: Engine) -> None:
    with engine.connect() as connection:
        moved(connection, an_entitlement(connection, "own"), State.OFFERED)
        moved(connection, an_entitlement(connection, "other"), State.OFFERED)
        connection.execute(text("RESET ROLE"))
        connection.execute(text("SET LOCAL ROLE applyfree_citizen"))
        connection.execute(text("SELECT set_config('applyfree.subjects', 'person:own household:h1', true)"))
        assert connection.execute(text("SELECT subject FROM entitlement")).scalars().all() == ["own"]
        assert len(connection.execute(text("SELECT id FROM move")).all()) == 1
        connection.execute(text("SELECT set_config('applyfree.subjects', '', true)"))
        assert connection.execute(text("SELECT subject FROM entitlement")).scalars().all() == []
        connection.rollback()


def test_nobody_moves_what_is_not_there(connection: Connection) -> None:
    read = moved(connection, an_entitlement(connection, "p8"), State.OFFERED)
    with pytest.raises(NotAllowedError, match="is not moved to paid by a system"):
        make_move(connection, read, State.PAID, SYSTEM, MORNING)
