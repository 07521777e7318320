"""`applyfree tiers`: every benefit with its tier and the reason (acceptance row 10)."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

import pytest

from serving.day.tiering import count_tiers
from serving.delivery.tier import Tier
from tests.cli.shell import applyfree
from tests.tiered_city import City, tiered_city


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    with tiered_city(300, 4) as found:
        yield found


@pytest.fixture
def home(city: City, monkeypatch: pytest.MonkeyPatch) -> City:
    monkeypatch.setenv("APPLYFREE_HOME", str(city.home))
    monkeypatch.setenv("APPLYFREE_DATABASE_URL", city.url)
    return city


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_benefit_is_listed_with_its_tier_and_the_reason(home: City, lang: str) -> None:
    done = applyfree("tiers", "--lang", lang, "--format", "csv")
    assert done.status == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["benefit"] for row in rows} == set(home.rulebook.benefits)
    assert all(row["reason"] and "{" not in row["reason"] for row in rows)
    by_benefit = {row["benefit"]: row for row in rows}
    assert by_benefit["resident_medical_treatment"]["tier"] == "automatic"
    assert by_benefit["childcare_subsidy"]["tier"] == "confirm"
    assert by_benefit["temporary_assistance"]["tier"] == "review"
    assert "第十二条" in by_benefit["temporary_assistance"]["reason"]
    counted = Counter({(row["benefit"], tier.value): int(row[tier.value]) for row in rows for tier in Tier})
    assert +counted == count_tiers(home.session)


def test_the_table_says_what_stands_under_each_tier(home: City) -> None:
    done = applyfree("tiers", "--lang", "en")
    assert done.status == 0, done.err
    assert "There was nothing to do." in done.out
    total = Counter[str]()
    for (_, tier), count in count_tiers(home.session).items():
        total[tier] += count
    assert all(f"{count:,} {tier}" in done.out for tier, count in total.items())


def test_a_demotion_is_shown_with_its_register_and_cause(home: City) -> None:
    home.session.execute(
        "INSERT INTO demotion (benefit, register, cause, detail, ceiling, since) "
        "VALUES ('resident_medical_treatment', NULL, 'measured_error', '4 / 300 > 1.00%', 'confirm', now())"
    )
    done = applyfree("tiers", "--lang", "en", "--format", "csv")
    (row,) = [one for one in csv.DictReader(io.StringIO(done.out)) if one["benefit"] == "resident_medical_treatment"]
    assert (row["tier"], row["ceiling"], row["automatic"]) == ("confirm", "confirm", "0")
    assert "4 / 300 > 1.00%" in row["reason"]
    assert "measured error" in applyfree("tiers", "--lang", "en").out


def test_without_a_sweep_it_says_what_to_do(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path_factory.mktemp("empty")))
    done = applyfree("tiers")
    assert done.status == 2
    assert "applyfree ingest" in done.err
