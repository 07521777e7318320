"""Gate G5, tiers: nothing missing, stale or conflicting is delivered by machine, and no planted fault is paid out."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import polars as pl
import pytest

from features.facts.encoding import ID
from rules.reads import reads_of
from serving.delivery.tier import Reason
from serving.sweep.facts import RecordedFacts
from tests.tiered_city import DAY, City, tiered_city

PERSONS = 900
KEY = [ID, "benefit"]


@pytest.fixture(scope="module", params=[PERSONS, pytest.param(20_000, marks=pytest.mark.long)])
def city(request: pytest.FixtureRequest) -> Iterator[City]:
    with tiered_city(request.param, 5) as found:
        yield found


@pytest.fixture(scope="module")
def tiers(city: City) -> pl.DataFrame:
    """Every determination: `subject`, `id`, `benefit`, `outcome`, `amount`, `missing`, `tier`, `codes`, `named`."""
    rows = city.session.execute(
        "SELECT subject, id, benefit, outcome, trim_scale(amount)::text, missing, effective_tier, "
        "jsonb_path_query_array(reasons, '$[*].code')::text, reasons::text FROM current_tier"
    ).fetchall()
    text = ["subject", ID, "benefit", "outcome", "amount"]
    schema = {
        **dict.fromkeys(text, pl.String()),
        "missing": pl.List(pl.String),
        **dict.fromkeys(["tier", "codes", "named"], pl.String()),
    }
    return pl.DataFrame(rows, orient="row", schema=schema)


def test_every_determination_has_a_tier_and_why(tiers: pl.DataFrame) -> None:
    assert tiers.height > PERSONS
    assert tiers["tier"].null_count() == 0
    assert tiers.filter(pl.col("codes") == "[]").is_empty()
    assert set(tiers["tier"]) == {"none", "automatic", "confirm", "ask", "review"}


def test_what_is_not_known_is_never_granted(tiers: pl.DataFrame) -> None:
    waiting = tiers.filter((pl.col("outcome") == "undetermined") | (pl.col("missing").list.len() > 0))
    assert waiting.height > 0
    assert set(waiting["tier"]) == {"ask", "review"}
    assert set(tiers.filter(pl.col("outcome") == "ineligible")["tier"]) == {"none"}


def test_no_automatic_grant_is_of_anybody_with_a_disputed_withheld_or_unreadable_fact(
    city: City, tiers: pl.DataFrame
) -> None:
    """Among the facts of their own that the rule reads: read anew, without the step's own way through relations."""
    history = RecordedFacts(city.home / "history", city.views).open(city.rulebook.vocabulary)
    swept = city.session.execute("SELECT known_at FROM sweep ORDER BY id DESC LIMIT 1").fetchone()
    assert swept is not None
    counted = 0
    automatic = tiers.filter(pl.col("tier") == "automatic")
    reads = reads_of(city.rulebook, DAY)
    for subject, who, benefit in (
        automatic.select("subject", ID, "benefit").sample(min(150, automatic.height), seed=1).iter_rows()
    ):
        own = [fact for kind, fact in reads[benefit] if kind == subject]
        gaps = history.gaps(subject, who, DAY, swept[0], own)  # type: ignore[arg-type]
        heavy = {fact for fact, gap in gaps.items() if gap is not None and gap.value not in ("not_held", "stale")}
        assert heavy == set(), (benefit, heavy)
        counted += 1
    assert counted > 50


def test_no_answer_that_is_not_true_is_delivered_by_machine(city: City, tiers: pl.DataFrame) -> None:
    compared = tiers.join(city.truth.rename({"outcome": "true", "amount": "owed"}), on=KEY)
    assert compared.height > PERSONS
    automatic = compared.filter(pl.col("tier") == "automatic")
    assert automatic.height > 0
    wrong = [
        row
        for row in automatic.select("benefit", "true", "amount", "owed").iter_rows()
        if row[1] != "eligible" or (row[2] is not None and Decimal(row[2]) != Decimal(str(row[3])))
    ]
    assert wrong == []


def test_every_planted_fault_ends_with_a_human_or_a_question(city: City, tiers: pl.DataFrame) -> None:
    touched = tiers.join(city.touched, on=ID)
    assert touched["kind"].n_unique() > 5
    untrue = touched.join(city.truth.rename({"outcome": "true"}).select(*KEY, "true"), on=KEY).filter(
        pl.col("outcome") != pl.col("true")
    )
    assert untrue.height > 0
    assert set(untrue.filter(pl.col("outcome") != "ineligible")["tier"]) <= {"ask", "review"}
    assert set(untrue["outcome"]) <= {"undetermined"}  # and no fault makes anybody ineligible
    waiting = touched.filter(pl.col("outcome") == "undetermined")
    assert set(waiting["tier"]) <= {"ask", "review"}


def test_the_reason_of_a_question_names_what_is_asked(tiers: pl.DataFrame) -> None:
    asked = tiers.filter((pl.col("tier") == "ask") & (pl.col("missing").list.len() > 0))
    needed = {code.value for code in Reason if code.value.startswith("needed_")}
    for codes, missing, named in asked.select("codes", "missing", "named").unique().iter_rows():
        assert any(f'"{code}"' in codes for code in needed)
        assert all(f'"{fact}"' in named for fact in missing)
