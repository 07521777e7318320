"""Whole columns mean what single values mean."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.facts.conversion import convert
from features.facts.encoding import encode
from features.facts.reading import UnreadableValueError, read_value
from tests.village_world import village_vocabulary

VOCABULARY = village_vocabulary()
FACTS = VOCABULARY.dictionary.facts

PLAUSIBLE = {
    "boolean": ["true", "false", "yes", "1", "truefalse"],
    "integer": ["0", "7", "-1", "500", "501", "3.0", "3.5", "1e2", "+4", "٣", "9" * 15, "9" * 16],
    "number": ["0", "1.234", "1.2345", "1.2340", "-0.5", "10000", "10000.001", ".5", "5.", "NaN", "inf"],
    "money": ["0", "2000", "208.99", "0.001", "1000000", "1000000.01", "-1", "1,000", "CNY 5", " 5", "5\n"],
    "date": ["1956-03-15", "2023-02-29", "2024-02-29", "1849-12-31", "1850-01-01", "2150-01-01", "2024-W05-1"],
    "code": ["farm", "shop", "Farm", "mine"],
    "area": ["910000", "900000", "123456"],
    "months": [
        "2024-01", "2024-01..2024-06;2024-09", "2024-09;2024-01..2024-02", ";", "2024-13", "2024-06..2024-01",
        "1849-12", "2024-01..", "..2024-01", " 2024-01 ; 2024-02 .. 2024-03", "2024-01;;2024-02", "0000-01",
    ],
}  # fmt: skip
TYPED_FACTS = [fact for fact in FACTS.values() if fact.type.kind in PLAUSIBLE]


@given(st.data())
def test_a_column_of_text_is_read_like_each_of_its_values(data: st.DataObject) -> None:
    fact = data.draw(st.sampled_from(TYPED_FACTS), label="fact")
    alphabet = st.text("0123456789.-;: truefalsTnoNadhpE\n１", min_size=1, max_size=12)
    texts = data.draw(
        st.lists(st.one_of(st.sampled_from(PLAUSIBLE[fact.type.kind]), alphabet), min_size=1), label="texts"
    )

    column = convert(pl.Series(fact.id, texts), fact, VOCABULARY.areas)

    assert column is not None
    assert column.to_list() == [expected(fact.id, text) for text in texts]


def expected(fact_id: str, text: str) -> object:
    """What one value gives; None where it cannot be read. Files may write booleans in capitals, as spreadsheets do."""
    fact = FACTS[fact_id]
    try:
        return encode(fact, read_value(fact, text.lower() if fact.type.kind == "boolean" else text, VOCABULARY.areas))
    except UnreadableValueError:
        return None


@pytest.mark.parametrize("text", sorted({text for texts in PLAUSIBLE.values() for text in texts}))
@pytest.mark.parametrize("fact", TYPED_FACTS, ids=lambda fact: fact.id)
def test_every_odd_text_is_read_alike(fact: object, text: str) -> None:
    fact_id = fact.id  # type: ignore[attr-defined]
    column = convert(pl.Series(fact_id, [text]), FACTS[fact_id], VOCABULARY.areas)
    assert column is not None
    assert column.to_list() == [expected(fact_id, text)]


@given(st.integers(-10, 10**8 + 10))
def test_a_float_stands_for_the_cents_it_was_written_with(cents: int) -> None:
    column = convert(pl.Series([cents / 100]), FACTS["wage"], VOCABULARY.areas)
    assert column is not None
    assert column.to_list() == [cents if 0 <= cents <= 10**8 else None]


@pytest.mark.parametrize(
    ("fact", "column", "units"),
    [
        ("wage", pl.Series([1, None, 5], dtype=pl.UInt8), [100, None, 500]),
        ("wage", pl.Series([208.99, 0.001, float("nan"), float("inf"), 1e300]), [20899, None, None, None, None]),
        ("wage", pl.Series([208.99, 0.001], dtype=pl.Float32), [20899, None]),
        ("wage", pl.Series([Decimal("208.99"), Decimal("0.01")]), [20899, 1]),
        ("wage", pl.Series([Decimal("208.999"), Decimal("1e-11")], dtype=pl.Decimal(30, 11)), [None, None]),
        ("wage", pl.Series([2**64 - 1], dtype=pl.UInt64), [None]),
        ("goats", pl.Series([3.0, 3.5, None]), [3, None, None]),
        ("land", pl.Series([1.234, 1.2345]), [1234, None]),
        ("birth_date", pl.Series([dt.date(1956, 3, 15), dt.date(1700, 1, 1)]), [dt.date(1956, 3, 15), None]),
        (
            "birth_date",
            pl.Series([dt.datetime(1956, 3, 15, tzinfo=None), dt.datetime(1956, 3, 15, 12, tzinfo=None)]),  # noqa: DTZ001
            [dt.date(1956, 3, 15), None],
        ),
        ("disabled", pl.Series([True, None]), [True, None]),
        ("work", pl.Series(["farm", "mine"], dtype=pl.Categorical), ["farm", None]),
        ("paid_months", pl.Series([["2024-01", "2024-03"], [], None]), [[24288, 24290], [], None]),
        ("wage", pl.Series([None, None]), [None, None]),
        ("lives_in", pl.Series([None, None]), [None, None]),
    ],
)
def test_columns_with_types_of_their_own_are_read(fact: str, column: pl.Series, units: list[object]) -> None:
    converted = convert(column, FACTS[fact], VOCABULARY.areas)
    assert converted is not None
    assert converted.to_list() == units


@pytest.mark.parametrize(
    ("fact", "column"),
    [
        ("wage", pl.Series([True])),
        ("lives_in", pl.Series([910000])),
        ("disabled", pl.Series([1])),
        ("birth_date", pl.Series([19560315])),
        ("work", pl.Series([b"farm"])),
        ("household_id", pl.Series([1.5])),
        ("paid_months", pl.Series([[1, 2]])),
    ],
)
def test_a_column_of_a_wrong_type_is_refused_as_a_whole(fact: str, column: pl.Series) -> None:
    assert convert(column, FACTS[fact], VOCABULARY.areas) is None
