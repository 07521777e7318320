"""What the closest peer gets wrong, (a) to (h): each fault is built again in small, is caught here, and is not ours.

Every test holds one property against both: the reconstruction breaks it, what we ship keeps it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from models.errors import LeakError
from models.fitted import FittedModel
from models.inputs import check_inputs, check_moments, check_not_too_good
from models.lifecycle.kinds import NAMES, kind_of
from models.missing_evidence.inputs import ALL
from models.missing_evidence.training import Examples, train
from models.observed.inputs import why_banned
from models.outreach.objective import load_objective
from models.outreach.worth import PROBABILITY, expected_entitlements
from models.second_look.target import label_cases
from models.trees import matrix
from rules.determination import Outcome
from tests.unit.models.conftest import SMALL

DAY = dt.date(2026, 3, 1)
PEERS_INPUTS = ("benefits_received_1y", "caste_id", "gender", "application_rejection_count", "electricity_bill_avg")


# -- (a) the receipt of the very benefit, (b) who somebody is, and what was once refused -------------------------------


@pytest.mark.parametrize("name", PEERS_INPUTS)
@pytest.mark.parametrize("model", NAMES)
def test_a_b_no_model_may_read_what_the_peer_reads(model: str, name: str) -> None:
    kind = kind_of(model)
    assert kind.why_banned(name)
    assert not [column for column in kind.declared() if kind.why_banned(column)]


def test_a_the_receipt_of_the_predicted_scheme_is_found_under_any_name(examples: Examples) -> None:
    """The peer counts, over the year up to now, awards of the scheme whose award it predicts."""
    received = pl.Series("programme_history_code", examples.answers.astype(np.float64) * 12)
    with pytest.raises(LeakError, match="programme_history_code"):
        check_not_too_good(examples.inputs.with_columns(received), ["programme_history_code"], examples.answers)
    check_not_too_good(examples.inputs, [i.name for i in ALL], examples.answers)
    check_inputs(ALL)


# -- (c) whom nobody ever looked at ------------------------------------------------------------------------------------


def peers_labels(cases: pl.DataFrame) -> dict[str, int]:
    """Has an event: that; has none: no."""
    wrong = cases.get_column("fact_was_wrong").fill_null(False).cast(pl.Int8)
    return dict(zip(cases.get_column("id"), wrong, strict=True))


def our_labels(cases: pl.DataFrame) -> dict[str, int]:
    found = label_cases(cases, DAY)
    return dict(zip(found.rows.get_column("id"), found.label, strict=True))


def calls_the_unseen_negative(labels: Callable[[pl.DataFrame], dict[str, int]]) -> bool:
    """Is somebody a negative whom nobody ever looked at?"""
    cases = pl.DataFrame(
        {
            "id": ["looked, right", "looked, wrong", "never looked at"],
            "looked_on": [DAY - dt.timedelta(days=9), DAY - dt.timedelta(days=9), None],
            "look_propensity": [0.1, 0.1, None],
            "fact_was_wrong": [False, True, None],
            "found_by": ["blind_sample", "blind_sample", None],
        }
    )
    found = labels(cases)
    assert found["looked, wrong"] == 1
    assert found["looked, right"] == 0
    return "never looked at" in found


def test_c_whom_nobody_reached_is_no_negative() -> None:
    assert calls_the_unseen_negative(peers_labels)
    assert not calls_the_unseen_negative(our_labels)


# -- (d) facts as of now -----------------------------------------------------------------------------------------------

ASKED = pl.DataFrame({"id": ["p1", "p2"], "as_of": [DAY, DAY]})
TOLD = pl.DataFrame(
    {
        "id": ["p1", "p1", "p2"],
        "wages": [900.0, 0.0, 700.0],
        "wages_learned": [dt.date(2026, 1, 5), dt.date(2026, 6, 1), dt.date(2026, 2, 1)],
    }
).sort("wages_learned")


def test_d_facts_read_now_are_refused_and_facts_as_known_then_are_not() -> None:
    """The first person lost work after the question was asked: who reads facts now learns from the future."""
    now = ASKED.join(TOLD.group_by("id").last(), on="id")
    then = ASKED.sort("as_of").join_asof(TOLD, left_on="as_of", right_on="wages_learned", by="id")
    with pytest.raises(LeakError, match="1 rows learned after their day"):
        check_moments(now, ["wages_learned"], "as_of")
    check_moments(then, ["wages_learned"], "as_of")
    assert then.sort("id").get_column("wages").to_list() == [900.0, 700.0]


# -- (e) unknown becomes zero ------------------------------------------------------------------------------------------


def peers_matrix(frame: pl.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    return frame.select(pl.col(name).cast(pl.Float64).fill_null(0.0) for name in columns).to_numpy()


def tells_unknown_from_zero(encode: Callable[[pl.DataFrame, tuple[str, ...]], np.ndarray]) -> bool:
    rows = encode(pl.DataFrame({"wages": [None, 0.0]}), ("wages",))
    return not np.array_equal(rows[0], rows[1])


def test_e_unknown_is_not_zero(model: FittedModel, examples: Examples) -> None:
    assert not tells_unknown_from_zero(peers_matrix)
    assert tells_unknown_from_zero(matrix)
    some = examples.inputs.filter(pl.col("wages").is_null()).head(200)
    no_wages = some.with_columns(wages=pl.lit(0.0))
    assert np.abs(model.score(some) - model.score(no_wages)).max() > 0.01


# -- (f) agreement that lowers, (g) scores that lift past a rule or reject ---------------------------------------------

RANKS = {"AUTO_REJECT": 0, "POSSIBLE_ELIGIBLE": 1, "RULE_ELIGIBLE": 2}


def peers_status(share_of_rules_passed: float, p: float) -> int:
    """A blend of rules and model, whose `confidence` falls as the model grows sure (`higher near 0 or 1`, it says)."""
    confidence = 1 - abs(p - 0.5) * 2
    if share_of_rules_passed < 1:
        return RANKS["POSSIBLE_ELIGIBLE"] if p > 0.7 else RANKS["AUTO_REJECT"]
    if p <= 0.3:
        return RANKS["RULE_ELIGIBLE"]
    return RANKS["RULE_ELIGIBLE" if 0.6 + 0.4 * p * confidence >= 0.7 else "POSSIBLE_ELIGIBLE"]


def test_f_g_the_reconstruction_gives_the_four_published_answers() -> None:
    names = {rank: name for name, rank in RANKS.items()}
    found = [names[peers_status(1.0, p)] for p in (0.20, 0.32, 0.50, 0.95)]
    assert found == ["RULE_ELIGIBLE", "POSSIBLE_ELIGIBLE", "RULE_ELIGIBLE", "POSSIBLE_ELIGIBLE"]


def waiting(outcome: Outcome) -> pl.DataFrame:
    """One person with this answer among others who wait for a fact."""
    n = 9
    return pl.DataFrame(
        {
            "subject": ["person"] * n, "id": [f"p{i}" for i in range(n)], "benefit": ["dibao"] * n,
            "outcome": [outcome.value] + ["undetermined"] * (n - 1), "amount": [None] * n,
            "amount_low": [Decimal(400)] * n, "amount_high": [Decimal(400)] * n, "per": ["month"] * n,
            "unit": ["CNY"] * n, "missing": [["household_income_month"]] * n, "next_change": [None] * n,
        },
        schema_overrides={"amount": pl.Decimal(38, 2), "amount_low": pl.Decimal(38, 2),
                          "amount_high": pl.Decimal(38, 2), "next_change": pl.Date},
    )  # fmt: skip


def our_status(outcome: Outcome, p: float) -> tuple[str | None, int]:
    """What is said of the first person when their score is `p`, and how many they are placed before."""
    rows = waiting(outcome)
    others = np.linspace(0.05, 0.95, rows.height - 1).tolist()
    scores = rows.select("subject", "id", "benefit").with_columns(pl.Series(PROBABILITY, [p, *others]))
    queue = expected_entitlements(rows, scores, load_objective())
    own = queue.filter(pl.col("id") == "p0")
    if own.is_empty():
        return None, 0
    behind = (queue.get_column("expected_minor") < own.item(0, "expected_minor")).sum()
    return own.item(0, "outcome"), int(behind)


SCORES = np.linspace(0, 1, 41).tolist()


def test_f_raising_p_never_lowers_status() -> None:
    peers = [peers_status(1.0, p) for p in SCORES]
    assert any(later < earlier for earlier, later in pairwise(peers))
    for outcome in (Outcome.ELIGIBLE, Outcome.UNDETERMINED):
        said, places = zip(*(our_status(outcome, p) for p in SCORES), strict=True)
        assert set(said) == {outcome.value}
        assert list(places) == sorted(places)
    assert our_status(Outcome.UNDETERMINED, 1.0)[1] > our_status(Outcome.UNDETERMINED, 0.0)[1]


def test_g_no_score_lifts_past_a_failed_rule_and_none_rejects() -> None:
    assert len({peers_status(0.6, p) for p in SCORES}) == 2
    assert {our_status(Outcome.INELIGIBLE, p) for p in SCORES} == {(None, 0)}
    assert {our_status(Outcome.UNDETERMINED, p)[0] for p in SCORES} == {Outcome.UNDETERMINED.value}


# -- (h) neither monotone nor calibrated -------------------------------------------------------------------------------


def is_monotone(model: FittedModel) -> bool:
    """Do the trees themselves, as kept, bear a direction?"""
    line = next(line for line in model.trees.text.splitlines() if line.startswith("[monotone_constraints:"))
    return bool({"1", "-1"} & set(line.removesuffix("]").split(":")[1].replace(" ", "").split(",")))


def test_h_models_are_kept_with_their_directions_and_their_calibration(model: FittedModel, examples: Examples) -> None:
    free = train(examples, [dataclasses.replace(i, direction=0) for i in ALL], SMALL)
    assert not is_monotone(free)
    assert is_monotone(model)
    assert set(examples.patterns) & set(model.calibration)
    assert why_banned("caste_id")
