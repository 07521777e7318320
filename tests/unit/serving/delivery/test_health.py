"""Which registers are degraded, why, and whose benefits hang on them alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pytest

from features.history.records import View
from serving.delivery.health import (
    Cause,
    Demoted,
    Trouble,
    demoted_for_error,
    demoted_for_registers,
    facts_read,
    hanging_on,
    health,
)
from serving.delivery.terms import load_programmes
from serving.loading import KeptLoad
from tests.village_world import FOLDER, village_rulebook, village_vocabulary

DAY = dt.date(2026, 3, 1)
WAGES = View("tax.wages", "tax", "person", ("wage",), full=True)
PEOPLE = View(
    "village_office.people", "village_office", "person", ("birth_date", "lives_in", "household_id"), full=True
)
CARE = View("clinic.care", "clinic", "person", ("disabled",), full=False)
HOMES = View("housing.homes", "housing", "household", ("rent",), full=True)
KIN = View("village_office.kin", "village_office", "person", ("mother_id", "father_id"), full=True)
VIEWS = (WAGES, PEOPLE, CARE, HOMES, KIN)


def load(table: str, attested: str | None = "2026-02-28", *, day: int = 1, read: int = 1_000, bad: int = 0) -> KeptLoad:
    moment = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
    if attested is None:
        return KeptLoad(table, moment, "refused", None, 0, 0, 3)
    return KeptLoad(table, moment, "taken", dt.date.fromisoformat(attested), read, bad, 0)


def troubles(*loads: KeptLoad, on_date: dt.date = DAY, parted: tuple[str, ...] = ()) -> dict[str, list[Cause]]:
    rulebook = village_rulebook()
    found = health(VIEWS, loads, village_vocabulary(), facts_read(rulebook, DAY), on_date, parted)
    return {register: [one.cause for one in causes] for register, causes in found.items() if causes}


def test_registers_that_deliver_in_time_and_in_order_are_healthy() -> None:
    assert troubles(*(load(view.id) for view in VIEWS)) == {}
    assert set(health(VIEWS, (), village_vocabulary(), (), DAY)) == {"tax", "village_office", "clinic", "housing"}


@pytest.mark.parametrize(("bad", "degraded"), [(5, False), (6, True)])
def test_more_than_half_a_percent_of_rows_set_aside_degrade_a_register(bad: int, degraded: bool) -> None:
    assert troubles(load(WAGES.id, bad=bad)) == ({"tax": [Cause.ROWS_SET_ASIDE]} if degraded else {})


def test_a_refused_delivery_degrades_until_the_next_one_is_taken() -> None:
    taken, refused = load(WAGES.id), load(WAGES.id, None, day=2)
    assert troubles(taken, refused) == {"tax": [Cause.DELIVERY_REFUSED]}
    assert troubles(taken, refused, load(WAGES.id, day=3)) == {}
    assert troubles(refused) == {"tax": [Cause.DELIVERY_REFUSED]}


@pytest.mark.parametrize(("day", "degraded"), [(dt.date(2027, 2, 27), False), (dt.date(2027, 2, 28), True)])
def test_a_delivery_is_overdue_when_what_rules_read_of_it_has_grown_too_old(day: dt.date, degraded: bool) -> None:
    found = troubles(load(WAGES.id), on_date=day)
    assert found == ({"tax": [Cause.DELIVERY_OVERDUE]} if degraded else {})


def test_what_never_ages_is_never_overdue() -> None:
    assert troubles(load(KIN.id), on_date=dt.date(2066, 1, 1)) == {}


def test_a_late_older_list_says_nothing_against_a_newer_one() -> None:
    assert troubles(load(WAGES.id), load(WAGES.id, "2024-01-01", day=2)) == {}


def test_stores_that_parted_degrade_the_registers_of_the_facts() -> None:
    assert troubles(parted=("rent", "wage")) == {"tax": [Cause.STORES_PARTED], "housing": [Cause.STORES_PARTED]}


def test_a_benefit_hangs_on_the_registers_that_alone_give_what_it_reads() -> None:
    found = hanging_on(village_rulebook(), VIEWS, DAY)
    assert found["tax"] == {"old_age_grant", "rent_help", "sibling_grant"}
    assert found["clinic"] == {"old_age_grant", "carer_help"}
    assert found["housing"] == {"carer_help", "rent_help"}
    assert found["village_office"] == {"old_age_grant", "rent_help", "carer_help", "sibling_grant"}


def test_a_fact_that_two_registers_give_hangs_on_neither() -> None:
    bank = View("bank.wages", "bank", "person", ("wage",), full=False)
    found = hanging_on(village_rulebook(), (*VIEWS, bank), DAY)
    assert "tax" not in found
    assert "bank" not in found


def test_a_second_table_of_the_same_register_changes_nothing() -> None:
    again = View("tax.returns", "tax", "person", ("wage",), full=False)
    assert hanging_on(village_rulebook(), (*VIEWS, again), DAY) == hanging_on(village_rulebook(), VIEWS, DAY)


def test_a_degraded_register_demotes_exactly_its_benefits() -> None:
    hanging = hanging_on(village_rulebook(), VIEWS, DAY)
    trouble = Trouble(Cause.DELIVERY_REFUSED, "tax.wages, 2026-03-02, 3")
    found = demoted_for_registers(hanging, {"tax": (trouble,), "clinic": ()})
    assert [one.benefit for one in found] == ["old_age_grant", "rent_help", "sibling_grant"]
    assert {one.register for one in found} == {"tax"}
    assert {one.ceiling.value for one in found} == {"confirm"}


@dataclass(frozen=True)
class Measured:
    """What blind samples found."""

    benefit: str
    sampled: int
    wrong: int
    low: float = 0.0
    high: float = 0.05


@pytest.mark.parametrize(("sampled", "wrong", "off"), [(300, 3, False), (300, 4, True), (0, 0, False), (60, 1, True)])
def test_a_measured_error_above_the_limit_turns_automatic_off(sampled: int, wrong: int, off: bool) -> None:
    programmes = load_programmes(Path(FOLDER / "programmes.yaml"))
    found: list[Demoted] = demoted_for_error(programmes, [Measured("rent_help", sampled, wrong)])
    assert [one.benefit for one in found] == (["rent_help"] if off else [])
