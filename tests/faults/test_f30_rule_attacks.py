"""F30: rule files that would cost time or memory, run code or deceive are refused by a limit, on any machine.

No test here measures seconds: `python -m benchmarks.hostile_rules` prints them.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from features.facts.population import Population, Subject
from features.facts.values import Known
from rules import plan
from rules.catalogue import load_catalogue
from rules.check import reading
from rules.check.run import check_catalogue
from rules.compile import MAX_DEPTH, MAX_WRITTEN_OUT
from tests.agreement.comparison import batch_rows, reference_rows
from tests.rule_files.attacks import BENEFIT, GOOD, Attack, attacks

ATTACKS = {attack.name: attack for attack in attacks()}
DEEPEST = 112
"""So many sums, each the one before plus one, are as deep as a rule that another benefit reads may be."""


def world_with(files: dict[str, str], folder: Path) -> Path:
    """The good world with some files replaced."""
    world = folder / "world"
    shutil.copytree(GOOD, world)
    for name, text in files.items():
        (world / name).parent.mkdir(exist_ok=True)
        (world / name).write_text(text, encoding="utf-8")
    return world


def definitions(line: str) -> str:
    """The good benefit with these definitions, of which the last is read."""
    old = "      - {id: need_points, value: care_hours * 2, because: 第二条}\n"
    return (GOOD / BENEFIT).read_text(encoding="utf-8").replace(old, line)


def line_of(count: int) -> str:
    """Definitions that stand inside one another."""
    links = "".join(f"      - {{id: d{n}, value: d{n - 1} + 1, because: 第一条}}\n" for n in range(1, 80))
    first = "      - {id: d0, value: care_hours, because: 第一条}\n"
    rest = " + 1" * (count - 79)
    return f"{first}{links}      - {{id: need_points, value: d79{rest}, because: 第一条}}\n"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_by_a_limit(attack: Attack, tmp_path: Path) -> None:
    world = world_with(attack.files, tmp_path)
    catalogue = load_catalogue(world / "catalogue", world / "facts")
    found = [f"{finding.message} {finding.advice}" for finding in check_catalogue(catalogue)]
    assert any(attack.finding in text for text in found), found[:3]
    assert len(found) < 120
    assert all(len(text) < 700 for text in found)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attacked_benefit_is_in_no_rulebook(attack: Attack, tmp_path: Path) -> None:
    world = world_with(attack.files, tmp_path)
    catalogue = load_catalogue(world / "catalogue", world / "facts")
    attacked = {Path(name).parts[1] for name in attack.files} - {"shared"} or {"home_help"}
    assert catalogue.rulebook is not None
    assert not catalogue.rulebook.benefits.keys() >= attacked


def test_definitions_that_double_are_counted_as_if_written_out(tmp_path: Path) -> None:
    doubling = "      - {id: d0, value: care_hours, because: 第一条}\n"
    doubling += "".join(f"      - {{id: d{n}, value: d{n - 1} + d{n - 1}, because: 第一条}}\n" for n in range(1, 20))
    allowed = doubling + "      - {id: need_points, value: d19 + d19, because: 第一条}\n"
    world = world_with({BENEFIT: definitions(allowed)}, tmp_path)
    assert load_catalogue(world / "catalogue", world / "facts").findings == []
    beyond = doubling + "      - {id: need_points, value: d19 + d19 + d19 + d19, because: 第一条}\n"
    (world / BENEFIT).write_text(definitions(beyond), encoding="utf-8")
    (finding,) = load_catalogue(world / "catalogue", world / "facts").findings
    assert f"{MAX_WRITTEN_OUT:,} steps" in finding.message


def test_a_doubled_definition_is_one_node_in_the_plan(tmp_path: Path) -> None:
    doubling = "      - {id: d0, value: care_hours, because: 第一条}\n"
    doubling += "".join(f"      - {{id: d{n}, value: d{n - 1} + d{n - 1}, because: 第一条}}\n" for n in range(1, 9))
    doubling += "      - {id: need_points, value: d8 + d8, because: 第一条}\n"
    world = world_with({BENEFIT: definitions(doubling)}, tmp_path)
    rulebook = load_catalogue(world / "catalogue", world / "facts").rulebook
    assert rulebook is not None
    (version,) = rulebook.benefits["care_grant"].versions
    nodes = list(reading.nodes(reading.roots(version)))
    assert sum(isinstance(node, plan.Add) for node in nodes) == 9
    assert len(nodes) < 30


def test_every_evaluator_goes_as_deep_as_a_rule_may_be(tmp_path: Path) -> None:
    world = world_with({BENEFIT: definitions(line_of(DEEPEST))}, tmp_path)
    catalogue = load_catalogue(world / "catalogue", world / "facts")
    assert catalogue.findings == []
    assert catalogue.rulebook is not None
    person = Subject("person", "p", {"care_hours": Known(3), "birth_date": Known(dt.date(1950, 1, 1))})
    population = Population(catalogue.rulebook.vocabulary.subjects, [person])
    reference = reference_rows(catalogue.rulebook, population, dt.date(2025, 1, 1))
    assert reference["care_grant", "p"].missing == {"kind", "imprisoned"}
    assert batch_rows(catalogue.rulebook, population, dt.date(2025, 1, 1)) == reference


def test_a_rule_one_step_deeper_is_refused(tmp_path: Path) -> None:
    world = world_with({BENEFIT: definitions(line_of(DEEPEST + 1))}, tmp_path)
    findings = load_catalogue(world / "catalogue", world / "facts").findings
    assert [f"{MAX_DEPTH} steps" in finding.message for finding in findings] == [True]
