"""Everything that is said stands in `messages.yaml`, in both languages, with the same parts."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from serving.delivery.bundles.choice import Reason
from serving.delivery.bundles.cliffs import Cliff, CliffKind
from serving.delivery.bundles.wording import cliff_said, reason_said, sentences
from tests.unit.serving.delivery.bundles.families import of_home, of_person, rulebook

NAMES = {benefit: compiled.benefit.names for benefit, compiled in rulebook().benefits.items()}
CLIFF = Cliff(
    of_person("unemployment_benefit"), of_home("dibao"), CliffKind.FALLS, 27_000_00, 27_000_00, False, True, "第十三条",
    frozenset(), frozenset(),
)  # fmt: skip


def test_both_languages_have_the_same_parts() -> None:
    for wording in sentences().values():
        assert set(re.findall(r"{(\w+)}", wording.zh)) == set(re.findall(r"{(\w+)}", wording.en))


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said(reason: Reason) -> None:
    assert reason_said(reason).zh


def test_a_cliff_names_both_benefits_the_loss_and_the_article() -> None:
    said = cliff_said(CLIFF, NAMES, "CNY")
    assert said.zh == "接受“失业保险金”后，“最低生活保障”将减少，未来12个月少27,000元。依据：第十三条"
    assert "CNY 27,000" in said.en


@pytest.mark.parametrize("kind", CliffKind)
@pytest.mark.parametrize("certain", [True, False])
@pytest.mark.parametrize("bounds", [(0, None), (5, None), (0, 7), (5, 7), (7, 7)])
def test_every_cliff_can_be_said(kind: CliffKind, certain: bool, bounds: tuple[int, int | None]) -> None:
    for in_kind in (True, False):
        cliff = replace(CLIFF, kind=kind, certain=certain, loss_low=bounds[0], loss_high=bounds[1], in_kind=in_kind)
        assert "{" not in cliff_said(cliff, NAMES, "CNY").zh + cliff_said(cliff, NAMES, "CNY").en
