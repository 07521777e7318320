"""Similar past cases: groups, never persons."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import polars as pl

from explain.similar import SMALLEST_GROUP, PastCases, similar_lines, similar_sections
from explain.wording import Language, messages
from features.facts.encoding import column_type
from features.facts.values import Value
from rules.determination import Outcome
from tests.sweep_world import cn_rulebook

RULEBOOK = cn_rulebook()
FACTS = [
    RULEBOOK.vocabulary.dictionary.facts[name]
    for name in ("household_income_month", "household_assets_within_limit", "household_area", "hardship_cause")
]


def past(rows: int = 400) -> pl.DataFrame:
    """Decided cases: the poor with few assets got it."""
    rng = np.random.default_rng(8)
    income = rng.integers(0, 800_000, rows)
    assets = rng.random(rows) < 0.8
    decided = np.where((income < 392_700) & assets, "eligible", "ineligible")
    values = {
        "household_income_month": income,
        "household_assets_within_limit": assets,
        "household_area": rng.choice(["440100", "440112"], rows),
        "hardship_cause": rng.choice(["none", "emergency"], rows),
    }
    columns = [pl.Series(f.id, values[f.id]).cast(column_type(f, RULEBOOK.vocabulary.areas)) for f in FACTS]
    return pl.DataFrame([pl.Series("id", [f"secret{n}" for n in range(rows)]), pl.Series("outcome", decided), *columns])


def cases(table: pl.DataFrame) -> PastCases:
    return PastCases(table, FACTS, RULEBOOK.vocabulary, RULEBOOK.currency)


HELD: dict[str, Value | None] = {
    "household_income_month": Decimal(100_000),
    "household_assets_within_limit": True,
    "household_area": "440100",
}


def test_groups_are_large_enough_and_the_nearest_comes_first() -> None:
    found = cases(past()).nearest(HELD, Outcome.ELIGIBLE)
    assert (len(found.same), len(found.other)) == (3, 3)
    assert {group.outcome for group in found.same} == {Outcome.ELIGIBLE}
    assert Outcome.ELIGIBLE not in {group.outcome for group in found.other}
    for some in (found.same, found.other):
        assert all(group.people >= SMALLEST_GROUP for group in some)
        assert [group.distance for group in some] == sorted(group.distance for group in some)
    assert found.same[0].distance == 0
    assert found.same[0].facts[2][1].en == "Guangzhou"
    sections = similar_sections(found, messages(Language.EN))
    assert [section.title for section in sections] == [
        "Similar past cases: same answer", "Similar past cases: other answer",
    ]  # fmt: skip
    assert [len(section.lines) for section in sections] == [3, 3]


def test_no_person_can_be_made_out() -> None:
    table = past()
    for language in Language:
        found = cases(table).nearest(HELD, Outcome.ELIGIBLE)
        told = "\n".join(similar_lines((*found.same, *found.other), messages(language)))
        assert "secret" not in told
    assert "hardship_cause" not in {fact.id for fact in cases(table).facts}  # class 4


def test_small_groups_are_hidden() -> None:
    few = past(12)
    found = cases(few).nearest(HELD, Outcome.ELIGIBLE)
    assert (found.same, found.other) == ((), ())
    assert similar_lines(found.same, messages(Language.ZH)) == ("人数太少，不显示",)
    twice = pl.concat([few.head(1)] * (SMALLEST_GROUP - 1))
    assert cases(twice).groups.is_empty()
    assert cases(pl.concat([few.head(1)] * SMALLEST_GROUP)).groups.height == 1


def test_one_more_case_of_somebody_else_moves_nothing_shown_by_a_single_figure() -> None:
    """No end of a span is a person's own figure: ends are rounded to two digits."""
    table = past()
    edges = cases(table).edges["household_income_month"]
    assert all(edge == round(edge, 2 - len(str(edge))) for edge in edges)
    assert all(isinstance(edge, int) for edge in edges)


def test_dates_are_told_as_spans_of_years() -> None:
    fact = RULEBOOK.vocabulary.dictionary.facts["hukou_area"]
    born = RULEBOOK.vocabulary.dictionary.facts["birth_date"]
    days = [dt.date(1940 + n % 50, 1, 1 + n % 28) for n in range(300)]
    areas = pl.Series("hukou_area", ["110000"] * 300).cast(column_type(fact, RULEBOOK.vocabulary.areas))
    table = pl.DataFrame([pl.Series("outcome", ["eligible"] * 300), pl.Series("birth_date", days), areas])
    found = PastCases(table, [born, fact], RULEBOOK.vocabulary, "CNY").nearest(
        {"birth_date": dt.date(1946, 9, 2), "hukou_area": "110000"}, Outcome.ELIGIBLE
    )
    assert found.same[0].facts[0][1].en == "1940 to 1950"
