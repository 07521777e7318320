"""A page of an answer: whole by itself, the same sentences, readable on a telephone, in large print and by ear."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import resources

import pytest

from explain.audience import Audience
from explain.contributions import Contributions, Part
from explain.page import page
from explain.render import render
from explain.shown import Shown
from explain.wording import Language
from features.documents import Wording
from features.facts.values import Gap
from tests.unit.explain.families import explained, family

VOID = {"meta"}
LEAST_CONTRAST = 4.5
LARGE = 24.0
NARROW = 320


class Outline(HTMLParser):
    """The elements of a page in order, its texts, and whether every element is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data.strip())


def shown(audience: Audience = Audience.CITIZEN, language: Language = Language.ZH) -> Shown:
    """An open answer, with all parts."""
    return render(explained(family({"household_assets_within_limit": Gap.STALE}), "dibao"), audience, language, "p0")


def styles(*, elder: bool) -> dict[str, dict[str, str]]:
    """The rules of the page's own style by selector, the later over the earlier."""
    text = re.sub(r"/\*.*?\*/", "", re.findall("<style>(.*?)</style>", page(shown(), elder=elder), re.DOTALL)[0])
    text = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}", "", text)
    found: dict[str, dict[str, str]] = {}
    for selector, body in re.findall(r"([^{}]+)\{([^}]*)\}", text):
        rules = dict(re.findall(r"([\w-]+)\s*:\s*([^;]+);", body))
        found.setdefault(selector.strip(), {}).update(rules)
    return found


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("language", list(Language))
def test_it_says_the_same_sentences_in_the_same_order(audience: Audience, language: Language) -> None:
    answer = shown(audience, language)
    outline = Outline(page(answer))
    assert outline.texts[0] == answer.heading
    assert outline.texts[1:] == list(answer.sentences)
    assert ("html", {"lang": "zh-CN" if language is Language.ZH else "en"}) in outline.elements


@pytest.mark.parametrize("elder", [False, True])
def test_it_needs_nothing_else(elder: bool) -> None:
    text = page(shown(), elder=elder)
    tags = {tag for tag, _ in Outline(text).elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not re.search(r"https?://|url\(|@import|javascript:| on[a-z]+=", text)
    assert "default-src 'none'" in text


def test_what_a_value_says_is_text_and_no_markup() -> None:
    answer = shown()
    hostile = Shown(
        answer.audience, answer.language, "<script>x</script>", answer.outcome, answer.outcome_text, answer.sections
    )
    text = page(hostile)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_headings_and_parts_can_be_walked_by_ear() -> None:
    outline = Outline(page(shown()))
    tags = [tag for tag, _ in outline.elements]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.index("h1") < tags.index("h2")
    ids = {found["id"] for _, found in outline.elements if "id" in found}
    named = [found["aria-labelledby"] for tag, found in outline.elements if tag == "section"]
    assert named
    assert len(set(named)) == len(named)
    assert set(named) <= ids
    assert all(outline.elements[at + 1][0] == "li" for at, tag in enumerate(tags) if tag == "ul")


@pytest.mark.parametrize("elder", [False, True])
def test_every_colour_of_text_has_contrast(elder: bool) -> None:
    found = styles(elder=elder)
    ground = found["body"]["background"]
    colours = {
        colour
        for rules in found.values()
        for name, value in rules.items()
        if name == "color" or "border" in name or "outline" in name
        for colour in re.findall("#[0-9a-f]{6}", value)
    }
    assert len(colours) > 3
    assert min(contrast(colour, ground) for colour in colours) >= LEAST_CONTRAST


def test_large_print_is_large_everywhere() -> None:
    found = styles(elder=True)
    base = float(found[":root"]["font-size"].removesuffix("px"))
    sizes = [rules["font-size"] for selector, rules in found.items() if "font-size" in rules and selector != ":root"]
    assert sizes
    assert base >= LARGE
    assert min(base * float(size.removesuffix("rem")) for size in sizes) >= LARGE
    assert float(styles(elder=False)[":root"]["font-size"].removesuffix("px")) < LARGE


def test_nothing_is_wider_than_a_narrow_telephone() -> None:
    text = page(shown(), elder=True)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    for rules in styles(elder=True).values():
        for name, value in rules.items():
            if name in ("width", "min-width", "padding", "margin", "padding-left"):
                sizes = [float(size) for size in re.findall(r"([\d.]+)rem", value)]
                assert sum(sizes) * 26 < NARROW / 2, (name, value)
    assert styles(elder=True)["body"]["overflow-wrap"] == "anywhere"


def test_a_score_is_a_table_and_in_ordinary_print_a_drawing_too() -> None:
    parts = (
        Part("wage", Wording("工资", "wage"), "tax", Wording("税务登记", "tax register"), 0.5, 1),
        Part("age", Wording("年龄", "age"), "police", Wording("户籍登记", "population register"), -0.25, 1),
    )
    score = Contributions("take_up", 0.0, 0.25, parts)
    answer = shown(Audience.CASEWORKER, Language.EN)
    plain, elder = (page(answer, elder=large, contributions=score) for large in (False, True))
    assert "<table" in plain
    assert "<svg" in plain
    assert "<table" in elder
    assert "<svg" not in elder
    assert 'tabindex="0"' in plain
    assert "<table" not in page(answer)


def test_the_styles_are_shipped() -> None:
    assert {"page.css", "page_elder.css"} <= {file.name for file in resources.files("explain").iterdir()}
