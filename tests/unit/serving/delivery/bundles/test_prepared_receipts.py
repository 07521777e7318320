"""Receipts and footing fit the catalogue: every fact that tells of a receipt is accounted for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from features.facts.units import PERIODS
from rules.catalogue import load_catalogue
from rules.reads import reads_of
from serving.catalogues import CHINA, UNITED_STATES, shipped_catalogues
from serving.delivery.bundles.errors import ReceiptFileError
from serving.delivery.bundles.footing import limited_benefits, worth_of
from serving.delivery.bundles.model import Worth
from serving.delivery.bundles.preparation import prepare
from serving.delivery.bundles.receipts import check_receipts, read_receipts
from tests.unit.serving.delivery.bundles.families import DAY, prepared, rulebook

TELLS_OF_RECEIPT = re.compile(r"receives_|drawing_|.*_in_payment$|own_assistance_month$|household_income_|.*_chosen$")


@pytest.mark.parametrize("jurisdiction", [CHINA, UNITED_STATES])
def test_every_fact_that_tells_of_a_receipt_is_accounted_for(jurisdiction: str) -> None:
    found = load_catalogue(shipped_catalogues() / jurisdiction).rulebook
    assert found is not None
    receipts = read_receipts(jurisdiction)
    listed = receipts.facts() | receipts.not_modelled.keys() | receipts.elsewhere.keys()
    facts = found.vocabulary.dictionary.facts
    assert {fact for fact in facts if TELLS_OF_RECEIPT.match(fact)} <= listed
    assert listed <= facts.keys()
    prepare(found, DAY)


def test_what_is_limited_is_a_benefit_that_is_paid_more_than_once() -> None:
    for benefit in limited_benefits(CHINA):
        assert {v.version.amount.per for v in rulebook().benefits[benefit].versions} & {"month", "year"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{fact: receives_dibao, of: self, becomes: true, because: x}", "is a fact of a person, not of a household"),
        ("{fact: receives_nothing, of: self, becomes: true, because: x}", "there is no fact"),
        ("{fact: receives_dibao, of: neighbours, becomes: true, because: x}", "`of` is `self`, `members` or a group"),
        ("{fact: receives_dibao, of: members, adds: amount, because: x}", "`adds` goes with amounts"),
        ("{fact: death_grant_chosen, of: members, becomes: all, otherwise: not_yet, because: x}", "no value of"),
        ("{fact: household_income_month, of: self, adds: amount, because: x}", "circle"),
    ],
)
def test_a_line_that_cannot_be_put_into_effect_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "receipts.yaml"
    text = f"cn:\n  receipts:\n    dibao:\n      - {line}\n  not_modelled: {{}}\n  elsewhere: {{}}\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReceiptFileError, match=re.escape(said)):
        check_receipts(read_receipts(CHINA, path), rulebook(), reads_of(rulebook(), DAY))


def test_one_footing_for_all_periods() -> None:
    assert worth_of(100, 100, "month", "CNY", limited=False) == Worth(1200, 1200, lasting=True)
    assert worth_of(100, 100, "month", "CNY", limited=True) == Worth(1200, 1200, lasting=False)
    assert worth_of(100, 100, "once", "CNY", limited=False) == Worth(100, 100, lasting=False)
    assert worth_of(100, 100, "day", "CNY", limited=False) == Worth(0, 36500, lasting=True)
    assert worth_of(100, None, "year", "CNY", limited=False) == Worth(100, None, lasting=True)
    assert worth_of(None, None, "year", "in_kind", limited=False).in_kind
    assert worth_of(50, 50, "trip", "share_of_fare", limited=False).in_kind
    assert all(not worth_of(1, 1, per, "CNY", limited=False).in_kind for per in PERIODS)


def test_what_tops_up_a_benefit_needs_it() -> None:
    assert prepared().needs.keys() == {"unemployment_birth_supplement", "unemployment_job_seeking_allowance"}
    assert not prepared().is_plain(["unemployment_job_seeking_allowance"])


def test_ties_are_seen_between_what_is_received_and_what_is_open() -> None:
    assert prepared().is_plain(["resident_pension", "advanced_age_allowance"], ["temporary_assistance"])
    assert not prepared().is_plain(["resident_pension"], ["dibao"])
    assert not prepared().is_plain(["resident_pension", "unemployment_benefit"])
    assert not prepared().is_plain(["dibao"])
    assert prepared().is_plain(["childcare_subsidy", "childcare_subsidy"])
