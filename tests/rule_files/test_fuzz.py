"""Whatever stands in a rule file, loading and checking answers with findings and never with another exception.

The quick run tries what always comes to the same; `make test-long` searches afresh.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.documents import DocumentError, Finding, Place, Scalar
from rules import plan
from rules.catalogue import load_catalogue
from rules.check.run import check_catalogue
from rules.compile import Compiler
from rules.language.parse import parse_expression
from rules.scope import Context, Interner, OtherBenefit, Scope
from tests.rule_files.attacks import BENEFIT, GOOD, PARAMETERS, SHARED

FILES = [
    BENEFIT,
    PARAMETERS,
    SHARED,
    "catalogue/care_grant/examples.yaml",
    "catalogue/home_help/benefit.yaml",
    "catalogue/catalogue.yaml",
    "facts/areas.yaml",
    "facts/subjects.yaml",
    "facts/dictionary/land/office.yaml",
]
SNIPPETS = [
    *[": ", "- ", "? ", "---", "...", ">-", "  ", "\t", "\u202e", "\ufeff", "字"],
    *[
        "&a",
        "*a",
        "<<:",
        "!!int",
        "|",
        "#",
        "%",
        "@",
        "`",
        '"',
        "'",
        "[",
        "]",
        "{",
        "}",
        "[]",
        "{}",
        "~",
        "null",
        "yes",
        "no",
        "on",
        "true",
        ".nan",
        "1e9",
        "-1",
        "0x10",
        "1_000",
        "01",
        "-0",
        "2025-02-30",
        "9999-12-31",
        "0001-01-01",
        "99999999999999999999",
        "0.1234567890123",
        "from:",
        "to:",
        "area:",
        "test:",
        "value:",
        "unless:",
        "derived:",
        "$minimum_age",
        "eligible(care_grant)",
        "eligible(home_help)",
        "amount(home_help)",
        "$margin",
    ],
    *("by: [band]", "by: [area, code]", "per: once", "any members where ", "\n\n", "---\n", "...\n"),
]
WORDS = [
    *[
        "age",
        "birth_date",
        "care_hours",
        "kind",
        "imprisoned",
        "worked_months",
        "wage",
        "household",
        "self",
        "on_date",
        "household.size",
        "household.income",
        "household.home_area",
        "need_points",
        "unknown_name",
        "other_help",
        "home_help",
        "$minimum_age",
        "$rate",
        "$rate[care_hours]",
        "$standard",
        "$margin",
        "$nothing",
        "$area",
        "at",
        "and",
        "or",
        "not",
        "if",
        "then",
        "else",
        "in",
        "between",
        "within",
        "is",
        "where",
        "of",
        "any",
        "all",
        "count",
        "sum",
        "children",
        "spouse",
        "parents",
        "household.members",
        "members",
        "min(",
        "max(",
        "round(",
        "floor(",
        "ceil(",
        "marginal(",
        "per_month(",
        "per_year(",
        "months_in(",
        "add_months(",
        "years_between(",
        "day_of_year(",
        "start_of_month(",
        "month_of(",
        "eligible(",
        "amount(",
        "nothing(",
        "+",
        "-",
        "*",
        "/",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "%",
        "**",
        "==",
        "'",
        '"',
        "{",
        "$",
        "岁",
        "0",
        "1",
        "7",
        "0.5",
        "20%",
        "2025-01-31",
        "2025-02-30",
        "'home'",
        '"110"',
        "true",
        "999999999999999",
        "0.000000001",
        "half_up",
    ],
    *("CNY 3", "CNY 0.01", "USD 1", "not in", "\n"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the good world, into which each try writes one file."""
    folder = tmp_path_factory.mktemp("fuzz") / "world"
    shutil.copytree(GOOD, folder)
    return folder


def findings_with(world: Path, name: str, content: bytes) -> list[Finding]:
    """What is found when one file holds this; the good file stands there again afterwards."""
    path = world / name
    good = path.read_bytes()
    path.write_bytes(content)
    try:
        return check_catalogue(load_catalogue(world / "catalogue", world / "facts"))
    finally:
        path.write_bytes(good)


def assert_readable(findings: list[Finding]) -> None:
    """Each message is one line of moderate length with advice, at a place that may exist."""
    for finding in findings:
        assert finding.place.line >= 1
        assert finding.place.column >= 1
        assert finding.message
        assert finding.advice
        assert "\n" not in str(finding)
        assert len(str(finding)) < 1_500


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A good file with a few things cut out, doubled, moved or put in."""
    name = draw(st.sampled_from(FILES))
    text = (GOOD / name).read_text(encoding="utf-8")
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("cut", "put", "line", "double", "swap", "word")))
        if kind in ("line", "double", "swap"):
            text = _lines_changed(text.split("\n"), kind, chance)
            continue
        start = chance.randrange(len(text) + 1)
        if kind == "cut":
            text = text[:start] + text[start + chance.choice((1, 1, 2, 5, 20)) :]
        elif kind == "put":
            text = text[:start] + chance.choice(SNIPPETS) + text[start:]
        else:
            words = text.split(" ")
            words[chance.randrange(len(words))] = chance.choice([*SNIPPETS, *words])
            text = " ".join(words)
    return name, text.encode("utf-8")


def _lines_changed(lines: list[str], kind: str, chance: random.Random) -> str:
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    if kind == "line":
        del lines[first]
    elif kind == "double":
        lines.insert(second, lines[first])
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return "\n".join(lines)


@given(case=mutated())
def test_a_good_file_with_slips_gives_only_findings(case: tuple[str, bytes], world: Path) -> None:
    assert_readable(findings_with(world, *case))


@given(name=st.sampled_from(FILES), content=st.binary(max_size=200))
@example(name=BENEFIT, content=b"\xff\xfe")
@example(name=BENEFIT, content=b"\xef\xbb\xbf")
@example(name=BENEFIT, content=b"a: \xed\xa0\x80")
@example(name=PARAMETERS, content=b"\x00")
def test_any_bytes_give_only_findings(name: str, content: bytes, world: Path) -> None:
    found = findings_with(world, name, content)
    assert found
    assert_readable(found)


@given(name=st.sampled_from(FILES), parts=st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=5), max_size=30))
def test_any_text_gives_only_findings(name: str, parts: list[str], world: Path) -> None:
    found = findings_with(world, name, "".join(parts).encode("utf-8", "surrogatepass"))
    assert found
    assert_readable(found)


@pytest.fixture(scope="module")
def scope() -> Scope:
    """What a rule of the good world may name, and one benefit to read."""
    catalogue = load_catalogue(GOOD / "catalogue", GOOD / "facts")
    assert catalogue.rulebook is not None
    source = catalogue.sources["care_grant"]
    others = {"other_help": OtherBenefit("person", None), "home_help": OtherBenefit("household", None)}
    return Scope(
        catalogue.rulebook.vocabulary,
        "CNY",
        "person",
        "100",
        None,
        {**catalogue.shared, **source.parameters},
        source.benefit.versions[0].definitions,
        others,
        Interner(),
    )


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=14), glue=st.sampled_from((" ", "")))
@example(words=["not"] * 14, glue=" ")
def test_any_words_give_a_node_or_a_finding(words: list[str], glue: str, scope: Scope) -> None:
    compile_or_refuse(glue.join(words), scope)


@given(text=st.text(max_size=60))
def test_any_text_gives_a_node_or_a_finding(text: str, scope: Scope) -> None:
    compile_or_refuse(text, scope)


EXPRESSIONS = st.recursive(
    st.sampled_from([word for word in WORDS if word[0].isalnum() or word[0] in "$'\""]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from((" + ", " - ", " * ", " / ", " and ", " or ", " = ", " < ", " >= ")), inner),
        st.tuples(st.sampled_from(("not ", "-", "(", "any children where ", "count children where ")), inner),
        st.tuples(st.just("if "), inner, st.just(" then "), inner, st.just(" else "), inner),
        st.tuples(
            st.sampled_from(("max(", "min(", "years_between(", "round(")), inner, st.just(", "), inner, st.just(")")
        ),
        st.tuples(st.just("sum children of "), inner, st.just(" where "), inner),
        st.tuples(st.just("("), inner, st.just(")")),
    ).map("".join),
    max_leaves=12,
)


@given(text=EXPRESSIONS)
def test_any_phrase_gives_a_node_or_a_finding(text: str, scope: Scope) -> None:
    compile_or_refuse(text, scope)


def compile_or_refuse(text: str, scope: Scope) -> None:
    """Compile an expression in three contexts; a refusal must be readable and point into the text."""
    person = Context("person")
    for context in (person, Context("household"), Context("person", person)):
        try:
            expression = parse_expression(Scalar(text, False, Place("benefit.yaml", 1, 1)))
            node = Compiler(scope).any(expression, context)
        except DocumentError as error:
            refused = error.finding
        else:
            assert isinstance(node, plan.Node)
            assert not isinstance(node, plan.Quantity) or node.low <= node.high
            continue
        assert_readable([refused])
        assert refused.place.file != "benefit.yaml" or refused.place.column <= len(text) + 1
