"""Acceptance rows 15 and 31: a certificate that has expired, and somebody who moves away."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from explain.compose import Explainer
from explain.explanation import Explanation
from features.facts.encoding import column_type
from features.facts.reading import read_value
from features.facts.values import Gap
from features.history.history import History
from features.history.merging import add_months
from features.history.records import STATED, STATUS_TYPE, Batch, View
from rules.determination import Outcome
from rules.kleene import Truth
from serving.evaluation import sound_rulebook
from serving.sweep.identities import UnifiedHistory
from serving.sweep.one_subject import explained
from serving.views import views_of
from tests.cli.shell import applyfree
from tests.sweep_world import cn_catalogue
from tests.unit.features.events.city import City
from tests.unit.features.events.worlds import event

CATALOGUE = cn_catalogue()
RULEBOOK = sound_rulebook(CATALOGUE)
EXPLAINER = Explainer(CATALOGUE, RULEBOOK)
VOCABULARY = RULEBOOK.vocabulary
BENEFIT = "disability_nursing_subsidy"
NOW = dt.datetime(2026, 9, 2, tzinfo=dt.UTC)
MONTHS = [dt.date(2026, month, 1) for month in range(2, 10)]
EXPIRED = dt.date(2026, 7, 1)
MOVED = dt.date(2026, 5, 14)

HUKOU = View("public_security.residents", "public_security", "person", ("hukou_area",), full=False)
CERTIFICATES = View(
    "disabled_persons_federation.certificates", "disabled_persons_federation", "person",
    ("disability_certificate_status", "disability_certificate_valid_to", "disability_grade", "disability_category",
     "disability_multiple", "disability_intellectual_or_mental"),
    full=False, ends_with="disability_certificate_valid_to",
)  # fmt: skip
NOT_SO = (
    "receives_work_injury_nursing_fee", "receives_tekun", "receives_other_nursing_aid", "declared_missing",
    "receives_elder_nursing_subsidy", "deceased", "imprisoned",
)  # fmt: skip
OTHERS = View("civil_affairs.others", "civil_affairs", "person", (*NOT_SO, "disabled_soldier_grade",
                                                                  "disabled_police_grade"), full=False)  # fmt: skip
CERTIFICATE = {
    "disability_certificate_status": "valid", "disability_certificate_valid_to": dt.date(2149, 12, 31),
    "disability_grade": 1, "disability_category": "physical", "disability_multiple": False,
    "disability_intellectual_or_mental": False,
}  # fmt: skip


def told(
    history: History,
    view: View,
    since: dt.date,
    facts: Mapping[str, Any],
    until: dt.date | None = None,
    before: dt.date = dt.date.max,
) -> None:
    """One row about p1, said again each month from February on until some day, so that nothing grows too old."""
    known = VOCABULARY.dictionary.facts
    row = pl.DataFrame(
        {
            "id": ["p1"],
            **{name: pl.Series([v], dtype=column_type(known[name], VOCABULARY.areas)) for name, v in facts.items()},
            "true_from": [since],
            "true_to": pl.Series([until], dtype=pl.Date),
            "status": pl.Series([STATED], dtype=STATUS_TYPE),
            "row": pl.Series([1], dtype=pl.UInt32),
        }
    )
    for month in MONTHS:
        if month < min(before, until or before) and add_months(since, -1) < month:
            batch = Batch(view.id, f"{view.id} {since} {month}", "made", NOW, month)
            history.append(batch, row.with_columns(true_from=pl.lit(max(since, month))))


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "history", VOCABULARY, (HUKOU, CERTIFICATES, OTHERS))
    others = dict.fromkeys(NOT_SO, False) | {"disabled_soldier_grade": "none", "disabled_police_grade": "none"}
    told(made, OTHERS, dt.date(2020, 1, 1), others)
    return made


def answer(history: History, on_date: dt.date, benefit: str = BENEFIT) -> Explanation:
    return explained(EXPLAINER, UnifiedHistory(history), benefit, "p1", on_date, NOW)


def test_an_expired_certificate_leaves_the_clause_unknown_and_says_so(history: History) -> None:
    told(history, HUKOU, dt.date(2010, 1, 1), {"hukou_area": "440103"})
    told(history, CERTIFICATES, dt.date(2016, 7, 1), CERTIFICATE, until=EXPIRED)
    before, after = answer(history, EXPIRED - dt.timedelta(days=1)), answer(history, EXPIRED)
    assert before.outcome is Outcome.ELIGIBLE
    assert after.outcome is Outcome.UNDETERMINED
    assert after.unmet == ()
    (clause,) = [clause for clause in after.clauses if clause.id == "severely_disabled"]
    assert clause.met is Truth.UNKNOWN
    expired = [fact for missing in after.missing for fact in missing.facts]
    assert expired
    assert {(fact.gap, fact.ended_on) for fact in expired} == {(Gap.NOT_HELD.value, EXPIRED)}
    changed = UnifiedHistory(history).turned(EXPIRED - dt.timedelta(days=1), EXPIRED, NOW)
    assert changed["id"].to_list() == ["p1"]


@pytest.mark.parametrize("benefit", [BENEFIT, "disability_living_subsidy"])
def test_a_certificate_past_its_last_day_is_not_known_to_be_none_though_its_row_has_no_end(
    history: History, benefit: str
) -> None:
    """The list goes on naming the certificate: whether it was renewed is for the federation to tell, not for us."""
    told(history, HUKOU, dt.date(2010, 1, 1), {"hukou_area": "440103"})
    valid_to = EXPIRED - dt.timedelta(days=1)
    told(history, CERTIFICATES, dt.date(2016, 7, 1), CERTIFICATE | {"disability_certificate_valid_to": valid_to})
    before, after = answer(history, valid_to, benefit), answer(history, EXPIRED, benefit)
    assert after.outcome is Outcome.UNDETERMINED
    missing = {fact.fact: (fact.gap, fact.ended_on) for each in after.missing for fact in each.facts}
    certificate = {name: why for name, why in missing.items() if name in CERTIFICATE}
    assert certificate
    assert set(certificate.values()) == {(Gap.NOT_HELD.value, EXPIRED)}
    assert not {fact.fact for each in before.missing for fact in each.facts} & set(CERTIFICATE)
    if benefit == BENEFIT:
        assert before.outcome is Outcome.ELIGIBLE
        assert before.upcoming is not None
        assert before.upcoming.on_date == EXPIRED
    changed = UnifiedHistory(history).turned(valid_to, EXPIRED, NOW)
    assert changed["id"].to_list() == ["p1"]


def test_a_renewed_certificate_goes_on_and_one_without_end_does_not_end(history: History) -> None:
    told(history, HUKOU, dt.date(2010, 1, 1), {"hukou_area": "440103"})
    old = CERTIFICATE | {"disability_certificate_valid_to": EXPIRED - dt.timedelta(days=1)}
    told(history, CERTIFICATES, dt.date(2016, 7, 1), old, before=dt.date(2026, 6, 1))
    told(history, CERTIFICATES, EXPIRED - dt.timedelta(days=30), CERTIFICATE)
    for day in (EXPIRED - dt.timedelta(days=1), EXPIRED, dt.date(2026, 9, 1)):
        assert answer(history, day).outcome is Outcome.ELIGIBLE
    (said,) = history.statements("person", "p1", EXPIRED, NOW, ["disability_grade"])["disability_grade"]
    assert said.true_to is None


def test_a_row_that_begins_after_its_certificate_ended_says_nothing_and_silences_the_older(history: History) -> None:
    told(history, HUKOU, dt.date(2010, 1, 1), {"hukou_area": "440103"})
    told(history, CERTIFICATES, dt.date(2016, 7, 1), CERTIFICATE, before=dt.date(2026, 6, 1))
    ran_out = {"disability_certificate_status": "expired", "disability_certificate_valid_to": dt.date(2026, 4, 30)}
    told(history, CERTIFICATES, dt.date(2026, 6, 10), CERTIFICATE | ran_out)
    assert answer(history, dt.date(2026, 6, 9)).outcome is Outcome.ELIGIBLE
    assert answer(history, dt.date(2026, 6, 10)).outcome is Outcome.UNDETERMINED


def test_contracts_and_life_events_end_certificates_with_their_own_day(tmp_path: Path) -> None:
    ends = {view.id: view.ends_with for view in views_of(VOCABULARY) if view.ends_with}
    assert ends == {
        "disabled_persons_federation.certificates": "disability_certificate_valid_to",
        "events.disability": "disability_certificate_valid_to",
        "science_technology.hitech": "hitech_certificate_valid_to",
    }
    city = City(tmp_path)
    city.told(
        event(
            "disability_certified", "2026-03-02", person="p1", disability_grade="1", disability_category="physical",
            disability_certificate_valid_to="2026-03-30",
        )
    )  # fmt: skip
    told_on = {day: city.fact("disability_grade", day) for day in ("2026-03-30", "2026-03-31")}
    assert told_on == {"2026-03-30": 1, "2026-03-31": Gap.NOT_HELD}
    city.told(event("disability_withdrawn", "2026-04-05", id="w", person="p1"))
    assert city.fact("disability_certificate_status", "2026-05-01") == "cancelled"


def test_who_moves_has_each_month_in_one_place_without_gap_or_double(history: History) -> None:
    """By the allowance of the place where the person belongs on the day; of each day exactly one place's."""
    told(history, CERTIFICATES, dt.date(2016, 7, 1), CERTIFICATE)
    told(history, HUKOU, dt.date(2010, 1, 1), {"hukou_area": "440103"}, before=MOVED)
    told(history, HUKOU, MOVED, {"hukou_area": "110101"})
    paid: dict[dt.date, tuple[str, Decimal | None]] = {}
    for month in range(3, 9):
        found = answer(history, dt.date(2026, month, 1))
        assert found.outcome is Outcome.ELIGIBLE
        paid[dt.date(2026, month, 1)] = (found.version.split("@")[1], found.amount.value)
    origin, destination = answer(history, MOVED - dt.timedelta(days=1)), answer(history, MOVED)
    assert origin.outcome is destination.outcome is Outcome.ELIGIBLE
    assert origin.version != destination.version
    assert "440100" in origin.version
    assert "110000" in destination.version
    areas = [area for area, _ in paid.values()]
    assert areas == sorted(areas, key=areas.index)
    assert len(set(areas)) == 2
    assert all(amount is not None and amount > 0 for _, amount in paid.values())


def test_the_place_changes_on_the_day_of_the_move(history: History) -> None:
    told(history, HUKOU, dt.date(2010, 1, 1), {"hukou_area": "440103"}, before=MOVED)
    told(history, HUKOU, MOVED, {"hukou_area": "110101"})
    unified = UnifiedHistory(history)
    for day, area in ((MOVED - dt.timedelta(days=1), "440103"), (MOVED, "110101")):
        assert unified.as_of(day, NOW, facts=["hukou_area"])["person"]["hukou_area"].to_list() == [area]
    assert unified.turned(MOVED - dt.timedelta(days=1), MOVED, NOW)["id"].to_list() == ["p1"]


def test_the_record_that_is_taken_along_tells_where_each_value_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    views = (HUKOU,)
    history = History(tmp_path / "history", VOCABULARY, views)
    told(history, HUKOU, dt.date(2010, 1, 1), {"hukou_area": "440103"})
    file = tmp_path / "out" / "p1.json"
    done = applyfree("facts", "p1", "--on-date", "2026-02-01", "--known-at", "2026-09-02", "--portable", file)
    assert done.status == 0, done.err
    message = json.loads(file.read_text(encoding="utf-8"))
    assert message["header"]["action"] == "on-search"
    assert {"message_id", "message_ts", "sender_id"} <= message["header"].keys()
    (record,) = message["message"]["search_response"][0]["data"]["reg_records"]
    (area,) = record["facts"]
    assert read_value(VOCABULARY.dictionary.facts[area["fact"]], area["value"], VOCABULARY.areas) == "440103"
    assert (area["settled"], area["true_from"]) == (True, "2026-02-01")
    assert area["provenance"]["register"] == "public_security"
    assert area["provenance"]["attested_on"] == "2026-09-01"  # the last list that named them
    assert {"fact": "birth_date", "reason": "not_held"} in record["not_known"]
    assert file.stat().st_mode & 0o077 == 0
    again = applyfree("facts", "p1", "--on-date", "2026-02-01", "--portable", file)
    assert again.status == 2
    withheld = tmp_path / "out" / "withheld.json"
    history.withholding.withhold("person", "p1", "hukou_area", "citizen", NOW)
    applyfree("facts", "p1", "--on-date", "2026-02-01", "--known-at", "2026-09-02", "--portable", withheld)
    (record,) = json.loads(withheld.read_text(encoding="utf-8"))["message"]["search_response"][0]["data"]["reg_records"]
    assert record["facts"] == []
    assert {"fact": "hukou_area", "reason": "withheld"} in record["not_known"]
