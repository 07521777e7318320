"""How hard a text is to read, in both languages: by published measures, without a model.

Source:
    English: Kincaid et al., Derivation of new readability formulas for Navy enlisted personnel (1975).
    Chinese: 3,755 characters of level 1 of GB/T 2312-1980, chosen by frequency of use; compulsory school
    teaches about 3,500 (义务教育语文课程标准 2022). Lengths are in characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from explain.errors import TextLengthError

_HAN = re.compile("[\u4e00-\u9fff]")
_ZH_STOPS = re.compile("[。！？；：，、（）“”\n]")
_ZH_SENTENCE = re.compile("[。！？；\n]")
_EN_SENTENCE = re.compile(r"[.!?;:]+(?=\s|$)|\n")
_EN_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")
_VOWELS = re.compile(r"[aeiouy]+")
_LEVEL_ONE = range(0xB0, 0xD8)
"""The first bytes of level 1 in GB 2312."""


@dataclass(frozen=True, slots=True)
class ChineseLevel:
    """What makes a Chinese text hard: long sentences, long stretches without a pause, rare characters.

    Lengths are in Chinese characters; `uncommon` are those outside level 1 of GB/T 2312, each once.
    """

    characters: int
    longest_sentence: int
    longest_stretch: int
    uncommon: tuple[str, ...]
    uncommon_share: float


def chinese_level(text: str) -> ChineseLevel:
    """Measure a Chinese text.

    Raises:
        TextLengthError: it has no Chinese character.
    """
    characters = _HAN.findall(text)
    if not characters:
        raise TextLengthError("The text has no Chinese characters.")
    uncommon = [character for character in characters if not is_common(character)]
    return ChineseLevel(
        characters=len(characters),
        longest_sentence=max(len(_HAN.findall(part)) for part in _ZH_SENTENCE.split(text)),
        longest_stretch=max(len(_HAN.findall(part)) for part in _ZH_STOPS.split(text)),
        uncommon=tuple(dict.fromkeys(uncommon)),
        uncommon_share=len(uncommon) / len(characters),
    )


def is_common(character: str) -> bool:
    """Is a Chinese character in level 1 of GB/T 2312?"""
    code = character.encode("gb2312", errors="ignore")
    return len(code) == 2 and code[0] in _LEVEL_ONE


def flesch_kincaid_grade(text: str) -> float:
    """The school grade in the United States that reads an English text with ease.

    Raises:
        TextLengthError: it has no word.
    """
    words = _EN_WORD.findall(text)
    if not words:
        raise TextLengthError("The text has no English words.")
    sentences = max(1, sum(1 for part in _EN_SENTENCE.split(text) if _EN_WORD.search(part)))
    syllables = sum(map(syllables_of, words))
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def syllables_of(word: str) -> int:
    """How many syllables an English word has, by its groups of vowels."""
    letters = re.sub("[^a-z]", "", word.lower())
    groups = len(_VOWELS.findall(letters))
    silent = letters.endswith("e") and not letters.endswith(("le", "ee", "ye")) and groups > 1
    past = letters.endswith("ed") and not letters.endswith(("ted", "ded")) and groups > 1
    plural = letters.endswith("es") and not letters.endswith(("ses", "ces", "zes", "xes", "ges", "ies")) and groups > 1
    return max(1, groups - (silent or past or plural))
