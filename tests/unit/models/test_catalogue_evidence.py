"""`missing_evidence` for a catalogue: what it reads, its gaps, its donors, and what it may not touch."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from features.facts.encoding import Tables, column_type
from models.catalogue_evidence.cases import FEWEST_CASES, Cases, cases_of
from models.catalogue_evidence.donors import HotDeck
from models.catalogue_evidence.gaps import Outages, hide, observed_outages
from models.catalogue_evidence.inputs import BENEFIT, DONORS, CatalogueInputs, is_permitted
from models.catalogue_evidence.scores import BY_DONORS, BY_MODEL, score_open
from models.errors import TrainingError
from models.fitted import FittedModel, fit
from rules.catalogue import load_catalogue
from rules.evaluate.batch import ELIGIBLE, UNDETERMINED, BatchEvaluator
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook

DAY = dt.date(2026, 3, 1)
RULEBOOK = sound_rulebook(load_catalogue(shipped_catalogues() / "cn"))
GAP = ("household_assets_within_limit", "household_income_month")


@pytest.fixture(scope="module")
def inputs() -> CatalogueInputs:
    return CatalogueInputs(RULEBOOK, DAY)


def made_households(count: int) -> Tables:
    """Households in Guangzhou, the larger the poorer; half of the poor have little property."""
    chance = np.random.default_rng(5)
    size = chance.integers(1, 7, count)
    poor = chance.random(count) < size / 8
    area = column_type(RULEBOOK.vocabulary.dictionary.facts["household_area"], RULEBOOK.vocabulary.areas)
    households = pl.DataFrame(
        {
            "id": [f"h{place}" for place in range(count)],
            "household_area": pl.Series(["440106"] * count).cast(area),
            "household_size": size,
            "household_income_month": np.where(poor, 20_000, 900_000) * size,
            "household_assets_within_limit": poor & (chance.random(count) < 0.8),
        }
    )
    persons = pl.DataFrame({"id": [f"p{place}" for place in range(count)], "household_id": households["id"]})
    return {"household": households, "person": persons}


TABLES = made_households(3_000)
OUTAGES = {"dibao": Outages((GAP,), (10,))}


@pytest.fixture(scope="module")
def cases(inputs: CatalogueInputs) -> Cases:
    return cases_of(inputs, TABLES, OUTAGES)


@pytest.fixture(scope="module")
def model(cases: Cases) -> FittedModel:
    rows = cases.rows
    assert rows.patterns is not None
    return fit(rows.model, rows.frame, rows.labels, rows.directions, groups=rows.subjects, patterns=rows.patterns)


def outcome_of(tables: Tables) -> dict[str, int]:
    answers = BatchEvaluator(RULEBOOK, DAY).evaluate(tables, ["dibao"])["dibao"]
    return dict(zip(tables["household"]["id"], answers["outcome"], strict=True))


def test_the_rules_give_the_directions(inputs: CatalogueInputs) -> None:
    # Rent subsidy alone reads this income, and only against a limit; dibao and its margin read theirs both ways.
    assert inputs.directions["housing_income_12_months"] == -1
    assert inputs.directions["housing_assets_within_limit"] == 1
    assert inputs.directions["household_income_month"] == 0
    assert inputs.directions[DONORS] == 1
    assert inputs.directions[BENEFIT] == 0


@pytest.mark.parametrize(
    "fact", ["birth_date", "sex", "disability_grade", "hukou_area", "receives_dibao", "startup_grant_received",
             "temporary_assistance_year", "childcare_subsidy_years_paid", "household_area"],
)  # fmt: skip
def test_nothing_protected_and_no_receipt_is_read(fact: str, inputs: CatalogueInputs) -> None:
    found = RULEBOOK.vocabulary.dictionary.facts.get(fact)
    assert found is None or not is_permitted(found)
    assert not any(fact in each.origins or fact in each.name for each in inputs.listed)


def test_a_case_shows_nothing_that_its_benefit_does_not_read(cases: Cases) -> None:
    shown = {name for name in cases.rows.features if cases.rows.frame[name].is_not_null().any()}
    assert shown == {"benefit_code", "donor_share", "missing_facts", "known_share", "household_size"}


def test_gaps_are_those_observed_as_often_as_observed() -> None:
    rows = [("dibao", "undetermined", ["b", "a"])] * 3 + [
        ("dibao", "undetermined", ["a"]), ("dibao", "eligible", ["c"]), ("refund", "undetermined", ["$rate"]),
    ]  # fmt: skip
    columns = list(zip(*rows, strict=True))
    found = observed_outages(
        pl.DataFrame({name: list(told) for name, told in zip(("benefit", "outcome", "missing"), columns, strict=True)})
    )
    assert found == {"dibao": Outages((("a", "b"), ("a",)), (3, 1))}
    drawn = found["dibao"].draw(4_000, np.random.default_rng(1))
    assert 0.72 < drawn.count(("a", "b")) / 4_000 < 0.78


def test_only_what_the_pattern_names_is_hidden_and_only_of_whom_it_names() -> None:
    masked = hide(TABLES, RULEBOOK.vocabulary, "household", {"h1": GAP, "h2": GAP[:1]}, np.random.default_rng(1))
    table = masked["household"]
    assert table.filter(pl.col("household_income_month").is_null())["id"].to_list() == ["h1"]
    assert table.filter(pl.col("household_assets_within_limit").is_null())["id"].to_list() == ["h1", "h2"]
    assert table["household_size"].equals(TABLES["household"]["household_size"])


@pytest.mark.long  # half a minute; other tests of this file look at the same in small
def test_every_label_is_the_rules_own_answer_on_the_complete_record(cases: Cases) -> None:
    truth = outcome_of(TABLES)
    assert len(cases.rows.labels) > FEWEST_CASES
    assert [int(truth[s] == ELIGIBLE) for s in cases.rows.subjects] == cases.rows.labels.tolist()
    hidden = hide(
        TABLES, RULEBOOK.vocabulary, "household", dict.fromkeys(cases.rows.subjects, GAP), np.random.default_rng(1)
    )  # fmt: skip
    assert {outcome_of(hidden)[s] for s in cases.rows.subjects} == {UNDETERMINED}


def test_too_few_cases_are_left_to_donors(inputs: CatalogueInputs) -> None:
    with pytest.raises(TrainingError, match="No benefit has 400 cases"):
        cases_of(inputs, made_households(300), OUTAGES)


def open_answers(ids: list[str]) -> pl.DataFrame:
    told = {"subject": "household", "benefit": "dibao", "outcome": "undetermined"}
    return pl.DataFrame({"id": ids}).with_columns(
        *(pl.lit(value).alias(name) for name, value in told.items()), pl.lit(list(GAP)).alias("missing")
    )


def test_donors_lend_what_is_missing_together_and_the_rules_answer(inputs: CatalogueInputs) -> None:
    ids = [f"h{place}" for place in range(600)]
    masked = hide(TABLES, RULEBOOK.vocabulary, "household", dict.fromkeys(ids, GAP), np.random.default_rng(1))
    share = HotDeck(inputs).share(masked, open_answers(ids))
    size = masked["household"]["household_size"].head(600)
    by_size = pl.DataFrame({"size": size, "share": share}).group_by("size").agg(pl.col("share").mean()).sort("size")
    assert share.null_count() == 0
    assert by_size["share"].to_list()[0] < 0.3 < 0.5 < by_size["share"].to_list()[-1]


def test_where_nobody_has_the_record_nobody_says_anything(inputs: CatalogueInputs) -> None:
    nobody = {**TABLES, "household": TABLES["household"].with_columns(pl.lit(None).alias(g) for g in GAP)}
    nobody["household"] = nobody["household"].with_columns(
        pl.col(GAP[0]).cast(pl.Boolean), pl.col(GAP[1]).cast(pl.Int64)
    )
    found = score_open(inputs, nobody, open_answers(["h1", "h2"]), None)
    assert found.height == 0  # the rules alone order


def test_the_model_speaks_where_it_learned_and_donors_elsewhere(inputs: CatalogueInputs, model: FittedModel) -> None:
    ids = [f"h{place}" for place in range(200)]
    masked = hide(TABLES, RULEBOOK.vocabulary, "household", dict.fromkeys(ids, GAP), np.random.default_rng(1))
    determined = open_answers(ids)
    before = determined.clone()
    by_model = score_open(inputs, masked, determined, model)
    by_donors = score_open(inputs, masked, determined, None)
    assert by_model["source"].str.starts_with(BY_MODEL).all()
    assert (by_donors["source"] == BY_DONORS).all()
    assert determined.equals(before)
    size = masked["household"].join(by_model, on="id").group_by("household_size").agg(pl.col("probability").mean())
    ordered = size.sort("household_size")["probability"].to_list()
    assert ordered[0] < ordered[-1]  # it found that the larger are the poorer
