"""A sweep of the sample city ends with every determination in a tier with its reason, every case in a queue.

Each case has a clock that runs. And gate G1's line: whatever is approved has exactly one row in the outbox, and nothing
else has any.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping

import polars as pl
from sqlalchemy import text

from features.facts.encoding import ID
from rules.determination import Outcome
from serving.casework.clocks import Kind, shipped_clocks
from serving.casework.queues import desk_in, overdue, waiting
from serving.day.districts import UNASSIGNED
from serving.delivery.words import load_words
from serving.sweep.account import Account
from tests.delivered_city import NIGHT, City

FIRST_STATES = {
    "automatic": {"approved", "public_notice"},
    "confirm": {"offered"},
    "review": {"review"},
}
"""Where an entitlement of each tier stands after its first step."""


def in_words(city: City, given: Mapping[str, object], lang: str) -> str:
    """A reason as a page shows it: settled households bring their words along."""
    if lang in given:
        return str(given[lang])
    return load_words().reason(given, city.opened.rulebook.vocabulary, lang)


def test_every_determination_is_in_a_tier_and_they_add_up(city: City) -> None:
    tallies = Account.read(city.opened.sweep.account).tallies.values()
    determinations = sum(tally.outcomes.total() for tally in tallies)
    tiers = Counter(dict(city.opened.tiers()["tier"].value_counts().rows()))
    assert tiers == Counter(city.done.tiers)
    assert tiers.total() == determinations > 10 * city.persons
    assert set(tiers) == {"none", "automatic", "confirm", "ask", "review"}
    ineligible = sum(tally.outcomes[Outcome.INELIGIBLE.value] for tally in tallies)
    assert tiers["none"] >= ineligible > 0
    nameless = city.opened.rows(
        "SELECT count(*) FROM current_tier WHERE jsonb_array_length(reasons) = 0 OR tier IS NULL"
    )
    assert nameless == [(0,)]


def test_every_ruling_says_why_in_both_languages(city: City) -> None:
    rulings = city.opened.rows("SELECT DISTINCT tier, reasons FROM current_tier")
    owed = city.opened.rows("SELECT DISTINCT tier, reasons FROM entitlement")
    assert len(rulings) > 20
    for tier, reasons in rulings + owed:
        assert str(tier) in load_words().tiers
        assert isinstance(reasons, list)
        assert reasons
        for lang in ("zh", "en"):
            for given in reasons:
                said = in_words(city, given, lang)
                assert len(said) > 3
                assert "{" not in said, said


def test_what_is_owed_went_its_first_step(city: City) -> None:
    found = city.opened.entitlements()
    assert found.height == city.done.found > 0
    assert city.done.waiting == 0
    assert city.done.tripped == []
    states = Counter(dict(found["state"].value_counts().rows()))
    assert states == Counter(city.done.steps)
    for tier, state in found.select("tier", "state").unique().iter_rows():
        assert state in FIRST_STATES[tier]
    answers = city.opened.tiers()
    candidates = answers.filter(
        (pl.col("tier") == "review")
        | (pl.col("tier").is_in(["automatic", "confirm"]) & (pl.col("outcome") == "eligible"))
    )
    key = ["subject", ID, "benefit"]
    assert found.join(candidates, on=key, how="anti").is_empty()  # nothing is owed that was not answered so
    aside = candidates.join(found, on=key, how="anti")
    weighed = {
        (item["kind"], item["subject"], item["benefit"])
        for (items,) in city.opened.rows("SELECT items FROM knot")
        for item in items  # type: ignore[attr-defined]
        if not item["proposed"]
    }
    assert set(aside.select(key).iter_rows()) <= weighed  # and what is not owed was weighed for a household


def test_every_approved_entitlement_has_exactly_one_row_in_the_outbox(city: City) -> None:
    rows = city.opened.rows(
        "SELECT e.state, o.kind, count(o.id), count(DISTINCT o.delivery_key) FROM entitlement e "
        "LEFT JOIN outbox o ON o.entitlement = e.id AND o.kind = 'grant' GROUP BY e.id, e.state, o.kind"
    )
    approved = [(count, keys) for state, _, count, keys in rows if state == "approved"]
    assert set(approved) == {(1, 1)}
    assert len(approved) == city.done.steps["approved"]
    assert {count for state, _, count, _ in rows if state != "approved"} == {0}
    loose = "SELECT count(*) FROM outbox WHERE kind = 'grant' AND entitlement IS NULL"
    assert city.opened.rows(loose) == [(0,)]


def test_every_case_is_in_a_queue(city: City) -> None:
    judged = city.opened.entitlements().filter(pl.col("state") == "review")
    cases = city.opened.rows("SELECT count(*), count(DISTINCT entitlement) FROM case_file WHERE kind = 'review'")
    assert cases == [(judged.height, judged.height)]
    events = city.opened.rows(
        "SELECT count(*), count(DISTINCT case_file) FROM case_event WHERE action = 'opened' AND actor = 'day'"
    )
    assert events == cases
    told = "SELECT count(*) FROM audit_intent WHERE action = 'case:opened' AND actor_kind = 'system'"
    assert city.opened.rows(told) == [(judged.height,)]
    areas = city.opened.rulebook.vocabulary.areas
    whole = {code for code, area in areas.by_code.items() if area.parent is None}
    with city.opened.engine.connect() as connection:
        queues = Counter[tuple[str, str]]()
        for district, benefit, count in connection.execute(
            text("SELECT district, benefit, count(*) FROM case_file WHERE state <> 'closed' GROUP BY 1, 2")
        ):
            assert district in areas.by_code or district == UNASSIGNED
            assert benefit in city.opened.rulebook.benefits
            queues[district, benefit] = count
        assert queues.total() == judged.height > 0
        seen = {
            case.id
            for country in whole
            for case in waiting(connection, desk_in(areas, country), limit=judged.height + 1)
        }
        assert len(seen) == queues.total()  # somebody has each of them before them


def test_every_clock_runs(city: City) -> None:
    due = shipped_clocks().due(Kind.REVIEW, NIGHT)
    found = city.opened.rows("SELECT DISTINCT due_at, paused_at, opened_at, state FROM case_file")
    assert found == [(due, None, NIGHT, "open")]
    areas = city.opened.rulebook.vocabulary.areas
    with city.opened.engine.connect() as connection:
        desks = [desk_in(areas, code) for code, area in areas.by_code.items() if area.parent is None]
        late = {case.id for desk in desks for case in overdue(connection, desk, due + dt.timedelta(seconds=1))}
        assert len(late) == city.done.steps["review"]
        assert not any(overdue(connection, desk, due) for desk in desks)


def test_what_is_offered_or_published_goes_on_by_itself(city: City) -> None:
    rows = city.opened.rows(
        "SELECT state, count(*) FILTER (WHERE next_step_at IS NULL), min(next_step_at) FROM entitlement GROUP BY state"
    )
    clocks = {state: (without, first) for state, without, first in rows}
    for state in ("offered", "public_notice"):
        without, first = clocks[state]
        assert without == 0
        assert isinstance(first, dt.datetime)
        assert first > NIGHT
