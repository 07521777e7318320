"""Rows of tables to values: one expression, some facts, and what every evaluator must say.

Facts stand as `name=value`, apart from each other by spaces; a fact that is not named is unknown. `household.rent=300`
is a fact of the person's household, `on_date=2024-02-29` the day of the question (2025-06-15 unless said).
`children=[p=T][p=U]` are related persons, `children=none` says that there are none, `children=?` that we do not know;
`members=…` are the other persons of the household.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

from features.documents import Findings, Place, Scalar, Wording
from features.facts.population import NONE, Population, Subject
from features.facts.reading import read_value
from features.facts.units import MINOR_UNITS, Rounding
from features.facts.values import Known
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.yaml_files import read_document
from rules import plan
from rules.benefits import Amount, Benefit, Criterion, Delivery, Law, Version
from rules.compile import Compiler
from rules.language.parse import parse_expression
from rules.language.syntax import Boolean
from rules.parameters import Parameter, load_parameters
from rules.rulebook import CompiledBenefit, CompiledVersion, Rulebook
from rules.scope import Context, Interner, Scope
from tests.agreement.comparison import Row, batch_rows, reference_rows

HERE = Path(__file__).resolve().parent
TODAY = dt.date(2025, 6, 15)
NAME = "spec"
PLACE = Place("spec", 1, 1)
TRUTHS = {0: "F", 1: "U", 2: "T"}
FACT = re.compile(r"([a-z_.]+)=((?:\[[^\]]*\])+|\S+)")
MEMBERS = re.compile(r"\[([^\]]*)\]")


def rows(table: str) -> list[tuple[str, str, str]]:
    """The rows `expression | given | value` of a table; lines that begin with # are comments."""
    lines = (line.strip() for line in table.strip().splitlines())
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]
    assert all(len(row) == 3 for row in cells), [row for row in cells if len(row) != 3]
    return [(row[0], row[1], row[2]) for row in cells]


def truth_rows(table: str) -> list[tuple[str, str, str]]:
    """The rows of a truth table: facts in the first column of its head, expressions in the others."""
    head, *body = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    result: list[tuple[str, str, str]] = []
    for first, *values in body:
        given = " ".join(f"{n}={v}" for n, v in zip(head[0].split(), first.split(), strict=True) if v != "U")
        result += [(expression, given, value) for expression, value in zip(head[1:], values, strict=True)]
    return result


def assert_value(expression: str, given: str, expected: str) -> None:
    """Every evaluator gives the expression this value from these facts."""
    rulebook = _rulebook(expression)
    on_date, population = _population(given)
    (version,) = rulebook.benefits[NAME].versions
    reference = reference_rows(rulebook, population, on_date)[NAME, "s"]
    assert _shown(reference, version.amount) == expected, "reference"
    assert batch_rows(rulebook, population, on_date)[NAME, "s"] == reference, "batch"


def _shown(row: Row, node: plan.Quantity | None) -> str:
    if node is None:
        return TRUTHS[row.outcome]
    low, high = _figure(row.amount_low, node), _figure(row.amount_high, node)
    return low if low == high and low else f"{low} .. {high}".strip()


def _figure(value: int | None, node: plan.Quantity) -> str:
    if value is None:
        return ""
    if node.type.kind == "date":
        return plan.day_of(value).isoformat()
    units = 10**node.scale * (MINOR_UNITS if node.type.kind == "money" else 1)
    text = f"{Decimal(value) / units:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@cache
def vocabulary() -> Vocabulary:
    """The facts that the tables speak of."""
    findings = Findings()
    loaded = load_vocabulary(NAME, findings, HERE / "facts")
    assert findings == []
    return loaded


@cache
def parameters() -> dict[str, Parameter]:
    """The parameters that the tables speak of."""
    findings = Findings()
    document = read_document(HERE / "parameters.yaml")
    loaded, _ = load_parameters(document, "CNY", vocabulary().areas, findings, trusted_only=True)
    assert findings == []
    return loaded


@cache
def _rulebook(expression: str) -> Rulebook:
    """A rulebook whose one benefit has the expression as its criterion, or as its amount without any rounding."""
    interner = Interner()
    scope = Scope(vocabulary(), "CNY", "person", "1", "place", parameters(), {}, {}, interner)
    syntax = parse_expression(Scalar(expression, False, PLACE))
    node = Compiler(scope).any(syntax, Context("person"))
    condition = node if isinstance(node, plan.Condition) else interner.make(plan.BoolConst, True)
    amount = node if isinstance(node, plan.Quantity) else None
    says = Wording("条件", "condition")
    criterion = Criterion("c", False, Boolean(True, PLACE), "", "", says, "", PLACE, (PLACE, PLACE))
    paid = Amount(None, None, "once", "", 1, Rounding.HALF_UP, PLACE, PLACE)
    version = Version(dt.date(1900, 1, 1), None, None, Law("", "", "", ""), {}, (criterion,), paid, PLACE)
    delivery = Delivery(False, "none", False, 0)
    benefit = Benefit(NAME, "person", "1", "place", Wording("", ""), (), (version,), (), delivery, PLACE)
    compiled = CompiledVersion(version, "1", (condition,), amount, None)
    plans = {NAME: CompiledBenefit(benefit, (compiled,), amount.type if amount else None)}
    return Rulebook(NAME, "CNY", "1", vocabulary(), plans, {NAME: parameters()}, "", interner)


def _population(given: str) -> tuple[dt.date, Population]:
    """The day, and the subject with everybody around."""
    subject = Subject("person", "s", {}, {"household_id": "h", "spouse_id": NONE, "mother_id": NONE, "father_id": NONE})
    household = Subject("household", "h")
    people = [subject]
    on_date = TODAY
    for name, value in FACT.findall(given):
        if name == "on_date":
            on_date = dt.date.fromisoformat(value)
        elif name.startswith("household."):
            _set(household, name.partition(".")[2], value)
        elif name in ("children", "spouse", "parents", "members"):
            people += _related(subject, name, value)
        else:
            _set(subject, name, value)
    return on_date, Population(vocabulary().subjects, [household, *people])


def _set(subject: Subject, name: str, text: str) -> None:
    fact = vocabulary().dictionary.facts[name]
    assert fact.subject == subject.kind, name
    written = {"T": "true", "F": "false"}.get(text, text)
    if written != "U":
        subject.facts[name] = Known(read_value(fact, written, vocabulary().areas), "spec")


def _related(subject: Subject, relation: str, value: str) -> Iterator[Subject]:
    links = {"spouse": ["spouse_id"], "parents": ["mother_id", "father_id"], "members": ["household_id"]}
    if value == "?":
        for link in links.get(relation, ["mother_id", "father_id"]):
            if relation == "children":
                del subject.links[link]  # a column that nobody has: whose child anybody is, is not known
            else:
                subject.links[link] = None
    for number, facts in enumerate(MEMBERS.findall(value)):
        person = Subject("person", f"{relation}{number}", {}, {"spouse_id": NONE, "mother_id": NONE, "father_id": NONE})
        for name, text in FACT.findall(facts):
            _set(person, name, text)
        if relation == "children":
            person.links["mother_id"] = "s"
        elif relation == "members":
            person.links["household_id"] = "h"
        else:
            subject.links[links[relation][number]] = person.id
        yield person
