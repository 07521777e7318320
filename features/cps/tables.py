"""The survey's households as fact tables, ready for evaluation or to be written as fact files.

Incomes stand in the dollars of the survey years (2012 to 2014). Households are placed in five states whose SNAP rules
are the federal ones. What the survey does not ask (rent, resources, disability, status, …) is drawn from the seed.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from features.cps.draws import Draws, Whole
from features.cps.households import household_columns, state_supplements
from features.cps.people import Columns, Frame, frame_of, person_columns
from features.cps.returns import People, Returns, people_of, read_returns, survey_file
from features.documents import Findings
from features.facts.encoding import column_type
from features.facts.population import NONE
from features.facts.units import MINOR_UNITS
from features.facts.vocabulary import Vocabulary, load_vocabulary

JURISDICTION = "us"
SURVEY_DATE = dt.date(2025, 3, 1)
_LATEST_DAY = 28


def cps_tables(
    households: int | None, seed: int, on_date: dt.date = SURVEY_DATE, *, birthdays_passed: bool = False
) -> dict[str, pl.DataFrame]:
    """Encoded fact tables (person, tax_unit, household) of so many households; all of them where None.

    Args:
        households: how many, chosen by the seed.
        seed: decides everything that the survey does not.
        on_date: the day on which people have the age that the survey gives them.
        birthdays_passed: put every birthday between 1 January and `on_date`, so that a person's age is one number all
            year from then on (an engine that knows ages by year only can then be compared).
    """
    vocabulary = load_vocabulary(JURISDICTION, Findings())
    returns = read_returns(survey_file(), households, seed)
    people = people_of(returns)
    frame = frame_of(returns, people, seed)
    persons = person_columns(frame)
    ids = np.unique(returns.household)
    position = np.searchsorted(ids, returns.household[people.row])
    age = np.asarray(persons["age"])
    earned = np.asarray(persons["wages"]) + np.asarray(persons["self_employment_income"])
    small = np.bincount(position, age < 13, len(ids))
    homes = household_columns(returns, ids, small, np.bincount(position, earned, len(ids)), seed)
    frail = np.asarray(persons["has_disability"], dtype=bool) | (age >= 65)
    persons["state_ssi_supplement"] = state_supplements(frail, np.asarray(homes["state_area"])[position], frame.own)
    woman = np.asarray(persons.pop("is_woman"), dtype=bool)
    persons["sex"] = np.where(woman, "female", "male").astype(object)
    places = np.select([frame.head, frame.spouse], ["head", "spouse"], "dependent")
    persons["tax_unit_role"] = places.astype(object)
    months = np.asarray(persons.pop("months"))
    born = _birth_dates(np.asarray(persons.pop("age")), months, on_date, frame.own, passed=birthdays_passed)
    return {
        "person": _encoded({**_links(returns, people, frame), "birth_date": pl.Series(born)}, persons, vocabulary),
        "tax_unit": pl.DataFrame({"id": _return_ids(returns.household, returns.number)}),
        "household": _encoded({"id": _household_ids(ids)}, homes, vocabulary),
    }


def write_fact_files(folder: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Write `<kind>.parquet` for each table, as `applyfree evaluate` reads them: money in dollars, codes as text."""
    vocabulary = load_vocabulary(JURISDICTION, Findings())
    folder.mkdir(parents=True, exist_ok=True)
    for kind, table in tables.items():
        written = []
        for column in table.iter_columns():
            fact = vocabulary.dictionary.facts.get(column.name)
            if fact is not None and fact.type.kind == "money":
                column = column.cast(pl.Decimal(18, 2)) / MINOR_UNITS
            elif isinstance(column.dtype, pl.Enum):
                column = column.cast(pl.String)
            written.append(column)
        pl.DataFrame(written).write_parquet(folder / f"{kind}.parquet")


def _household_ids(household: Whole) -> pl.Series:
    return pl.select(pl.format("h{}", pl.lit(pl.Series(household)))).to_series()


def _return_ids(household: Whole, number: Whole) -> pl.Series:
    return pl.select(pl.format("h{}-{}", pl.lit(pl.Series(household)), pl.lit(pl.Series(number)))).to_series()


def _links(returns: Returns, people: People, frame: Frame) -> dict[str, pl.Series]:
    unit = _return_ids(returns.household, returns.number).gather(pl.Series(people.row))
    ids = pl.select(pl.format("{}-{}", pl.lit(unit), pl.lit(pl.Series(people.number)))).to_series()
    couple = frame.is_joint & ~frame.dependant
    other = np.arange(len(ids)) + np.where(frame.head, 1, -1)
    partner = ids.gather(pl.Series(np.clip(other, 0, len(ids) - 1)))
    nobody = pl.Series([NONE]).new_from_index(0, len(ids))
    return {
        "id": ids,
        "household_id": _household_ids(returns.household).gather(pl.Series(people.row)),
        "tax_unit_id": unit,
        "spouse_id": partner.zip_with(pl.Series(couple), nobody),
    }


def _birth_dates(age: Whole, months: Whole, on_date: dt.date, own: Draws, *, passed: bool) -> np.ndarray:
    """Days of birth: completed years (for infants: months) on `on_date` as given, the day in the year drawn."""
    infant = age == 0
    month = on_date.year * 12 + on_date.month - 1 - np.where(infant, months, 12 * age)
    day = min(on_date.day, _LATEST_DAY)
    anniversary = (month - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    days_into_year = (on_date - dt.date(on_date.year, 1, 1)).days - (on_date.day - day)
    most: int | Whole = days_into_year if passed else 364
    earlier = np.where(infant, own.whole("born", 0, 27), own.whole("born", 0, most))
    born: np.ndarray = anniversary - earlier.astype("timedelta64[D]")
    return born


def _encoded(identity: dict[str, pl.Series], columns: Columns, vocabulary: Vocabulary) -> pl.DataFrame:
    """A table in the encoding of facts: whole dollars become minor units, codes and areas enumerations."""
    table: dict[str, pl.Series] = dict(identity)
    for name, values in columns.items():
        fact = vocabulary.dictionary.facts[name]
        dtype = column_type(fact, vocabulary.areas)
        if fact.type.kind == "money":
            values = np.asarray(values).astype(np.int64) * MINOR_UNITS
        series = pl.Series(name, values.tolist() if values.dtype == object else values)
        table[name] = series.cast(dtype)
    return pl.DataFrame(table)
