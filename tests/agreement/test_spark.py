"""Spark with two executors, each a process of its own, gives the batch evaluator's answers."""

from __future__ import annotations

import datetime as dt
from importlib.util import find_spec

import polars as pl
import pytest

from rules.catalogue import load_catalogue
from rules.evaluate.cluster import SparkError
from rules.evaluate.output import batch_determinations
from rules.evaluate.spark import spark_determinations
from serving.catalogues import shipped_catalogues
from tests.city_world import city_tables
from tests.spark_sessions import needs_spark, two_executors

DAY = dt.date(2026, 3, 1)
KEY = ["benefit", "subject", "id"]
__all__ = ["two_executors"]


@pytest.mark.long
@needs_spark
@pytest.mark.usefixtures("two_executors")
def test_spark_gives_the_answers_of_batch() -> None:
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    assert catalogue.rulebook is not None
    tables = city_tables(3_000, DAY)
    asked = {kind: table.height for kind, table in tables.items()}
    whole = pl.concat(batch_determinations(catalogue.rulebook, DAY, tables, asked))
    found = pl.concat(spark_determinations(catalogue, DAY, tables, asked, size=400))
    assert found.sort(KEY).equals(whole.sort(KEY))


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="Spark is installed")
def test_without_spark_the_error_says_how_to_get_it() -> None:
    catalogue = load_catalogue(shipped_catalogues() / "cn")
    assert catalogue.rulebook is not None
    tables = city_tables(50, DAY)
    asked = {kind: table.height for kind, table in tables.items()}
    with pytest.raises(SparkError, match="make spark"):
        list(spark_determinations(catalogue, DAY, tables, asked))
