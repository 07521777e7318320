"""What follows a sweep, from tiers to the outbox and the queues: all of it, once, told to whom it concerns."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pytest

from serving.casework.citizen.offering import tell
from serving.casework.citizen.waiting import pass_time
from serving.casework.citizen.wishes import stop_pushes, want_human
from serving.casework.clocks import shipped_clocks
from serving.casework.moves import By, read_entitlement
from serving.casework.states import Actor
from serving.day import delivering
from serving.day.errors import CountsDifferError, DeliveringBusyError
from serving.day.reconciling import HandOver
from serving.day.waits import wait_of
from serving.stops.breakers import Unusual
from serving.stops.buttons import release
from serving.store.database import connect
from tests.day_world import AT, City

STATES = (
    "SELECT kind, subject, benefit, period, state, tier, revision, next_step_at FROM entitlement ORDER BY 1, 2, 3, 4"
)
UNTOLD = """
SELECT count(*) FROM entitlement e
LEFT JOIN LATERAL (SELECT count(*) AS n FROM outbox o WHERE o.kind = 'offer' AND o.entitlement = e.id) alone ON true
LEFT JOIN LATERAL (SELECT count(*) AS n FROM bundle_member m JOIN outbox o
                   ON o.kind = 'offer' AND o.payload ->> 'bundle' = m.bundle::text WHERE m.entitlement = e.id) b ON true
WHERE e.state = 'offered' AND alone.n + b.n <> 1
"""
ALONE = """
FROM entitlement e
WHERE e.state = 'offered' AND NOT EXISTS (SELECT FROM bundle_member m WHERE m.entitlement = e.id) ORDER BY e.id
"""
CITIZEN = By(Actor.CITIZEN, "p1")


def test_all_that_is_owed_takes_its_first_step_and_everybody_is_told_once(city: City) -> None:
    done = city.deliver()
    assert done.found > 200
    assert sum(done.steps.values()) == done.found
    assert {"approved", "offered", "review"} <= done.steps.keys()
    assert city.number(UNTOLD) == 0
    assert city.number("SELECT count(*) FROM outbox WHERE kind = 'offer' AND entitlement IS NOT NULL") > 20
    open_cases = "SELECT count(*) FROM case_file WHERE state = 'open'"
    assert city.number(open_cases) == done.steps["review"]
    clockless = city.number(f"{open_cases} AND (due_at <= :at OR why = '[]')", at=AT)
    assert clockless == 0
    noted = "SELECT count(*) FROM case_event WHERE action = 'opened'"
    assert city.number(noted) == done.steps["review"]


def test_twice_changes_nothing(city: City) -> None:
    city.deliver()
    before = [city.rows(STATES), city.rows("SELECT delivery_key, payload::text FROM outbox ORDER BY 1")]
    leaves = city.rows("SELECT action, payload::text FROM audit_intent ORDER BY id")
    run = city.rows("SELECT * FROM day_run")
    later = city.deliver(AT + dt.timedelta(hours=3))
    assert (later.found, later.superseded, dict(later.steps), later.bundles, later.held) == (0, 0, {}, 0, 0)
    assert [city.rows(STATES), city.rows("SELECT delivery_key, payload::text FROM outbox ORDER BY 1")] == before
    assert city.rows("SELECT action, payload::text FROM audit_intent ORDER BY id") == leaves
    assert city.rows("SELECT * FROM day_run") == run
    assert run[0][2] == AT


def test_a_finished_run_is_attested_once_with_counts_that_agree(city: City) -> None:
    done = city.deliver()
    rows = city.rows("SELECT object_id, payload FROM audit_intent WHERE action = 'sweep:attested'")
    assert [row[0] for row in rows] == ["1"]
    payload = rows[0][1]
    assert isinstance(payload, dict)
    assert payload["account"]["tiers"] == dict(done.tiers)
    assert len(payload["rulebook"]) == 64
    tiers, owed, entitlements = done.hand_overs
    assert tiers.came == sum(done.tiers.values())
    assert owed.came == tiers.came - done.tiers["none"]
    assert entitlements.came == owed.went["owed"] == done.found + entitlements.went["set_aside"]


def test_counts_that_differ_stop_the_delivery(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CountsDifferError, match="somewhere: 5 came, 4 went on"):
        HandOver("somewhere", 5, {"here": 3, "there": 1}).require_equal()
    narrow = delivering.terms_of

    def forgets_the_month(*arguments: object) -> object:
        found = narrow(*arguments)  # type: ignore[arg-type]
        return replace(found, periods={per: key for per, key in found.periods.items() if per != "month"})

    monkeypatch.setattr(delivering, "terms_of", forgets_the_month)
    with pytest.raises(CountsDifferError, match="from what is owed to entitlements"):
        city.deliver()
    assert city.number("SELECT count(*) FROM move") == 0
    assert city.number("SELECT count(*) FROM outbox") == 0
    assert city.number("SELECT count(*) FROM day_run WHERE completed_at IS NOT NULL") == 0
    monkeypatch.undo()
    assert city.deliver().found > 0


def test_an_offer_waits_and_is_told_of_as_make_offer_would_have_it(city: City) -> None:
    city.deliver()
    ground = city.ground()
    wait = wait_of(ground.pinned.rulebook, ground.programmes, shipped_clocks())
    offered = [int(str(row[0])) for row in city.rows(f"SELECT e.id {ALONE}")]
    before = city.number("SELECT count(*) FROM outbox")
    with city.engine.begin() as connection:
        for number in offered[:20]:
            tell(connection, read_entitlement(connection, number), 0, AT)
    assert city.number("SELECT count(*) FROM outbox") == before  # the same keys: nothing is told twice
    first = AT + dt.timedelta(days=10)
    assert city.rows("SELECT DISTINCT next_step_at FROM entitlement WHERE state = 'offered'") == [(first,)]
    assert not pass_time(city.engine, first - dt.timedelta(seconds=1), wait)["reminded"]
    assert pass_time(city.engine, first, wait)["reminded"] == len(
        city.rows("SELECT 1 FROM entitlement WHERE state = 'offered'")
    )


def test_a_public_notice_ends_when_whoever_publishes_later_would_say(city: City) -> None:
    city.deliver()
    ground = city.ground()
    wait = wait_of(ground.pinned.rulebook, ground.programmes, shipped_clocks())
    found = city.rows("SELECT DISTINCT benefit, next_step_at FROM entitlement WHERE state = 'public_notice'")
    assert found
    for benefit, until in found:
        days = ground.pinned.rulebook.benefits[str(benefit)].benefit.delivery.public_notice_days
        assert until == wait.end_of_notice(str(benefit), AT)
        assert isinstance(until, dt.datetime)
        assert until > AT + dt.timedelta(days=days)  # working days: never fewer than the law's


def test_who_wants_a_human_has_one_from_the_start(city: City) -> None:
    city.deliver()
    kind, subject = city.rows("SELECT kind, subject FROM entitlement WHERE state = 'approved' ORDER BY id LIMIT 1")[0]
    city.undeliver()
    whose = (str(kind), str(subject))
    with city.engine.begin() as connection:
        assert want_human(connection, whose, CITIZEN, AT)
    city.deliver()
    theirs = "FROM entitlement WHERE kind = :kind AND subject = :subject"
    found = city.rows(f"SELECT state, tier {theirs}", kind=kind, subject=subject)
    assert set(found) == {("review", "review")}
    cases = "SELECT kind, due_at FROM case_file WHERE subject_kind = :kind AND subject = :subject"
    due = shipped_clocks().due(delivering.Kind.AUTOMATION_REFUSED, AT)
    assert set(city.rows(cases, kind=kind, subject=subject)) == {("automation_refused", due)}


def test_who_wants_no_pushes_is_offered_and_not_pushed(city: City) -> None:
    city.deliver()
    kind, subject = city.rows(f"SELECT e.kind, e.subject {ALONE}")[0]
    city.undeliver()
    with city.engine.begin() as connection:
        stop_pushes(connection, (str(kind), str(subject)), CITIZEN, AT)
    city.deliver()
    rows = "SELECT DISTINCT o.state FROM outbox o WHERE o.kind = 'offer' AND o.payload ->> 'to' = :name"
    assert city.rows(rows, name=f"{kind}:{subject}") == [("held",)]


def test_two_at_once_one_works_and_the_other_says_so(city: City) -> None:
    busy = pytest.raises(DeliveringBusyError, match="Another process delivers")
    with connect(city.server.url) as other, delivering.alone(other), busy:
        city.deliver()
    assert city.deliver().found > 0  # and the lock is gone with whoever held it


def test_a_stop_that_two_people_released_is_not_pressed_again_by_the_same_sweep(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Unusual("resident_medical_insurance_subsidy", "total", Fraction(1), Fraction(2))
    monkeypatch.setattr(delivering, "unusual", lambda _last, _this: [found])
    first = city.deliver()
    assert first.tripped == ["resident_medical_insurance_subsidy"]
    assert first.waiting > 0
    stop = city.number("SELECT id FROM stop")
    with city.engine.begin() as connection:
        release(connection, stop, "one", AT)
        release(connection, stop, "two", AT)
    again = city.deliver()
    assert (again.tripped, again.waiting) == ([], 0)
    assert sum(again.steps.values()) == first.waiting


def test_what_is_held_waits_whatever_its_tier(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:  # a run that is killed before its first steps; then somebody puts a hold
        patched.setattr(delivering, "offer_together", _killed)
        with pytest.raises(KeyboardInterrupt):
            city.deliver()
    held = "SELECT min(id) FROM entitlement WHERE tier <> 'review' GROUP BY tier ORDER BY tier"
    numbers = [row[0] for row in city.rows(held)]
    assert len(numbers) == 2
    hold = "INSERT INTO hold (entitlement, code, since) SELECT unnest(CAST(:numbers AS bigint[])), 'identity', :at"
    city.say(hold, numbers=numbers, at=AT)
    assert city.deliver().waiting == 2
    assert city.rows("SELECT id FROM entitlement WHERE state = 'detected' ORDER BY tier") == [(n,) for n in numbers]


def _killed(*_arguments: object) -> None:
    raise KeyboardInterrupt
