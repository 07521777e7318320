"""Broken rule files, each beside the exact message it must give: what people read when they err is part of the API.

`good/` is a whole small world without a mistake. A folder of `bad/` holds the files that replace some of its files, and
`expected.txt` with every finding, one per line. `bad_tests.txt` holds wrong tests for a criterion, each above its
findings with their column.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from features.documents import Finding
from rules.answers import determine
from rules.catalogue import load_catalogue
from rules.check.run import advise, check_catalogue
from rules.evaluate.reference import ReferenceEvaluator
from rules.examples import read_examples
from rules.expectations import differences

HERE = Path(__file__).resolve().parent
GOOD = HERE / "good"
CASES = sorted(folder.name for folder in (HERE / "bad").iterdir())
TABLE = re.findall(r"^(?!#)(\S.*)\n((?: {4}.*\n)+)", (HERE / "bad_tests.txt").read_text(encoding="utf-8"), re.MULTILINE)

BENEFIT = Path("catalogue/care_grant/benefit.yaml")
PLACES = {
    "areas.yaml": Path("facts/areas.yaml"),
    "benefit.yaml": BENEFIT,
    "catalogue.yaml": Path("catalogue/catalogue.yaml"),
    "examples.yaml": Path("catalogue/care_grant/examples.yaml"),
    "home_help.yaml": Path("catalogue/home_help/benefit.yaml"),
    "home_help_examples.yaml": Path("catalogue/home_help/examples.yaml"),
    "parameters.yaml": Path("catalogue/care_grant/parameters.yaml"),
    "register.yaml": Path("facts/dictionary/land/register.yaml"),
    "shared.yaml": Path("catalogue/shared/parameters.yaml"),
    "stray.yaml": Path("catalogue/stray/parameters.yaml"),
    "subjects.yaml": Path("facts/subjects.yaml"),
}
"""Where a file of a case goes."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the good files, as the current folder."""
    folder = tmp_path / "world"
    shutil.copytree(GOOD, folder)
    monkeypatch.chdir(folder)
    return folder


def findings() -> list[Finding]:
    """Everything that is wrong with the files of the current folder."""
    return check_catalogue(load_catalogue(Path("catalogue"), Path("facts")))


def test_the_good_files_are_without_a_finding(world: Path) -> None:
    assert findings() == []


def test_the_good_files_hold_facts_that_no_rule_reads_and_that_is_no_finding(world: Path) -> None:
    assert advise(load_catalogue(Path("catalogue"), Path("facts"))) == [
        "No rule reads 2 facts of the dictionary: wage, worked_months."
    ]


def test_the_examples_of_the_good_files_pass(world: Path) -> None:
    catalogue = load_catalogue(Path("catalogue"), Path("facts"))
    assert catalogue.rulebook is not None
    for benefit_id, source in catalogue.sources.items():
        path = source.folder / "examples.yaml"
        examples = read_examples(path, source.benefit, catalogue.rulebook.vocabulary, catalogue.findings)
        assert len(examples) > 5
        for example in examples:
            evaluator = ReferenceEvaluator(catalogue.rulebook, example.population, example.on_date)
            assert differences(example.expect, determine(evaluator, benefit_id, example.subject)) == [], example.name


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_gives_exactly_this_message(case: str, world: Path) -> None:
    for file in (HERE / "bad" / case).iterdir():
        if file.name != "expected.txt":
            PLACES[file.name].parent.mkdir(exist_ok=True)
            shutil.copy(file, PLACES[file.name])
    expected = (HERE / "bad" / case / "expected.txt").read_text(encoding="utf-8")
    assert "".join(f"{finding}\n" for finding in findings()) == expected


@pytest.mark.parametrize(("test", "expected"), TABLE, ids=[test for test, _ in TABLE])
def test_a_wrong_test_gives_exactly_this_message(test: str, expected: str, world: Path) -> None:
    text = BENEFIT.read_text(encoding="utf-8")
    BENEFIT.write_text(text.replace("test: age >= $minimum_age", f"test: >-\n          {test}"), encoding="utf-8")
    found = findings()
    assert {(finding.place.file, finding.place.line) for finding in found} == {(str(BENEFIT), 13)}
    lines = [f"    {finding.place.column - 10}: {finding.message} {finding.advice}\n" for finding in found]
    assert "".join(lines) == expected


def test_every_message_says_what_to_write_instead() -> None:
    lines = [line for case in CASES for line in expected_lines(case)] + [
        line for _, lines in TABLE for line in lines.splitlines()
    ]
    assert len(lines) > 250
    without = [line for line in lines if len(re.findall(r"[.…?](?= |$)", line)) < 2]
    assert without == []


def test_there_are_many_kinds_of_mistakes() -> None:
    assert len(CASES) > 150
    assert len(TABLE) > 50


def expected_lines(case: str) -> list[str]:
    """The findings that a case must give."""
    return (HERE / "bad" / case / "expected.txt").read_text(encoding="utf-8").splitlines()
