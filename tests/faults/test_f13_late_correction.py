"""F13: what a grant rested on is corrected or never was: a human looks, nothing is reclaimed, the ledger links both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from rules.determination import Outcome
from serving.casework.holding import ChangedAnswer, ask_whether_still_entitled, keep_holds
from serving.casework.holds import Received, SharedGrant
from serving.casework.moves import Entitlement, read_entitlement
from serving.casework.states import State
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING, an_entitlement, casework_database, count, moved
from tests.decided_world import decided
from tests.unit.features.events.worlds import event

HOUR = dt.timedelta(hours=1)
FAMILY = [("person", "child"), ("person", "mother")]
BIRTH = event("birth", id="b1", source="police", child="child", mother="mother", sex="male")
WITHDRAWN = event("birth", id="b2", source="police", reverses="b1")
CORRECTED = event("birth", "2026-03-06", id="b3", source="police", corrects="b1", child="child", sex="male")


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


WAYS: dict[str, tuple[State, ...]] = {
    "detected": (),
    "offered": (State.OFFERED,),
    "approved": (State.APPROVED,),
    "submitted": (State.APPROVED, State.SUBMITTED),
    "paid": (State.APPROVED, State.SUBMITTED, State.PAID),
    "monitored": (State.APPROVED, State.SUBMITTED, State.PAID, State.MONITORED),
}


def at_every_stage(connection: Connection, subject: str = "child") -> dict[str, Entitlement]:
    return {
        name: moved(connection, an_entitlement(connection, subject, benefit=name, tier="automatic"), *way)
        for name, way in WAYS.items()
    }


def log(*events: object) -> list[Received]:
    return [Received(each, MORNING + n * HOUR) for n, each in enumerate(events, 1)]  # type: ignore[arg-type]


@pytest.mark.parametrize("amendment", [WITHDRAWN, CORRECTED], ids=["withdrawn", "corrected"])
def test_open_grants_go_to_a_human_and_none_is_reclaimed(connection: Connection, amendment: object) -> None:
    grants = at_every_stage(connection)
    assert keep_holds(connection, log(BIRTH), FAMILY, MORNING + HOUR).placed == 0
    assert keep_holds(connection, log(BIRTH, amendment), FAMILY, MORNING + 2 * HOUR).placed == len(grants)
    stands = {name: read_entitlement(connection, each.id).state.value for name, each in grants.items()}
    assert stands == {
        "detected": "review", "offered": "review", "approved": "review",
        "submitted": "submitted", "paid": "paid", "monitored": "monitored",
    }  # fmt: skip
    assert count(connection, "case_file", "kind = 'correction' AND state = 'open'") == len(grants)
    assert count(connection, "move", "to_state IN ('denied', 'suspended', 'ended', 'superseded')") == 0
    assert count(connection, "outbox", "state = 'ready' AND benefit IN ('offered', 'approved') AND kind = 'grant'") == 0
    amounts = connection.execute(text("SELECT DISTINCT amount_minor FROM entitlement")).scalars().all()
    assert amounts == [20_000]


def test_the_ledger_links_both_versions(connection: Connection) -> None:
    it = at_every_stage(connection)["approved"]
    keep_holds(connection, log(BIRTH, CORRECTED), FAMILY, MORNING + 2 * HOUR)
    payload = connection.execute(
        text("SELECT payload FROM audit_intent WHERE action = 'event:amended' AND object_id = :e"), {"e": str(it.id)}
    ).scalar_one()
    assert payload["before"] == [BIRTH.content_hash]
    assert payload["after"] == [CORRECTED.content_hash]
    why = connection.execute(text("SELECT why FROM case_file WHERE id = :c"), {"c": payload["case"]}).scalar_one()
    assert why[0]["before"] == [BIRTH.content_hash]
    keep_holds(connection, log(BIRTH, CORRECTED), FAMILY, MORNING + 3 * HOUR)
    assert count(connection, "audit_intent", f"action = 'event:amended' AND object_id = '{it.id}'") == 1


def test_a_withdrawn_record_says_that_it_never_was(connection: Connection) -> None:
    it = at_every_stage(connection)["approved"]
    keep_holds(connection, log(BIRTH, WITHDRAWN), FAMILY, MORNING + 2 * HOUR)
    payload = connection.execute(
        text("SELECT payload FROM audit_intent WHERE action = 'event:amended' AND object_id = :e"), {"e": str(it.id)}
    ).scalar_one()
    assert (payload["before"], payload["after"]) == ([BIRTH.content_hash], [])


def test_the_mothers_grants_rest_on_it_too_and_a_strangers_do_not(connection: Connection) -> None:
    hers, strangers = at_every_stage(connection, "mother"), at_every_stage(connection, "stranger")
    subjects = [*FAMILY, ("person", "stranger")]
    keep_holds(connection, log(BIRTH, WITHDRAWN), subjects, MORNING + 2 * HOUR)
    assert read_entitlement(connection, hers["approved"].id).state is State.REVIEW
    assert read_entitlement(connection, strangers["approved"].id).state is State.APPROVED


def test_what_was_found_after_the_correction_rests_on_it_and_is_not_held(connection: Connection) -> None:
    early = [Received(BIRTH, MORNING - 2 * HOUR), Received(CORRECTED, MORNING - HOUR)]
    at_every_stage(connection)
    assert keep_holds(connection, early, FAMILY, MORNING).placed == 0


def test_what_a_human_approves_then_goes_on(connection: Connection) -> None:
    it = at_every_stage(connection)["approved"]
    keep_holds(connection, log(BIRTH, CORRECTED), FAMILY, MORNING + 2 * HOUR)
    it = decided(connection, read_entitlement(connection, it.id), "grant", State.APPROVED)
    assert moved(connection, it, State.SUBMITTED).state is State.SUBMITTED
    assert count(connection, "outbox", f"entitlement = {it.id} AND state = 'ready'") == 1


def test_one_person_under_two_ids_is_paid_once_until_a_human_says_otherwise(connection: Connection) -> None:
    """F38."""
    a = moved(connection, an_entitlement(connection, "a", tier="automatic"), State.APPROVED)
    b = moved(connection, an_entitlement(connection, "b", tier="automatic"), State.APPROVED)
    other_month = moved(connection, an_entitlement(connection, "b", period="2026-04", tier="automatic"), State.APPROVED)
    shared = [SharedGrant(("a", "b"), a.benefit, split=False)]
    keep_holds(connection, [], [("person", "a"), ("person", "b")], MORNING, shared)
    states = [read_entitlement(connection, each.id).state for each in (a, b, other_month)]
    assert states == [State.REVIEW, State.REVIEW, State.APPROVED]
    assert count(connection, "case_file", "kind = 'double_grant'") == 2
    assert keep_holds(connection, [], [("person", "a"), ("person", "b")], MORNING, shared).placed == 0


def test_of_an_id_that_was_two_persons_a_human_says_whose_it_is(connection: Connection) -> None:
    """F38."""
    a = moved(connection, an_entitlement(connection, "a", tier="automatic"), State.APPROVED)
    keep_holds(connection, [], [("person", "a")], MORNING, [SharedGrant(("a",), a.benefit, split=True)])
    assert read_entitlement(connection, a.id).state is State.REVIEW
    assert count(connection, "hold", "code = 'identity'") == 1


@pytest.mark.parametrize("outcome", [Outcome.INELIGIBLE, Outcome.UNDETERMINED])
def test_an_answer_that_turned_asks_a_human_and_stops_nothing(connection: Connection, outcome: Outcome) -> None:
    grants = at_every_stage(connection)
    changed = [ChangedAnswer("person", "child", name, "2026-03", outcome) for name in grants]
    changed.append(ChangedAnswer("person", "child", "paid", "2026-04", outcome))
    cases = ask_whether_still_entitled(connection, changed, MORNING)
    assert len(cases) == len(grants) - 1  # nobody had been told of what was only detected
    assert ask_whether_still_entitled(connection, changed, MORNING) != []
    assert count(connection, "case_file", "kind = 'still_entitled'") == len(cases)
    stands = {name: read_entitlement(connection, each.id).state.value for name, each in grants.items()}
    assert stands["detected"] == "detected"
    assert (stands["offered"], stands["approved"]) == ("review", "review")
    assert (stands["submitted"], stands["paid"], stands["monitored"]) == ("submitted", "paid", "monitored")


def test_an_answer_that_is_still_yes_asks_nobody(connection: Connection) -> None:
    grants = at_every_stage(connection)
    changed = [ChangedAnswer("person", "child", name, "2026-03", Outcome.ELIGIBLE) for name in grants]
    assert ask_whether_still_entitled(connection, changed, MORNING) == []
