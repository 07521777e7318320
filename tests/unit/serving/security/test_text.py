"""Names and free text hold nothing that is not seen, and no line of a log can be forged."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.security.text import clean_name, clean_text, on_one_line

ANY_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\u202e\u2066\u200b\u200d\ufeff\u00ad\x1b\x9b\r\n\x85\u2028\ud800\u180e\ufe0f\U000e0041\\nu[31m"
        ),
    )
)
NEVER_SEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("张\u202e三", "张三"),
        ("\u2067李\u2069四", "李四"),
        ("王\u200b小\u200d明\ufeff", "王小明"),
        (" 欧阳\t\u3000\n修 ", "欧阳 修"),
        ("阿卜杜\x1b[31m拉", "阿卜杜[31m拉"),
        ("mao\x00zi", "maozi"),
        ("a\U000e0041b", "ab"),
        ("e\u0301", "é"),
        ("A\ufe0f", "A"),
        ("买买提·吐尔逊", "买买提·吐尔逊"),
        ("＜script＞alert(1)＜/script＞", "＜script＞alert(1)＜/script＞"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("葛\U000e0100城", "葛\U000e0100城"),  # a person may insist on the shape of their character
        ("ᠮᠣᠩᠭᠣᠯ\u180eᠠ", "ᠮᠣᠩᠭᠣᠯ\u180eᠠ"),
        ("a\u180eb", "ab"),
        ("བོད་ཡིག", "བོད་ཡིག"),
        ("مۇھەممەت", "مۇھەممەت"),
    ],
)
def test_a_name_keeps_its_letters_and_nothing_hidden(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


def test_paragraphs_of_free_text_stay() -> None:
    assert clean_text("第一段\r\n第二段\u2028第三段\rend\x0b") == "第一段\n第二段\n第三段\nend"


@given(ANY_TEXT)
def test_cleaning_leaves_nothing_invisible_and_changes_nothing_twice(typed: str) -> None:
    name, text = clean_name(typed), clean_text(typed)
    assert clean_name(name) == name
    assert clean_text(text) == text
    assert {unicodedata.category(c) for c in name} & NEVER_SEEN <= {"Cf"}  # U+180E beside Mongolian letters, or Arabic
    assert not set(name) & set(
        "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200c\u200d\ufeff\u00ad"
    )


@given(st.text("＜＞＝＆＂＇<>=&script"))
def test_full_width_markup_never_becomes_markup(typed: str) -> None:
    assert [c for c in clean_text(typed) if c in "<>&="] == [c for c in typed if c in "<>&="]


@pytest.mark.parametrize(
    "forged",
    [
        "张三\n2026-01-01 level=error",
        "a\r\nSet-Cookie: x",
        "\x1b[2J\x1b[31mred",
        "\x9b31m",
        "a\u2028b",
        "\u202egpj.exe",
    ],
)
def test_a_log_line_stays_one_line_and_moves_no_cursor(forged: str) -> None:
    line = on_one_line(forged)
    assert len(line.splitlines()) == 1
    assert all(unicodedata.category(c) not in NEVER_SEEN for c in line)


@given(ANY_TEXT, ANY_TEXT)
def test_two_texts_never_become_the_same_line(one: str, other: str) -> None:
    assert (on_one_line(one) == on_one_line(other)) == (one == other)
    assert len(on_one_line(one).splitlines()) <= 1
