"""The order of outreach moves people and says nothing of them; more need, money or haste never moves anybody back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.documents import DocumentError, Findings
from features.facts.vocabulary import load_vocabulary
from models.outreach.objective import load_objective, objective_file
from models.outreach.queue import in_order, needs_of
from models.outreach.worth import expected_entitlements, facts_to_ask, worth_of_facts

DAY = dt.date(2026, 3, 1)
OBJECTIVE = load_objective()
CN = load_vocabulary("cn", Findings())
FACTS = ("household_income_month", "disability_grade", "consent_given", "receives_dibao", "bank_account_held")
SAID = ["subject", "id", "benefit", "outcome", "amount", "amount_low", "amount_high", "unmet", "missing", "next_change"]
DECIMAL = pl.Decimal(38, 2)
SCHEMA = {
    "subject": pl.String(), "id": pl.String(), "benefit": pl.String(), "outcome": pl.String(), "amount": DECIMAL,
    "amount_low": DECIMAL, "amount_high": DECIMAL, "per": pl.String(), "unit": pl.String(),
    "unmet": pl.List(pl.String), "missing": pl.List(pl.String), "next_change": pl.Date(),
}  # fmt: skip


def row(subject: str, benefit: str, missing: list[str], **more: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "subject": "person", "id": subject, "benefit": benefit, "outcome": "undetermined", "amount": None,
        "amount_low": Decimal(0), "amount_high": Decimal(1_000), "per": "year", "unit": "CNY", "unmet": [],
        "missing": missing, "next_change": None,
    }  # fmt: skip
    return {**usual, **more}


def table(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def asked(rows: list[dict[str, object]], not_held: pl.DataFrame | None = None) -> dict[str, tuple[str, str]]:
    found = facts_to_ask(expected_entitlements(table(rows), None, OBJECTIVE), CN, not_held)
    return {line["id"]: (line["fact"], line["ask"]) for line in found.iter_rows(named=True)}


# -- the one fact ------------------------------------------------------------------------------------------------------


def test_the_fact_that_unlocks_most_is_asked_for_of_its_department() -> None:
    rows = [
        row("p1", "dibao", ["household_income_month"], amount_high=Decimal(9_000)),
        row("p1", "nursing", ["disability_grade"], amount_high=Decimal(2_000)),
    ]
    assert asked(rows) == {"p1": ("household_income_month", "department")}


def test_a_fact_that_several_benefits_wait_for_adds_up() -> None:
    rows = [
        row("p1", "dibao", ["household_income_month"], amount_high=Decimal(3_000)),
        row("p1", "nursing", ["disability_grade"], amount_high=Decimal(2_000)),
        row("p1", "living", ["disability_grade"], amount_high=Decimal(2_000)),
    ]
    assert asked(rows) == {"p1": ("disability_grade", "department")}


def test_of_facts_worth_the_same_the_department_is_asked_before_the_citizen() -> None:
    rows = [row("p1", "dibao", ["consent_given", "household_income_month"])]
    assert asked(rows) == {"p1": ("household_income_month", "department")}


def test_the_citizen_is_never_asked_for_what_a_department_holds() -> None:
    for fact in CN.dictionary.facts.values():
        if fact.register != "citizen_declaration":
            assert asked([row("p1", "dibao", [fact.id])]) == {"p1": (fact.id, "department")}


def test_once_the_department_says_that_it_holds_nothing_the_citizen_is_asked_if_they_may_be() -> None:
    told = pl.DataFrame({"subject": ["person"] * 2, "id": ["p1", "p2"], "fact": ["hukou_area", "birth_date"]})
    rows = [row("p1", "dibao", ["hukou_area"]), row("p2", "dibao", ["birth_date"])]
    assert asked(rows, told) == {"p1": ("hukou_area", "citizen"), "p2": ("birth_date", "caseworker")}


def test_what_is_settled_or_refused_asks_for_nothing() -> None:
    rows = [row("p1", "dibao", [], outcome="eligible"), row("p2", "dibao", ["disability_grade"], outcome="ineligible")]
    assert asked(rows) == {}


def test_a_fact_is_worth_its_share_of_what_all_missing_facts_unlock_together() -> None:
    rows = [row("p1", "dibao", ["disability_grade", "consent_given"], amount_high=Decimal(1_000))]
    worth = worth_of_facts(expected_entitlements(table(rows), None, OBJECTIVE))
    # the middle of 0 to 1,000 a year, in fen, shared by two; neither settles it alone
    assert worth.select("fact", "worth_minor", "settles_minor").sort("fact").rows() == [
        ("consent_given", 25_000, 0), ("disability_grade", 25_000, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"per": "month", "amount_low": Decimal(200), "amount_high": Decimal(200)}, 240_000),
        ({"per": "once", "amount_low": Decimal(200), "amount_high": Decimal(200)}, 20_000),
        ({"unit": "in_kind", "amount_low": None, "amount_high": None}, 30_000),
        ({"amount_high": None}, 100_000),
    ],
)
def test_amounts_are_counted_for_a_year(changes: dict[str, object], expected: int) -> None:
    found = expected_entitlements(table([row("p1", "dibao", ["disability_grade"], **changes)]), None, OBJECTIVE)
    assert found.get_column("expected_minor").to_list() == [expected]


def test_an_amount_that_nothing_bounds_counts_what_others_get() -> None:
    got = row("p2", "dibao", [], outcome="eligible", amount=Decimal(700), per="month")
    open_one = row("p1", "dibao", ["disability_grade"], amount_high=None, per="month")
    found = expected_entitlements(table([got, open_one]), None, OBJECTIVE)
    assert found.get_column("expected_minor").to_list() == [840_000]


# -- the order ---------------------------------------------------------------------------------------------------------

people = st.lists(
    st.fixed_dictionaries(
        {
            "missing": st.lists(st.sampled_from(FACTS), min_size=1, max_size=3, unique=True),
            "outcome": st.sampled_from(["undetermined", "undetermined", "eligible"]),
            "high": st.integers(0, 5_000),
            "days": st.one_of(st.none(), st.integers(-5, 400)),
            "score": st.floats(0, 1),
            "need": st.one_of(st.none(), st.sampled_from([0, 25, 50, 125])),
        }
    ),
    min_size=2,
    max_size=12,
)
Drawn = list[dict[str, object]]


def determinations(drawn: Drawn) -> pl.DataFrame:
    return table(
        [
            row(
                f"p{i:02}", "dibao", list(one["missing"]), outcome=one["outcome"], amount_high=Decimal(one["high"]),  # type: ignore[call-overload, arg-type]
                next_change=None if one["days"] is None else DAY + dt.timedelta(days=one["days"]),  # type: ignore[arg-type]
            )
            for i, one in enumerate(drawn)
        ]
    )  # fmt: skip


def scores(drawn: Drawn) -> pl.DataFrame:
    ids = [f"p{i:02}" for i in range(len(drawn))]
    given_scores = [one["score"] for one in drawn]
    return pl.DataFrame({"subject": "person", "id": ids, "benefit": "dibao", "probability": given_scores})


def queue(drawn: Drawn, *, with_scores: bool = True) -> pl.DataFrame:
    needs = [("person", f"p{i:02}", one["need"]) for i, one in enumerate(drawn) if one["need"] is not None]
    known = pl.DataFrame(needs, schema={"subject": pl.String, "id": pl.String, "need_percent": pl.Int64}, orient="row")
    expected = expected_entitlements(determinations(drawn), scores(drawn) if with_scores else None, OBJECTIVE)
    return in_order(expected.with_columns(deadline=pl.col("next_change")), known, OBJECTIVE, DAY)


def place(found: pl.DataFrame, subject: str) -> int:
    return found.get_column("id").to_list().index(subject)


@given(people)
def test_the_order_changes_nothing_that_is_said_of_anybody(drawn: Drawn) -> None:
    said = determinations(drawn).select(SAID).sort("id")
    for with_scores in (True, False):
        assert queue(drawn, with_scores=with_scores).select(SAID).sort("id").equals(said)


@given(people, st.data())
def test_a_higher_score_never_moves_anybody_back_and_changes_no_status(drawn: Drawn, data: st.DataObject) -> None:
    who = data.draw(st.integers(0, len(drawn) - 1))
    more = data.draw(st.floats(float(str(drawn[who]["score"])), 1))
    before = queue(drawn)
    after = queue([{**one, "score": more} if i == who else one for i, one in enumerate(drawn)])
    assert place(after, f"p{who:02}") <= place(before, f"p{who:02}")
    assert after.select(SAID).sort("id").equals(before.select(SAID).sort("id"))
    others = [name for name in before.get_column("id").to_list() if name != f"p{who:02}"]
    assert [name for name in after.get_column("id").to_list() if name != f"p{who:02}"] == others


@given(people, st.data())
def test_more_need_more_money_and_less_time_never_move_anybody_back(drawn: Drawn, data: st.DataObject) -> None:
    who = data.draw(st.integers(0, len(drawn) - 1))
    change: dict[str, object] = data.draw(
        st.sampled_from([{"need": 125}, {"high": 6_000}, {"days": 0}, {"need": None}])
    )
    after = queue([{**one, **change} if i == who else one for i, one in enumerate(drawn)])
    if change == {"need": None} and not any(one["need"] == 125 for i, one in enumerate(drawn) if i != who):
        return  # the most that is known of anybody stands in for what is not known
    assert place(after, f"p{who:02}") <= place(queue(drawn), f"p{who:02}")


def test_a_need_that_is_not_known_counts_as_if_it_held() -> None:
    persons = pl.DataFrame(
        {"id": ["needy", "unknown", "not"], "receives_dibao": [True, None, False]}, schema_overrides={"id": pl.String}
    )
    found = dict(needs_of({"person": persons}, OBJECTIVE, CN).select("id", "need_percent").rows())
    assert found["needy"] == found["unknown"] == found["not"] + 50


@settings(max_examples=5)
@given(st.sampled_from(["engagement: 1", "clicks: {weight: 3}", "cost_of_office: 2", "predicted_compliance: 1"]))
def test_the_objective_holds_entitlement_need_and_deadline_and_nothing_else(extra: str) -> None:
    import tempfile  # noqa: PLC0415 a folder for each example

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "objective.yaml"
        file.write_text(objective_file().read_text(encoding="utf-8") + extra + "\n", encoding="utf-8")
        with pytest.raises(DocumentError, match="is not a key of the objective"):
            load_objective(file)


@pytest.mark.parametrize(("was", "instead"), [("adds: 0.50", "adds: -0.50"), ("times: 3", "times: 0.5")])
def test_the_objective_cannot_lower_anybody(was: str, instead: str, tmp_path: Path) -> None:
    file = tmp_path / "objective.yaml"
    file.write_text(objective_file().read_text(encoding="utf-8").replace(was, instead), encoding="utf-8")
    with pytest.raises(DocumentError, match="would lower somebody"):
        load_objective(file)
