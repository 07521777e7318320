"""The made population looks like the census, and everybody in it fits everybody else."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from features.city.households import make_pool
from features.city.identities import partition_of
from features.city.margins import load_margins
from features.city.people import People, settle
from features.facts.population import NONE
from tests.city_world import city_tables
from tests.unit.features.city.conftest import TODAY, City

WITHIN = 0.006
"""Of a share of the population; 40,000 persons vary by about half of that."""


@pytest.fixture(scope="module")
def people() -> People:
    margins = load_margins()
    pool = make_pool(margins, np.random.default_rng(1))
    return settle(pool, margins, 40_000, 0, TODAY, np.random.default_rng(2))


def test_the_shares_add_up_to_the_published_totals() -> None:
    margins = load_margins()
    persons = margins.totals["persons"]
    assert sum(district.persons for district in margins.districts) == persons
    for name, low, high in (("aged_0_14", 0, 14), ("aged_15_59", 15, 59), ("aged_60_and_over", 60, 99)):
        share = sum(group.share for group in margins.ages if low <= group.low and group.high <= high)
        assert share == pytest.approx(margins.totals[name] / persons, abs=0.001), name
    men = sum(group.share * group.men for group in margins.ages)
    assert 100 * men / (1 - men) == pytest.approx(margins.totals["men_per_100_women"], abs=0.6)
    floating = sum(district.persons * district.floating for district in margins.districts)
    assert floating == pytest.approx(margins.totals["floating"], rel=0.02)
    assert sum(margins.household_sizes.values()) == pytest.approx(1)
    mean = sum(size * share for size, share in margins.household_sizes.items())
    assert mean == pytest.approx(2.22, abs=0.02)


def test_ages_and_sexes_are_those_of_the_census(people: People) -> None:
    living = ~people.dead
    for group in load_margins().ages:
        of_age = living & (people.age >= group.low) & (people.age <= group.high)
        assert of_age.sum() / living.sum() == pytest.approx(group.share, abs=WITHIN), group
        assert people.male[of_age].mean() == pytest.approx(group.men, abs=0.06), group


def test_households_and_districts_are_those_of_the_census(people: People) -> None:
    margins = load_margins()
    size = np.bincount(people.household)
    family = ~people.collective[np.unique(people.household, return_index=True)[1]]
    for persons, share in margins.household_sizes.items():
        assert (size[family] == persons).mean() == pytest.approx(share, abs=0.015), persons
    total = margins.totals["persons"]
    for district in margins.districts:
        assert (people.home == district.code).mean() == pytest.approx(district.persons / total, abs=0.015)
    assert (~people.local).mean() == pytest.approx(margins.totals["floating"] / total, abs=0.03)


def test_there_are_exactly_as_many_persons_as_asked_for(small_city: City) -> None:
    persons = small_city.truth("person")
    assert persons.height == 4_000
    assert persons["id"].n_unique() == 4_000
    assert persons["partition"].value_counts().sort("partition")["count"].to_list() == [1_500, 1_500, 1_000]


def test_no_id_can_be_that_of_a_real_person(small_city: City) -> None:
    persons = small_city.truth("person")
    assert persons["id"].str.contains(r"\A99[0-9]{15}[0-9X]\z").all()
    assert persons.filter(pl.col("birth_date").dt.strftime("%Y%m%d") != pl.col("id").str.slice(6, 8)).is_empty()
    odd = pl.col("id").str.slice(14, 3).cast(pl.Int32) % 2 == 1
    assert persons.filter(odd != (pl.col("sex") == "male")).is_empty()
    assert all(partition_of(row["id"]) == row["partition"] for row in persons.iter_rows(named=True))


def test_the_check_digit_is_right(small_city: City) -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    for number in small_city.truth("person")["id"].head(200):
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
        assert number[17] == "10X98765432"[total % 11]


def test_children_are_younger_than_their_parents(small_city: City) -> None:
    persons = small_city.truth("person")
    born = persons.select(
        pl.col("id").alias("parent"), pl.col("birth_date").alias("parent_born"), pl.col("sex").alias("is")
    )
    for link, sex in (("mother_id", "female"), ("father_id", "male")):
        pairs = persons.filter(pl.col(link) != NONE).join(born, left_on=link, right_on="parent", how="left")
        assert pairs.height > 100
        assert pairs["parent_born"].null_count() == 0
        assert (pairs["is"] == sex).all()
        years = (pairs["birth_date"] - pairs["parent_born"]).dt.total_days() / 365.25
        assert (years >= 18).all(), link


def test_spouses_are_each_others_and_married(small_city: City) -> None:
    persons = small_city.truth("person")
    wed = persons.filter(pl.col("spouse_id") != NONE)
    assert wed.height > 500
    other = wed.join(persons, left_on="spouse_id", right_on="id", suffix="_other", how="left")
    assert (other["spouse_id_other"] == other["id"]).all()
    assert (other["household_id_other"] == other["household_id"]).all()
    assert (wed["marital_status"] == "married").all()
    assert not wed["deceased"].any()
    assert (persons.filter(pl.col("marital_status") == "married")["spouse_id"] != NONE).all()


def test_everybody_alive_lives_in_one_household_that_exists(small_city: City) -> None:
    persons, households = small_city.truth("person"), small_city.truth("household")
    assert households["id"].is_unique().all()
    members = persons.filter(pl.col("household_id") != NONE)
    assert set(members["household_id"]) == set(households["id"])
    assert (persons.filter(~pl.col("deceased"))["household_id"] != NONE).all()
    counted = members.filter(~pl.col("deceased")).group_by("household_id").len()
    sizes = households.join(counted, left_on="id", right_on="household_id").filter(
        pl.col("household_size") != pl.col("len")
    )
    assert sizes.is_empty()


def test_no_relation_leaves_a_partition(small_city: City) -> None:
    persons = small_city.truth("person")
    where = pl.concat(
        [small_city.truth(kind).select("id", at="partition") for kind in ("person", "household", "enterprise")]
    )
    for link in ("household_id", "enterprise_id", "spouse_id", "mother_id", "father_id", "guardian_id"):
        named = persons.filter(pl.col(link) != NONE).join(where, left_on=link, right_on="id", how="left")
        assert (named["at"] == named["partition"]).all(), link


def test_the_employed_have_an_employer_that_counts_them(small_city: City) -> None:
    persons, enterprises = small_city.truth("person"), small_city.truth("enterprise")
    working = persons.filter("employed")
    assert working.height > 1_000
    assert (working["enterprise_id"] != NONE).all()
    assert (working["hired_on"] <= TODAY).all()
    staff = persons.filter(pl.col("enterprise_id") != NONE).group_by("enterprise_id").len()
    counted = enterprises.join(staff, left_on="id", right_on="enterprise_id")
    assert counted.height == enterprises.height
    assert (counted["insured_headcount"] == counted["len"]).all()
    founded = working.join(enterprises, left_on="enterprise_id", right_on="id", suffix="_of_employer")
    assert (founded["enterprise_registered_on"] <= founded["hired_on"]).all()


@pytest.mark.parametrize("day", [dt.date(2024, 2, 29), dt.date(2025, 12, 31), dt.date(2027, 1, 1)])
def test_it_can_be_looked_at_on_any_day(day: dt.date) -> None:
    people = city_tables(300, day, share_unknown=0)["person"]
    assert people.height == 300
    assert people["birth_date"].null_count() == 0
    assert (people["birth_date"] <= day).all()
    assert (people["birth_date"].dt.year() >= day.year - 2).any()
