"""What citizens read is easy to read: every sentence to them, and what every shipped benefit says of its clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from explain.errors import TextLengthError
from explain.reading_level import chinese_level, flesch_kincaid_grade, is_common, syllables_of
from explain.wording import Language, messages
from rules.catalogue import load_catalogue
from serving.catalogues import shipped_catalogues

HAN = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"\{[^}]*\}")


def sentences_to_citizens(language: Language) -> Iterator[str]:
    """The phrases of the citizen's rendering, without what is put in."""
    for key, text in messages(language).sentences.items():
        plain = PLACEHOLDER.sub("", text)
        if key.startswith("you_") and re.search("[A-Za-z\u4e00-\u9fff]", plain):
            yield plain


def clause_texts(language: Language) -> list[str]:
    """What the benefits of both shipped catalogues say of their clauses."""
    return [
        PLACEHOLDER.sub("", criterion.says.in_language(language.value))
        for jurisdiction in ("cn", "us")
        for source in load_catalogue(shipped_catalogues() / jurisdiction).sources.values()
        for version in source.benefit.versions
        for criterion in version.criteria
    ]


def test_chinese_sentences_to_citizens_are_short_and_of_common_characters() -> None:
    levels = [chinese_level(text) for text in sentences_to_citizens(Language.ZH)]
    assert len(levels) > 50
    assert max(level.longest_sentence for level in levels) <= 20
    assert [level.uncommon for level in levels if level.uncommon] == []


def test_chinese_clauses_pause_and_use_common_characters() -> None:
    levels = [chinese_level(text) for text in clause_texts(Language.ZH) if HAN.search(text)]
    assert len(levels) > 250
    assert max(level.longest_sentence for level in levels) <= 45
    assert max(level.longest_stretch for level in levels) <= 26
    rare = sum(level.uncommon_share * level.characters for level in levels)
    assert rare / sum(level.characters for level in levels) <= 0.002
    assert max(level.uncommon_share for level in levels) <= 0.2


def test_english_sentences_to_citizens_are_for_primary_school() -> None:
    grades = {text: flesch_kincaid_grade(text) for text in sentences_to_citizens(Language.EN)}
    assert {text: grade for text, grade in grades.items() if grade > 6} == {}


def test_english_clauses_are_for_the_eighth_grade_together_and_none_is_for_lawyers() -> None:
    texts = clause_texts(Language.EN)
    assert flesch_kincaid_grade("\n".join(texts)) <= 8
    # A clause of a few words with one long name ("holds a valid disability certificate") scores high by itself.
    assert max(flesch_kincaid_grade(text) for text in texts) <= 18


def test_hard_texts_are_found() -> None:
    law = "申请人及其共同生活的家庭成员须配合县级人民政府民政部门对其家庭经济状况进行的调查核实并如实申报全部收入和财产"
    assert chinese_level(law).longest_sentence > 45
    assert chinese_level("耄耋老人").uncommon == ("耄", "耋")
    assert (
        flesch_kincaid_grade("Notwithstanding antecedent determinations, eligibility necessitates documentation.") > 18
    )


def test_a_text_without_words_has_no_level() -> None:
    with pytest.raises(TextLengthError):
        chinese_level("123")
    with pytest.raises(TextLengthError):
        flesch_kincaid_grade("123")


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("you", 1),
        ("money", 2),
        ("eligible", 4),
        ("missing", 2),
        ("asked", 1),
        ("granted", 2),
        ("dates", 1),
        ("offices", 3),
    ],
)
def test_syllables_are_counted_by_groups_of_vowels(word: str, count: int) -> None:
    assert syllables_of(word) == count


def test_level_one_has_3755_characters() -> None:
    assert sum(is_common(chr(code)) for code in range(0x4E00, 0xA000)) == 3755
