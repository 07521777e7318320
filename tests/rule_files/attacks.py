"""Rule files written to cost time or memory, to run code, or to deceive: all must be refused, and quickly.

Each attack replaces files of the good world. The tests ask for the finding that a limit gives, since tests must not
measure seconds; `python -m benchmarks.hostile_rules` prints how long each takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GOOD = Path(__file__).resolve().parent / "good"
BENEFIT = "catalogue/care_grant/benefit.yaml"
PARAMETERS = "catalogue/care_grant/parameters.yaml"
SHARED = "catalogue/shared/parameters.yaml"

CHAIN = """benefit: chain_{number}
subject: person
area: "100"
names: {{zh: 链, en: chain}}
versions:
  - from: 2024-01-01
    law: {{title: 办法}}
    eligible_when:
      - {{id: before, test: {test}, because: 第一条, says: {{zh: 前一项, en: the one before}}}}
    amount: {{in_kind: {{zh: 服务, en: service}}, per: month, because: 第二条}}
delivery: {{application_required_by_law: false, discretion: none, will_needed: false, public_notice_days: 0}}
"""
DOUBLED = """  p{number}:
    type: money
    per: month
    names: {{zh: 倍数, en: doubled}}
    derived: $p{before} + $p{before}
    source: 第一条
    confidence: A
"""


@dataclass(frozen=True, slots=True)
class Attack:
    """Files that replace those of the good world, and words of the finding that they must give."""

    name: str
    files: dict[str, str]
    finding: str


def attacks() -> Iterator[Attack]:
    """Every attack."""
    yield from _on_yaml()
    yield from _on_one_expression()
    yield from _on_the_compiler()
    yield from _on_numbers()


def _on_yaml() -> Iterator[Attack]:
    bomb = "a0: &a0 [lol, lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    yield Attack("alias bomb", {PARAMETERS: bomb}, "Anchors (`&name`) are not allowed")
    yield Attack("merge keys", {PARAMETERS: "<<: {a: 1}\n"}, "Merge keys")
    yield Attack("flow nesting, 5,000 deep", {PARAMETERS: "a: " + "[" * 5_000 + "]" * 5_000}, "more than 24 deep")
    yield Attack("mapping nesting, 5,000 deep", {PARAMETERS: "{a: " * 5_000 + "}" * 5_000}, "more than 24 deep")
    block = "".join(f"{'  ' * depth}a:\n" for depth in range(900))
    yield Attack("block nesting, 900 deep", {PARAMETERS: block}, "more than 24 deep")
    yield Attack("object to build", {PARAMETERS: "a: !!python/object/apply:os.system [id]\n"}, "Tags (`!…`)")
    yield Attack("equal keys", {PARAMETERS: "a: 1\n" * 50_000}, "stands here twice")
    yield Attack("scalar of 900,000 characters", {PARAMETERS: "a: " + "x" * 900_000}, "longer than 8,000 characters")
    yield Attack("file of 3 MB", {PARAMETERS: "# " + "x" * 3_000_000}, "larger than 1,000,000 bytes")
    yield Attack("list of 300,000", {PARAMETERS: "a: [" + "1," * 300_000 + "1]"}, "values. Split it.")
    yield Attack("mapping of 100,000", {PARAMETERS: "".join(f"k{n}: 1\n" for n in range(100_000))}, "values. Split it.")
    yield Attack("unclosed quote, 900 kB", {PARAMETERS: 'a: "' + "x " * 450_000}, "not valid YAML")
    yield Attack("only brackets, 900 kB", {PARAMETERS: "]" * 900_000}, "not valid YAML")
    yield Attack("only question marks, 900 kB", {PARAMETERS: "? " * 450_000}, "more than 24 deep")
    yield Attack("only anchors, 900 kB", {PARAMETERS: "&" * 900_000}, "not valid YAML")
    yield Attack("direction marks", {PARAMETERS: "a: \u202e\n" * 9_000}, "invisible character")


def _on_one_expression() -> Iterator[Attack]:
    deep = "steps inside one another"
    texts = {
        "power of powers": ("9**9**9", "There are no powers"),
        "text times a number": ("'a'*10**9", "There are no powers"),
        "way to the class": ("().__class__.__bases__", "cannot stand here"),
        "attribute": ("age.__class__", "cannot stand here"),
        "nested comprehension": ("[[x for x in y] for y in z]", "cannot stand here"),
        "import": ("__import__('os')", "cannot stand here"),
        "template": ("{{ config }}", "cannot stand here"),
        "slow pattern": ("kind = '(a+)+$'", "is not a code of"),
        "homoglyph": ("аge >= 60", "cyrillic"),
        "500-term or": (" or ".join(["imprisoned"] * 500), "longer than 2,000 characters"),
        "10,000-term or": (" or ".join(["imprisoned"] * 10_000), "longer than 8,000 characters"),
        "parentheses, 900 deep": ("(" * 900 + "age" + ")" * 900, "nested more than 24 deep"),
        "parentheses, 5,000 deep": ("(" * 5_000, "longer than 2,000 characters"),
        "not, 5,000 times": ("not " * 5_000 + "imprisoned", "longer than 8,000 characters"),
        "not, 399 times": ("not " * 399 + "imprisoned", deep),
        "signs": ("-+" * 199 + "age", deep),
        "if within if, 42 deep": ("if age=1 then " * 42 + "1=1" + " else 1=1" * 42, deep),
        "if within else, 48 deep": ("if age=1 then 1 else " * 48 + "1 = 1", deep),
        "long sum": ("+".join(["age"] * 190) + " > 1", deep),
        "long product": ("*".join(["age"] * 190) + " > 1", deep),
        "parameter at parameter": ("$d at " * 190 + "on_date", deep),
        "quantifiers, 60 deep": ("any children where " * 60 + "imprisoned", deep),
        "quantifiers, 12 deep": ("any children where " * 12 + "imprisoned", "More than 3 quantifiers"),
        "functions, 24 deep": ("max(" * 25 + "age" + ")" * 25, "nested more than 24 deep"),
        "quotes": ("'" * 1_999, "more than 400 words"),
        "long unknown name": ("a" * 1_900 + " = 1", "neither a fact nor a definition"),
    }
    for name, (text, finding) in texts.items():
        yield Attack(name, {BENEFIT: _with_test(text)}, finding)


def _on_the_compiler() -> Iterator[Attack]:
    doubling = "".join(f"      - {{id: d{n}, value: d{n - 1} + d{n - 1}, because: 第一条}}\n" for n in range(1, 61))
    start = "      - {id: d0, value: care_hours, because: 第一条}\n"
    yield Attack("doubling definitions", {BENEFIT: _with_definitions(start + doubling, "d60")}, "4,000,000 steps")
    line = "".join(f"      - {{id: d{n}, value: d{n - 1} / 2 + 1, because: 第一条}}\n" for n in range(1, 98))
    yield Attack("definitions in a line", {BENEFIT: _with_definitions(start + line, "d97")}, "More than 120 steps")
    many = "".join(f"      - {{id: d{n}, value: d{n - 1} + 1, because: 第一条}}\n" for n in range(1, 800))
    yield Attack("800 definitions", {BENEFIT: _with_definitions(start + many, "d799")}, "100 fit")
    circle = "".join(f"      - {{id: d{n}, value: d{(n + 1) % 60}, because: 第一条}}\n" for n in range(60))
    yield Attack("circle of 60 definitions", {BENEFIT: _with_definitions(circle, "d0")}, "reads itself")
    names = "".join(f"      - {{id: d{n}, value: unknown_fact_{n} + 1, because: 第一条}}\n" for n in range(1, 98))
    yield Attack(
        "97 unknown names", {BENEFIT: _with_definitions(start + names, "d0")}, "neither a fact nor a definition"
    )
    first = "  p0:\n    type: money\n    per: month\n    names: {zh: 倍数, en: doubled}\n    values:\n"
    first += "      - {from: 2024-01-01, value: 1, source: 第一条, confidence: A}\n"
    doubled = "".join(DOUBLED.format(number=n, before=n - 1) for n in range(1, 61))
    shared = (GOOD / SHARED).read_text(encoding="utf-8") + first + doubled
    benefit = _with_test("CNY 1 < $p60")
    yield Attack("doubling parameters", {SHARED: shared, BENEFIT: benefit}, "steps")
    chain = {
        f"catalogue/chain_{n:03d}/benefit.yaml": CHAIN.format(
            number=f"{n:03d}", test=f"eligible(chain_{n - 1:03d})" if n else "imprisoned"
        )
        for n in range(60)
    }
    yield Attack("benefits in a line", chain, "More than 120 steps")
    version = _version()
    benefit = (GOOD / BENEFIT).read_text(encoding="utf-8").replace("relations:", version * 100 + "relations:")
    yield Attack("101 versions", {BENEFIT: benefit}, "60 fit")
    criterion = "      - {{id: c{}, test: imprisoned, because: 第一条, says: {{zh: 服刑, en: in prison}}}}\n"
    long = " and ".join(["(age + 1 > 3 or imprisoned)"] * 32)
    definitions = start + "".join(f"      - {{id: d{n}, value: {long}, because: 第一条}}\n" for n in range(1, 99))
    yield Attack("98 long expressions", {BENEFIT: _with_definitions(definitions, "d0")}, "characters together")
    benefit = (GOOD / BENEFIT).read_text(encoding="utf-8")
    benefit = benefit.replace("    unless:\n", "    unless:\n" + "".join(criterion.format(n) for n in range(800)))
    yield Attack("801 criteria", {BENEFIT: benefit}, "100 fit")


def _on_numbers() -> Iterator[Attack]:
    digits = "1" * 7_000
    for name, value, finding in (
        ("integer of 7,000 digits", digits, "is not a number"),
        ("decimal of 7,000 digits", "0." + digits, "is not a number"),
        ("integer above 2^63", "9223372036854775808", "is not a number"),
        ("exponent", "1e999999999", "is not a number"),
        ("not a number", ".nan", "is not a number"),
        ("infinity", "-.inf", "is not a number"),
        ("sexagesimal", "190:20:30", "is not a number"),
    ):
        parameters = (GOOD / PARAMETERS).read_text(encoding="utf-8").replace("250.50", value)
        yield Attack(name, {PARAMETERS: parameters}, finding)
    for name, text, finding in (
        ("literal of 1,900 digits", "age > " + "9" * 1_900, "is too long"),
        ("literal of 1,900 decimals", "age > 0." + "9" * 1_900, "is too long"),
        ("growing product", " * ".join(["care_hours"] * 20) + " > 1", "grow beyond any number"),
        ("growing decimals", " * ".join(["0.000000001"] * 20) + " > 1", "decimals"),
        ("growing scale of zero", " * ".join(["0", *["0.000000001"] * 20]) + " = age", "decimals"),
    ):
        yield Attack(name, {BENEFIT: _with_test(text)}, finding)
    bands = ", ".join(f"{{at_least: {n}, below: {n + 1}, value: 1}}" for n in range(18_000))
    parameters = (GOOD / PARAMETERS).read_text(encoding="utf-8")
    parameters = parameters.replace("{at_least: 0, below: 10, value: 100}, {at_least: 10, value: 250.50}", bands)
    yield Attack("18,000 bands", {PARAMETERS: parameters}, "values. Split it.")


def _with_test(expression: str) -> str:
    text = (GOOD / BENEFIT).read_text(encoding="utf-8")
    return text.replace("test: age >= $minimum_age", f"test: >-\n          {expression}")


def _with_definitions(definitions: str, read: str) -> str:
    text = (GOOD / BENEFIT).read_text(encoding="utf-8")
    old = "      - {id: need_points, value: care_hours * 2, because: 第二条}\n"
    return text.replace(old, old.replace("care_hours * 2", read) + definitions)


def _version() -> str:
    text = (GOOD / BENEFIT).read_text(encoding="utf-8")
    return text[text.index("  - from: 2024-01-01") : text.index("relations:")]
