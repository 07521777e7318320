"""An old man in Beijing of whom every register has told, and what the Chinese rules say of him."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from typing import Any

import polars as pl

from features.facts.encoding import Tables
from rules.catalogue import load_catalogue
from rules.evaluate.batch import BatchEvaluator
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from tests.unit.features.events.city import City

BENEFIT = "advanced_age_allowance"
APRIL = dt.date(2026, 4, 1)
INELIGIBLE, UNDETERMINED, ELIGIBLE = 0, 1, 2


@functools.cache
def rulebook() -> Rulebook:
    """The Chinese rules."""
    found = load_catalogue(shipped_catalogues() / "cn").rulebook
    assert found is not None
    return found


def elder(folder: Path, alive_attested: str) -> City:
    """A man of 86; the health register last said on the given day that he lives."""
    city = City(folder)
    tell_of(city, "p1", alive_attested)
    return city


def tell_of(city: City, person: str, alive_attested: str) -> None:
    """What registers say of him, under some id."""
    born = dt.date(1940, 1, 1)
    city.registered("public_security", person, "1940-01-01", "2026-01-01", hukou_area="110101", birth_date=born)
    city.registered("health", person, "1940-01-01", alive_attested, deceased=False)
    city.registered("justice", person, "1940-01-01", "2026-03-01", declared_missing=False, imprisoned=False)


def answers(tables: Tables, on_date: dt.date = APRIL) -> pl.DataFrame:
    """Of everybody whether the allowance is due."""
    return BatchEvaluator(rulebook(), on_date).evaluate(tables, [BENEFIT])[BENEFIT]


def outcome(city: City, known_at: dt.datetime, on_date: dt.date = APRIL) -> dict[str, Any]:
    """The whole answer about the one person there is."""
    (row,) = answers(city.history.as_of(on_date, known_at), on_date).iter_rows(named=True)
    return row
