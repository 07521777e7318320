"""What an evaluation found, in figures and sentences."""

from __future__ import annotations

import csv
from pathlib import Path

from serving.summary import Summary
from tests.unit.rules.test_output import answered

ASKED = {"person": 3, "household": 1}


def summary() -> Summary:
    """The summary of a few answers, taken in as an evaluation would: benefit by benefit."""
    found = Summary()
    for part in answered().partition_by("benefit", maintain_order=True):
        found.add(part)
    return found


def test_somebody_eligible_twice_is_counted_once() -> None:
    assert summary().subjects_eligible() == {"person": 1, "household": 0}


def test_the_sentences_name_people_money_and_what_is_missing() -> None:
    assert list(summary().found(ASKED)) == [
        "Entitled to at least one benefit: 1 of 3 persons, 0 of 1 households.",
        "Owed for certain: 100.50 CNY a month.",
        "Undetermined: 8 of 10 answers. Most often missing: disabled (4), mother_id (3), spouse_id (3), wage (2).",
    ]


def test_programs_get_one_row_per_benefit(tmp_path: Path) -> None:
    summary().write(tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open() as file:
        rows = {row["benefit"]: row for row in csv.DictReader(file)}
    assert rows["old_age_grant"]["eligible"] == "1"
    assert rows["old_age_grant"]["owed"] == "100.50"
    assert rows["sibling_grant"]["owed"] == ""
    assert rows["sibling_grant"]["unit"] == "in_kind"
