"""`applyfree check` and `applyfree examples`: findings one per line, and an exit status that a build can use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.shell import VILLAGE, applyfree
from tests.village_world import CATALOGUE


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """A copy of the village's catalogue that a test may spoil."""
    return Path(shutil.copytree(CATALOGUE, tmp_path / "village"))


def spoil(path: Path, old: str, new: str) -> None:
    """Change a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_sound_catalogue_passes_both(village: Path) -> None:
    checked = applyfree("check", village, *VILLAGE)
    assert (checked.status, "Checked" in checked.out) == (0, True)
    tried = applyfree("examples", village, *VILLAGE)
    assert tried.status == 0
    assert "27 examples on 2 evaluators, 0 failures." in tried.out


def test_the_catalogues_of_a_folder_are_all_checked(village: Path) -> None:
    assert "village" in applyfree("check", village.parent, *VILLAGE).out


def test_a_mistake_is_one_line_with_file_line_column_and_advice(village: Path) -> None:
    spoil(village / "rent_help/benefit.yaml", "of wage", "of wages")
    checked = applyfree("check", village, *VILLAGE)
    assert checked.status == 1
    (line,) = [line for line in checked.out.splitlines() if "benefit.yaml" in line]
    assert line.startswith(f"{village}/rent_help/benefit.yaml:11:")
    assert "Did you mean `wage`?" in line


def test_examples_say_that_a_benefit_was_left_out(village: Path) -> None:
    spoil(village / "rent_help/benefit.yaml", "of wage", "of wages")
    tried = applyfree("examples", village, *VILLAGE)
    assert tried.status == 1
    assert "The catalogue has 1 mistake" in tried.out


def test_an_example_that_fails_is_shown_with_its_place_and_difference(village: Path) -> None:
    spoil(village / "old_age_grant/examples.yaml", "amount: 100.50}", "amount: 99}")
    tried = applyfree("examples", village, *VILLAGE)
    assert tried.status == 1
    place = f"{village}/old_age_grant/examples.yaml:4:5"
    name = "“On the 70th birthday the grant begins”"
    for engine in ("reference", "batch"):
        assert f"{place}: {name}, {engine}: amount: expected 99, got 100.5" in tried.out
    assert "27 examples on 2 evaluators, 2 failures." in tried.out


def test_a_folder_without_a_catalogue_says_what_one_is(tmp_path: Path) -> None:
    done = applyfree("check", tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "There is no catalogue here. A catalogue is a folder that holds `catalogue.yaml`." in done.err


@pytest.mark.parametrize(
    "command", ["check", "examples", "evaluate", "explain", "demo", "catalogue facts", "catalogue benefits"]
)
def test_every_command_has_help_with_examples(command: str) -> None:
    done = applyfree(*command.split(), "--help")
    assert done.status == 0
    assert "Examples:" in done.out
    assert f"applyfree {command}" in done.out
