"""The US catalogue where it leans on the language: what may be missing fits its column on every date."""

from __future__ import annotations

import datetime as dt

import pytest

from rules.catalogue import load_catalogue
from rules.rulebook import MOST_MISSING_NAMES, Rulebook
from serving.catalogues import shipped_catalogues


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    catalogue = load_catalogue(shipped_catalogues() / "us")
    assert catalogue.rulebook is not None
    return catalogue.rulebook


@pytest.mark.parametrize("year", range(2024, 2030))
@pytest.mark.parametrize("month", [1, 4, 7, 8, 10, 12])
def test_what_may_be_missing_fits_its_column_on_every_date(rulebook: Rulebook, year: int, month: int) -> None:
    counts = [len(plan.names) for plan in rulebook.in_force(dt.date(year, month, 1)).values()]
    assert max(counts) <= MOST_MISSING_NAMES


def test_a_parameter_that_has_a_value_for_every_key_cannot_be_missing(rulebook: Rulebook) -> None:
    names = rulebook.in_force(dt.date(2025, 3, 1))["snap"].names
    assert "$maximum_allotment" not in names  # bands from end to end
    assert "$standard_medical_deduction" not in names  # a value for the whole country
    assert "$standard_utility_allowance" in names  # held for five states
