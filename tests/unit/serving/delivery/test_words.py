"""Every code has its words in both languages, and every place in them is filled."""

from __future__ import annotations

import pytest

from serving.delivery.health import Cause
from serving.delivery.tier import Reason, Tier
from serving.delivery.words import load_words
from tests.village_world import village_vocabulary


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    words = load_words()
    assert set(words.reasons) == {reason.value for reason in Reason}
    assert set(words.tiers) == {tier.value for tier in Tier}
    assert set(words.causes) == {cause.value for cause in Cause}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_names_its_facts_by_their_labels(reason: Reason, lang: str) -> None:
    given = {"code": reason.value, "facts": ["wage", "goats"], "law": ["村规 第六条", "村规 第七条"]}
    said = load_words().reason(given, village_vocabulary(), lang)
    assert "{" not in said
    template = load_words().reasons[reason.value].in_language(lang)
    if "{facts}" in template:
        assert ("工资、山羊数" if lang == "zh" else "wage, number of goats") in said
    if "{law}" in template:
        assert "村规 第七条" in said


def test_the_law_is_cited_where_the_law_asks() -> None:
    asking = (Reason.APPLICATION_BY_LAW, Reason.WILL_NEEDED, Reason.DISCRETION_FULL, Reason.DISCRETION_PARTIAL)
    for reason in (*asking, Reason.LAW_NOT_CONFIRMED):
        wording = load_words().reasons[reason.value]
        assert "{law}" in wording.zh, reason
        assert "{law}" in wording.en, reason


def test_a_cause_says_what_was_found() -> None:
    said = load_words().cause("rows_set_aside", "village_office.people, 2026-03-01, 7 (0.70%)", "en")
    assert said.endswith("village_office.people, 2026-03-01, 7 (0.70%)")
