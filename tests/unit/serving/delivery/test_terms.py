"""Operating terms: every shipped benefit has its own, they fit its rules, and a mistake is told with its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from features.documents import DocumentError
from rules.catalogue import load_catalogue
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.delivery.errors import TermsMissingError
from serving.delivery.terms import Silence, Terms, asks_of, load_programmes, silence_of
from serving.delivery.tier import Amount, Discretion, Tier
from serving.evaluation import sound_rulebook
from serving.store.answers import Answer
from tests.village_world import FOLDER, village_rulebook, village_vocabulary

HEAD = "defaults: {reversible: true, incomplete: ask, error_limit: 0.01}\nbenefits:\n"
GOOD = "  old_age_grant: {cap: {amount: 1000, per: month}, silence: delivers}\n"


def shipped(jurisdiction: str) -> Rulebook:
    return sound_rulebook(load_catalogue(shipped_catalogues() / jurisdiction))


@pytest.mark.parametrize("jurisdiction", ["cn", "us"])
def test_every_shipped_benefit_has_terms_that_fit_its_rules(jurisdiction: str) -> None:
    assert load_programmes().findings(shipped(jurisdiction)) == []


def test_the_terms_name_no_benefit_that_is_not_shipped() -> None:
    known = {benefit for jurisdiction in ("cn", "us") for benefit in shipped(jurisdiction).benefits}
    assert set(load_programmes().terms) == known


def test_a_benefit_without_terms_is_named() -> None:
    with pytest.raises(TermsMissingError) as caught:
        load_programmes().findings(village_rulebook())
    assert caught.value.benefits == ("carer_help", "old_age_grant", "rent_help", "sibling_grant")


def test_asks_are_the_laws_and_the_terms() -> None:
    rulebook = shipped("cn")
    plan = rulebook.in_force(rulebook.benefits["dibao"].versions[0].version.start)["dibao"]
    asks = asks_of(plan, load_programmes().of("dibao"))
    assert (asks.application, asks.will, asks.discretion) == (True, True, Discretion.PARTIAL)
    assert "第九条" in asks.clauses[0]
    assert asks.law.startswith("社会救助暂行办法（国务院令第649号）")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("old_age_grant: {cap: {amount: 0, per: month}, silence: delivers}", "A cap is above 0."),
        ("old_age_grant: {cap: {amount: 5, per: week}, silence: delivers}", "`per` is `week`."),
        ("old_age_grant: {cap: {amount: 5, per: month}, silence: waives}", "`silence` is `waives`."),
        ("old_age_grant: {cap: {amount: 5, per: month}}", "silence"),
        ("old_age_grant: {cap: none, silence: delivers, error_limit: 1.5}", "is a share between 0 and 1"),
        ("old_age_grant: {cap: none, silence: delivers, incomplete: automatic}", "`incomplete` is `automatic`."),
        ("old_age_grant: {cap: none, silence: delivers, colour: red}", "colour"),
    ],
)
def test_a_mistake_is_told_with_its_place(entry: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "terms.yaml"
    file.write_text(f"{HEAD}  {entry}\n", encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        load_programmes(file)
    assert said in str(caught.value)
    assert ":3:" in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{cap: none, silence: delivers}", "pays money and has no cap"),
        ("{cap: {amount: 5, per: year}, silence: delivers}", "is per month, and its cap is per year"),
        ("{cap: {amount: 5, per: month}, silence: delivers, judged: [第六条]}", "`judged` does not go with it"),
    ],
)
def test_terms_that_do_not_fit_the_rules_are_found(entry: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "terms.yaml"
    others = (FOLDER / "programmes.yaml").read_text(encoding="utf-8").splitlines()
    lines = [f"  old_age_grant: {entry}" if "old_age_grant" in line else line for line in others]
    file.write_text("\n".join(lines), encoding="utf-8")
    (found,) = load_programmes(file).findings(village_rulebook())
    assert said in found.message


def test_the_villages_terms_fit() -> None:
    assert load_programmes(FOLDER / "programmes.yaml").findings(village_rulebook()) == []


def terms(silence: Silence) -> Terms:
    place = load_programmes().of("dibao").place
    return Terms(Decimal(1000), "month", True, silence, Tier.ASK, Decimal("0.01"), (), place)


def test_silence_is_never_a_waiver_where_the_states_own_data_are_missing() -> None:
    village = village_vocabulary()
    assert silence_of(terms(Silence.LAPSES), [], village) is Silence.LAPSES
    assert silence_of(terms(Silence.LAPSES), ["wage"], village) is Silence.LAPSES  # only the person can tell it
    assert silence_of(terms(Silence.LAPSES), ["wage", "birth_date"], village) is Silence.STAYS_OPEN
    assert silence_of(terms(Silence.LAPSES), ["$rate"], village) is Silence.STAYS_OPEN
    assert silence_of(terms(Silence.DELIVERS), ["birth_date"], village) is Silence.DELIVERS


@pytest.mark.parametrize(
    ("amount", "low", "unit", "expected"),
    [
        ("1000", "1000", "CNY", Amount.WITHIN_CAP),
        ("1000.01", "1000.01", "CNY", Amount.ABOVE_CAP),
        (None, "5", "CNY", Amount.OPEN),
        (None, "1000.01", "CNY", Amount.ABOVE_CAP),
        (None, None, "CNY", Amount.OPEN),
        (None, None, "in_kind", Amount.WITHIN_CAP),
    ],
)
def test_an_amount_is_within_the_cap_open_or_above_it(
    amount: str | None, low: str | None, unit: str, expected: Amount
) -> None:
    answer = Answer("x", "2020-01-01", "eligible", amount, low, amount, "month", unit, (), ())
    assert terms(Silence.DELIVERS).amount_of(answer) is expected
