"""No pushes, of any department, and nothing lost; a human who decides, now and later."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, text

from serving.casework.citizen.bundles import open_bundle
from serving.casework.citizen.objections import object_to_notice
from serving.casework.citizen.offering import Terms, Wait, make_offer
from serving.casework.citizen.offers import confirm
from serving.casework.citizen.speaking import itself
from serving.casework.citizen.wishes import (
    allow_automation,
    allow_pushes,
    is_opted_out,
    stop_pushes,
    want_human,
    wants_human,
)
from serving.casework.errors import NotAllowedError
from serving.casework.moves import By, read_entitlement
from serving.casework.states import Actor, State
from tests.cases_world import SAID
from tests.casework_world import MORNING, SYSTEM, an_entitlement, count, moved
from tests.decided_world import decided

ME, SUBJECT = itself("p1"), ("person", "p1")
BY = By(Actor.CITIZEN, "p1")
WAIT = Wait(lambda _: Terms(), ZoneInfo("Asia/Shanghai"))
LATER = MORNING + dt.timedelta(days=1)


def test_one_wish_stops_the_pushes_of_every_department_and_no_claim(connection: Connection) -> None:
    before = make_offer(connection, an_entitlement(connection, benefit="a"), SYSTEM, WAIT, MORNING)
    assert stop_pushes(connection, SUBJECT, BY, MORNING)
    assert not stop_pushes(connection, SUBJECT, BY, MORNING)
    after = make_offer(connection, an_entitlement(connection, benefit="b"), SYSTEM, WAIT, MORNING)
    other = make_offer(connection, an_entitlement(connection, "p2", benefit="b"), SYSTEM, WAIT, MORNING)
    bundled = moved(connection, an_entitlement(connection, benefit="c"), State.OFFERED)
    open_bundle(connection, SUBJECT, "birth", "police:1", [bundled], MORNING)
    assert count(connection, "outbox", "kind = 'offer' AND state = 'held'") == 3
    assert count(connection, "outbox", f"kind = 'offer' AND state = 'ready' AND entitlement = {other.id}") == 1
    for each in (before, after):
        assert confirm(connection, ME, each.id, 1, f"claims-{each.id}", MORNING)["state"] == "confirmed"
    assert count(connection, "outbox", "kind = 'receipt' AND state = 'ready'") == 2
    assert is_opted_out(connection, SUBJECT)


def test_taking_it_back_tells_once_of_what_is_still_open(connection: Connection) -> None:
    stop_pushes(connection, SUBJECT, BY, MORNING)
    it = make_offer(connection, an_entitlement(connection, benefit="a"), SYSTEM, WAIT, MORNING)
    it = moved(connection, it, State.SILENT)
    make_offer(connection, it, SYSTEM, WAIT, LATER)
    gone = make_offer(connection, an_entitlement(connection, benefit="b"), SYSTEM, WAIT, MORNING)
    confirm(connection, ME, gone.id, 1, "has-it-already", MORNING)
    assert allow_pushes(connection, SUBJECT, BY, LATER)
    assert not allow_pushes(connection, SUBJECT, BY, LATER)
    rows = connection.execute(
        text("SELECT entitlement, created_at FROM outbox WHERE kind = 'offer' AND state = 'ready'")
    )
    assert rows.all() == [(it.id, LATER)]
    assert count(connection, "opt_out") == 1
    assert stop_pushes(connection, SUBJECT, BY, LATER)
    assert count(connection, "opt_out") == 2
    assert count(connection, "audit_intent", "action LIKE 'opt_out:%'") == 3


def test_who_wants_a_human_has_nothing_automatic_any_more(connection: Connection) -> None:
    old = moved(connection, an_entitlement(connection, benefit="a", tier="automatic"), State.APPROVED)
    paid = moved(
        connection,
        an_entitlement(connection, benefit="b", tier="automatic"),
        State.APPROVED,
        State.SUBMITTED,
        State.PAID,
    )
    assert want_human(connection, SUBJECT, BY, MORNING)
    assert not want_human(connection, SUBJECT, BY, MORNING)
    assert read_entitlement(connection, old.id).state is State.REVIEW
    assert read_entitlement(connection, paid.id).state is State.PAID
    assert count(connection, "outbox", f"entitlement = {old.id} AND state = 'ready'") == 0
    assert count(connection, "case_file", "kind = 'automation_refused'") == 1
    new = an_entitlement(connection, benefit="c", tier="automatic")
    assert (new.tier, new.reasons) == ("review", [{"code": "refused_automation"}])
    connection.execute(text("UPDATE entitlement SET tier = 'automatic' WHERE id = :id"), {"id": new.id})
    assert read_entitlement(connection, new.id).tier == "review"
    with pytest.raises(NotAllowedError):
        moved(connection, new, State.APPROVED)


def test_even_what_no_hold_was_put_on_waits_for_a_human(connection: Connection) -> None:
    new = an_entitlement(connection, benefit="c", tier="automatic")
    connection.execute(text("INSERT INTO automation_refusal (kind, subject, since) VALUES ('person', 'p1', now())"))
    with pytest.raises(NotAllowedError, match="wants no machine to decide"):
        moved(connection, new, State.APPROVED)


def test_what_a_human_decided_is_delivered(connection: Connection) -> None:
    want_human(connection, SUBJECT, BY, MORNING)
    it = moved(connection, an_entitlement(connection, tier="automatic"), State.REVIEW)
    it = decided(connection, it, "grant", State.APPROVED)
    assert moved(connection, it, State.SUBMITTED).state is State.SUBMITTED
    assert count(connection, "hold", "released_at IS NULL") == 0


def test_automation_can_be_allowed_again(connection: Connection) -> None:
    want_human(connection, SUBJECT, BY, MORNING)
    it = an_entitlement(connection, tier="automatic")
    assert wants_human(connection, SUBJECT)
    assert allow_automation(connection, SUBJECT, BY, LATER)
    assert not wants_human(connection, SUBJECT)
    connection.execute(text("UPDATE entitlement SET tier = 'automatic' WHERE id = :id"), {"id": it.id})
    assert moved(connection, read_entitlement(connection, it.id), State.APPROVED).state is State.APPROVED


@pytest.mark.parametrize("table", ["opt_out", "automation_refusal"])
def test_history_stays(connection: Connection, table: str) -> None:
    (stop_pushes if table == "opt_out" else want_human)(connection, SUBJECT, BY, MORNING)
    (allow_pushes if table == "opt_out" else allow_automation)(connection, SUBJECT, BY, LATER)
    for query in (
        f"UPDATE {table} SET withdrawn_at = NULL",
        f"UPDATE {table} SET withdrawn_at = now()",
        f"DELETE FROM {table}",
    ):
        savepoint = connection.begin_nested()
        with pytest.raises(Exception, match=r"ends once|permission denied"):
            connection.execute(text(query))
        savepoint.rollback()


def test_row_level_security_shows_everybody_their_own_wishes_and_bundles(connection: Connection) -> None:
    for person in ("p1", "p2"):
        by = By(Actor.CITIZEN, person)
        it = moved(connection, an_entitlement(connection, person, tier="automatic"), State.PUBLIC_NOTICE)
        open_bundle(connection, ("person", person), "birth", "police:1", [it], MORNING)
        object_to_notice(connection, f"neighbour-of-{person}", it.id, SAID, "i-object", MORNING)
        stop_pushes(connection, ("person", person), by, MORNING)
        want_human(connection, ("person", person), by, MORNING)
    connection.execute(text("RESET ROLE"))
    connection.execute(text("SET LOCAL ROLE applyfree_citizen"))
    connection.execute(text("SELECT set_config('applyfree.subjects', 'person:p1 household:h1', true)"))
    for table in ("bundle", "bundle_member", "opt_out", "automation_refusal"):
        assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1
    # Who objected is theirs alone, and what they said is in nobody's reach by this way.
    assert connection.execute(text("SELECT count(objector) FROM objection")).scalar_one() == 0
    for query in ("SELECT words FROM objection", "SELECT * FROM answered_request", "SELECT * FROM sample_answer"):
        savepoint = connection.begin_nested()
        with pytest.raises(Exception, match="permission denied"):
            connection.execute(text(query))
        savepoint.rollback()
    connection.execute(text("SELECT set_config('applyfree.subjects', 'person:neighbour-of-p1', true)"))
    assert connection.execute(text("SELECT count(objector) FROM objection")).scalar_one() == 1
    assert connection.execute(text("SELECT count(*) FROM opt_out")).scalar_one() == 0
