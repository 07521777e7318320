"""benefit.yaml: from the file to a benefit as written."""

from __future__ import annotations

import re
from decimal import Decimal

from features import documents as doc
from features.documents import DocumentError, Findings, Place, Wording
from features.facts.areas import Areas
from features.facts.dictionary import IDENTIFIER, RESERVED
from features.facts.units import MINOR_UNITS, Rounding
from rules.benefits import (
    IN_AREA,
    IN_FORCE,
    ORDERED_RELATIONS,
    Amount,
    Benefit,
    BenefitRelation,
    Criterion,
    Delivery,
    Law,
    Version,
)
from rules.language import syntax
from rules.language.parse import parse_expression
from rules.scope import Definition

RESERVED_CRITERIA = (IN_AREA, IN_FORCE)
RELATIONS = (
    *ORDERED_RELATIONS,
    "stackable",
    "top_up",
    "counts_as_income_for",
    "not_income_for",
    "passport",
)
PREFERENCES = ("self", "other", "higher")
DISCRETION = ("none", "partial", "full")
MOST_VERSIONS = 60
MOST_CLAUSES = 100
MOST_CHARACTERS = 25_000
UNSAFE = re.compile(r"javascript:|vbscript:|data:[a-z]+/|<script|\{\{|\{%", re.IGNORECASE)


def read_benefit(
    document: doc.Mapping, folder_name: str, subjects: tuple[str, ...], areas: Areas, findings: Findings
) -> Benefit:
    """Read benefit.yaml.

    Args:
        document: the file.
        folder_name: the benefit's id must equal it.
        subjects: the kinds of subject that exist.
        areas: the areas that exist.
        findings: mistakes in single versions, criteria and relations are appended; they are left out.

    Raises:
        DocumentError: the frame of the file is wrong.
    """
    document.expect(
        ("benefit", "subject", "area", "names", "versions", "delivery"),
        ("area_by", "needs_confirmation", "relations", "note", "summary"),
        what="benefit.yaml",
    )
    _refuse_long(document)
    get = document.entries
    benefit_id = doc.text_of(get["benefit"], "benefit")
    if benefit_id != folder_name or not IDENTIFIER.match(benefit_id):
        raise DocumentError(
            get["benefit"].place,
            f"The benefit is called `{benefit_id[:60]}`, its folder `{folder_name}`.",
            "Both are the same name in a-z, 0-9 and _.",
        )
    names = doc.wording_of(get["names"], "names")
    subject = doc.choice_of(get["subject"], subjects, "subject")
    versions = []
    nodes = doc.sequence_of(get["versions"], "versions")
    _refuse_many(nodes, get["versions"].place, MOST_VERSIONS, "versions")
    if not nodes:
        raise DocumentError(get["versions"].place, "A benefit has at least one version.", "Add one under `versions`.")
    for node in nodes:
        with findings.collecting():
            versions.append(_read_version(node, subject, subjects, areas, findings))
    confirmations: list[Wording] = []
    if "needs_confirmation" in get:
        items = doc.sequence_of(get["needs_confirmation"], "needs_confirmation")
        confirmations = [doc.wording_of(item, "needs_confirmation") for item in items]
    relations = []
    if "relations" in get:
        for node in doc.sequence_of(get["relations"], "relations"):
            with findings.collecting():
                relations.append(_read_relation(node))
    return Benefit(
        benefit_id,
        subject,
        _area_of(get["area"], areas),
        doc.text_of(get["area_by"], "area_by") if "area_by" in get else None,
        names,
        tuple(confirmations),
        tuple(versions),
        tuple(relations),
        _read_delivery(get["delivery"]),
        document.place,
    )


def _refuse_long(document: doc.Mapping) -> None:
    """Refuse a benefit whose expressions are so long together that reading them takes more than a moment."""
    total = 0
    stack: list[tuple[str, doc.Node]] = list(document.entries.items())
    while stack:
        key, node = stack.pop()
        if isinstance(node, doc.Mapping):
            stack.extend(node.entries.items())
        elif isinstance(node, doc.Sequence):
            stack.extend((key, item) for item in node.items)
        elif key in ("test", "value"):
            total += len(node.text)
    if total > MOST_CHARACTERS:
        raise DocumentError(
            document.place,
            f"The expressions of this benefit have {total:,} characters together; {MOST_CHARACTERS:,} fit.",
            "Name their common parts under `definitions`, or split the benefit.",
        )


def _refuse_many(items: tuple[doc.Node, ...], place: Place, most: int, what: str) -> None:
    if len(items) > most:
        raise DocumentError(place, f"There are {len(items)} {what}; {most} fit.", "Split the benefit.")


def _area_of(node: doc.Node, areas: Areas) -> str:
    code = doc.text_of(node, "area")
    if code not in areas:
        raise DocumentError(node.place, f"There is no area `{code}`.", "See features/facts/areas.yaml.")
    return code


def _read_version(node: doc.Node, subject: str, subjects: tuple[str, ...], areas: Areas, findings: Findings) -> Version:
    entry = doc.mapping_of(node, "a version")
    entry.expect(
        ("from", "law", "eligible_when", "amount"), ("to", "area", "definitions", "unless", "note"), what="a version"
    )
    get = entry.entries
    start = doc.date_of(get["from"], "from")
    end = doc.date_of(get["to"], "to") if "to" in get else None
    if end is not None and end <= start:
        raise DocumentError(
            get["to"].place,
            f"The version ends ({end}) before it begins ({start}).",
            "Correct `from` or `to`: `to` is the first day after.",
        )
    definitions: dict[str, Definition] = {}
    named: set[str] = set()
    if "definitions" in get:
        items = doc.sequence_of(get["definitions"], "definitions")
        _refuse_many(items, get["definitions"].place, MOST_CLAUSES, "definitions")
        for item in items:
            name = item.get("id") if isinstance(item, doc.Mapping) else None
            named |= {name.text} if isinstance(name, doc.Scalar) else set()
            with findings.collecting():
                definition = _read_definition(item, subject, subjects)
                if definition.id in definitions:
                    raise DocumentError(
                        item.place, f"The definition `{definition.id}` stands here twice.", "Rename one."
                    )
                definitions[definition.id] = definition
    criteria: list[Criterion] = []
    for key in ("eligible_when", "unless"):
        if key not in get:
            continue
        items = doc.sequence_of(get[key], key)
        _refuse_many(items, get[key].place, MOST_CLAUSES, f"criteria under `{key}`")
        for item in items:
            with findings.collecting():
                criterion = _read_criterion(item, exception=key == "unless")
                if criterion.id in [c.id for c in criteria]:
                    raise DocumentError(item.place, f"The criterion `{criterion.id}` stands here twice.", "Rename one.")
                criteria.append(criterion)
    if not criteria:
        findings.append(
            doc.Finding(
                get["eligible_when"].place,
                "A version without criteria pays everybody.",
                "Write at least one criterion.",
            )
        )
    return Version(
        start,
        end,
        _area_of(get["area"], areas) if "area" in get else None,
        _read_law(get["law"]),
        definitions,
        tuple(criteria),
        _read_amount(get["amount"]),
        entry.place,
        _note(get.get("note")),
        frozenset(named - definitions.keys()),
    )


def _read_law(node: doc.Node) -> Law:
    entry = doc.mapping_of(node, "law")
    entry.expect(("title",), ("number", "article", "url", "issuer"), what="law")
    texts = {key: doc.text_of(value, key) for key, value in entry.entries.items()}
    for key, text in texts.items():
        _refuse_unsafe(text, entry.entries[key].place)
    url = texts.get("url", "")
    if url and not url.startswith("https://"):
        raise DocumentError(
            entry.entries["url"].place,
            "A law's address begins with https://.",
            "Write it in full.",
        )
    return Law(texts["title"], texts.get("number", ""), texts.get("article", ""), url)


def _read_definition(node: doc.Node, subject: str, subjects: tuple[str, ...]) -> Definition:
    entry = doc.mapping_of(node, "a definition")
    entry.expect(("id", "value", "because"), ("of", "note", "says"), what="a definition")
    get = entry.entries
    name = doc.text_of(get["id"], "id")
    if not IDENTIFIER.match(name) or name in RESERVED:
        raise DocumentError(get["id"].place, f"`{name[:60]}` cannot be a definition's id.", "Use a-z, 0-9 and _.")
    of = doc.choice_of(get["of"], subjects, "of") if "of" in get else subject
    return Definition(name, of, _expression(get["value"], "value"), _because(get["because"]), entry.place)


def _read_criterion(node: doc.Node, *, exception: bool) -> Criterion:
    entry = doc.mapping_of(node, "a criterion")
    entry.expect(("id", "test", "because", "says"), ("note",), what="a criterion")
    get = entry.entries
    name = doc.text_of(get["id"], "id")
    if not IDENTIFIER.match(name) or name in RESERVED_CRITERIA:
        raise DocumentError(get["id"].place, f"`{name[:60]}` cannot be a criterion's id.", "Use a-z, 0-9 and _.")
    says = doc.wording_of(get["says"], "says")
    languages = doc.mapping_of(get["says"], "says").entries
    for language in languages.values():
        _refuse_unsafe(doc.text_of(language, "says"), language.place)
    test = get["test"]
    return Criterion(
        name,
        exception,
        _expression(test, "test"),
        test.text if isinstance(test, doc.Scalar) else "",
        _because(get["because"]),
        says,
        _note(get.get("note")),
        entry.place,
        (languages["zh"].place, languages["en"].place),
    )


def _read_amount(node: doc.Node) -> Amount:
    entry = doc.mapping_of(node, "amount")
    entry.expect(("per", "because"), ("value", "in_kind", "rounding", "note"), what="amount")
    get = entry.entries
    if ("value" in get) == ("in_kind" in get):
        raise DocumentError(entry.place, "An amount has either `value` or `in_kind`.", "Keep one of the two.")
    step, mode = 1, Rounding.HALF_UP
    if "rounding" in get:
        rounding = doc.mapping_of(get["rounding"], "rounding")
        rounding.expect(("to", "mode"), what="rounding")
        step = _minor_units(rounding.entries["to"])
        mode = Rounding(doc.choice_of(rounding.entries["mode"], [m.value for m in Rounding], "mode"))
    return Amount(
        _expression(get["value"], "value") if "value" in get else None,
        doc.wording_of(get["in_kind"], "in_kind") if "in_kind" in get else None,
        doc.text_of(get["per"], "per"),
        _because(get["because"]),
        step,
        mode,
        entry.place,
        get["per"].place,
    )


def _minor_units(node: doc.Node) -> int:
    text = doc.text_of(node, "to")
    match = re.match(r"[A-Z]{3} (\d{1,9}(\.\d{1,2})?)\Z", text)
    units = int(Decimal(match[1]) * MINOR_UNITS) if match else 0
    if units < 1:
        raise DocumentError(node.place, f"`to` is `{text[:40]}`.", "Write a sum of money like `CNY 1` or `USD 0.01`.")
    return units


def _read_relation(node: doc.Node) -> BenefitRelation:
    entry = doc.mapping_of(node, "a relation")
    entry.expect(("with", "relation", "because"), ("prefer", "scope", "note"), what="a relation")
    get = entry.entries
    relation = doc.choice_of(get["relation"], RELATIONS, "relation")
    prefer = doc.choice_of(get["prefer"], PREFERENCES, "prefer") if "prefer" in get else None
    if relation in ORDERED_RELATIONS and prefer is None:
        raise DocumentError(
            entry.place,
            f"Two benefits that do not go together (`{relation}`) need an order.",
            "Add `prefer: self`, `prefer: other` or `prefer: higher`.",
        )
    other, because = doc.text_of(get["with"], "with"), _because(get["because"])
    return BenefitRelation(other, relation, prefer, because, entry.place, _note(get.get("note")))


def _read_delivery(node: doc.Node) -> Delivery:
    entry = doc.mapping_of(node, "delivery")
    entry.expect(
        ("application_required_by_law", "discretion", "will_needed", "public_notice_days"), ("note",), what="delivery"
    )
    get = entry.entries
    days = doc.integer_of(get["public_notice_days"], "public_notice_days")
    if not 0 <= days <= 365:
        raise DocumentError(
            get["public_notice_days"].place, "`public_notice_days` goes from 0 to 365.", "Write a number of days."
        )
    return Delivery(
        doc.boolean_of(get["application_required_by_law"], "application_required_by_law"),
        doc.choice_of(get["discretion"], DISCRETION, "discretion"),
        doc.boolean_of(get["will_needed"], "will_needed"),
        days,
    )


def _expression(node: doc.Node, what: str) -> syntax.Expression:
    if not isinstance(node, doc.Scalar):
        raise DocumentError(
            node.place, f"`{what}` must be an expression.", "Quote it if it begins with a sign YAML reads."
        )
    if not node.text.strip():
        raise DocumentError(node.place, f"`{what}` is empty.", "Write an expression.")
    return parse_expression(node)


def _note(node: doc.Node | None) -> str:
    return "" if node is None else doc.text_of(node, "note")


def _because(node: doc.Node) -> str:
    text = doc.text_of(node, "because")
    _refuse_unsafe(text, node.place)
    return text


def _refuse_unsafe(text: str, place: Place) -> None:
    found = UNSAFE.search(text)
    if found:
        raise DocumentError(place, f"`{found[0]}` cannot stand in a text for people.", "Write plain text.")
