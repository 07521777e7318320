"""The fact dictionary: every fact a rule may read, with its type, owner, legal basis and maximum age.

A fact without owner, legal basis or maximum age does not load; inputs that no benefit may ever use are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError, Findings, Place, Wording
from features.facts.grounds import FORBIDDEN, LEGAL_BASIS, OWNER, require_ground
from features.facts.units import MINOR_UNITS, PERIODS
from features.yaml_files import Shelf

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """and or not in within between if then else any all count sum of where at true false on_date age self min max
        round floor ceil marginal eligible amount id""",
    )
)
KINDS = ("boolean", "integer", "number", "money", "date", "code", "area", "months", "id")
DEFAULT_MONEY_CAPACITY = Decimal(10) ** 10 * MINOR_UNITS
DEFAULT_INTEGER_CAPACITY = 10**7
DEFAULT_NUMBER_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class FactType:
    """What a fact's value is.

    `minimum` and `maximum` bound what an unknown value may turn out to be (money: in minor units; None: no bound), and
    `capacity` is the largest magnitude a file may hold, so that arithmetic can be proved not to overflow; `decimals` is
    the number of decimals a value may carry beyond its unit (money in minor units: 0).
    """

    kind: str
    unit: str | None = None
    per: str | None = None
    codes: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    capacity: Decimal = Decimal(0)
    decimals: int = 0

    @property
    def described(self) -> str:
        """The unit in words, for lists and messages."""
        if self.kind == "money":
            return "per " + self.per if self.per and self.per != "once" else "once"
        if self.kind == "code":
            return " | ".join(self.codes)
        return self.unit or ""


@dataclass(frozen=True, slots=True)
class Authority:
    """Whose word counts where registers disagree about a fact, first to last, and the law that says so."""

    order: tuple[str, ...]
    legal_basis: str
    place: Place


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: an id, what it says, of whom, and on what ground it may be used."""

    id: str
    subject: str
    type: FactType
    names: Wording
    code_names: dict[str, Wording]
    register: str
    legal_basis: str
    maximum_age_months: int | None
    sensitivity: int
    ask_citizen: bool
    place: Place
    authority: Authority | None = None
    """None: registers that disagree make a conflict."""


@dataclass(frozen=True, slots=True)
class Register:
    """A department's source of facts."""

    id: str
    names: Wording
    owner: Wording


@dataclass(frozen=True, slots=True)
class Dictionary:
    """All facts of one jurisdiction."""

    jurisdiction: str
    facts: dict[str, Fact]
    registers: dict[str, Register]
    broken: frozenset[str] = frozenset()
    """Facts that a file defines with a mistake; they are left out."""
    incomplete: bool = False
    """Some file could not be read at all."""

    def of_subject(self, subject: str) -> list[Fact]:
        """The facts about one kind of subject, in the order of their ids."""
        return [fact for _, fact in sorted(self.facts.items()) if fact.subject == subject]


def load_dictionary(folder: Path, subjects: Iterable[str], findings: Findings, shelf: Shelf) -> Dictionary:
    """Read every `*.yaml` of a jurisdiction's dictionary folder.

    Args:
        folder: `…/dictionary/<jurisdiction>`.
        subjects: the kinds of subject that exist.
        findings: mistakes are appended here; a fact with a mistake is left out.
        shelf: reads the files.
    """
    facts: dict[str, Fact] = {}
    registers: dict[str, Register] = {}
    broken: set[str] = set()
    incomplete = False
    kinds = tuple(subjects)
    for path in sorted(folder.glob("*.yaml")):
        before = findings.failures
        with findings.collecting():
            document = shelf.read(path)
            require_ground(document, "owner", "A register's fact file", OWNER)
            document.expect(("register", "names", "owner", "facts"), what="a register's fact file")
            register = Register(
                doc.text_of(document.entries["register"], "register"),
                doc.wording_of(document.entries["names"], "names"),
                doc.wording_of(document.entries["owner"], "owner"),
            )
            registers[register.id] = register
            entries = doc.mapping_of(document.entries["facts"], "facts").entries
            for fact_id, node in entries.items():
                with findings.collecting():
                    fact = _read_fact(fact_id, node, register.id, kinds)
                    if fact_id in facts:
                        raise DocumentError(
                            fact.place,
                            f"The fact `{fact_id}` is defined twice (also {facts[fact_id].place}).",
                            "Give one of them another id.",
                        )
                    facts[fact_id] = fact
            broken |= entries.keys() - facts.keys()
            before = findings.failures
        incomplete = incomplete or findings.failures > before
    if not incomplete:
        _check_authorities(facts, registers, findings)
    return Dictionary(folder.name, facts, registers, frozenset(broken), incomplete)


def _read_fact(fact_id: str, node: doc.Node, register: str, subjects: tuple[str, ...]) -> Fact:
    entry = doc.mapping_of(node, f"the fact `{fact_id}`")
    if not IDENTIFIER.match(fact_id) or fact_id in RESERVED:
        raise DocumentError(
            entry.place,
            f"`{fact_id[:60]}` cannot be a fact's id.",
            "Use a-z, 0-9 and _, and no word of the rule language.",
        )
    for pattern, reason in FORBIDDEN.items():
        if re.search(pattern, fact_id):
            raise DocumentError(
                entry.place, f"The fact `{fact_id}` is a forbidden input: {reason}.", "No benefit may depend on it."
            )
    require_ground(entry, "legal_basis", f"The fact `{fact_id}`", LEGAL_BASIS)
    entry.expect(
        ("subject", "type", "names", "legal_basis", "maximum_age", "sensitivity", "ask_citizen"),
        ("unit", "per", "codes", "minimum", "maximum", "decimals", "authority", "note"),
        what=f"the fact `{fact_id}`",
    )
    get = entry.entries
    fact_type, code_names = _read_type(entry)
    sensitivity = doc.integer_of(get["sensitivity"], "sensitivity")
    if not 1 <= sensitivity <= 4:
        raise DocumentError(
            get["sensitivity"].place, "sensitivity goes from 1 (public) to 4 (most sensitive).", "Write 1, 2, 3 or 4."
        )
    return Fact(
        id=fact_id,
        subject=doc.choice_of(get["subject"], subjects, "subject"),
        type=fact_type,
        names=doc.wording_of(get["names"], "names"),
        code_names=code_names,
        register=register,
        legal_basis=doc.text_of(get["legal_basis"], "legal_basis"),
        maximum_age_months=_read_maximum_age(get["maximum_age"]),
        sensitivity=sensitivity,
        ask_citizen=doc.boolean_of(get["ask_citizen"], "ask_citizen"),
        place=entry.place,
        authority=_read_authority(get["authority"]) if "authority" in get else None,
    )


def _read_authority(node: doc.Node) -> Authority:
    entry = doc.mapping_of(node, "authority (`{order: [first, second], legal_basis: …}`)")
    entry.expect(("order", "legal_basis"), what="authority")
    items = doc.sequence_of(entry.entries["order"], "order")
    order = tuple(doc.text_of(item, "order") for item in items)
    if len(order) < 2:
        raise DocumentError(
            entry.places["order"], "An order of authority names at least two registers.", "Add one, or remove it."
        )
    for position, register in enumerate(order):
        if register in order[:position]:
            raise DocumentError(
                items[position].place, f"The register `{register[:60]}` stands here twice.", "Remove one."
            )
    return Authority(order, doc.text_of(entry.entries["legal_basis"], "legal_basis"), entry.place)


def _check_authorities(facts: dict[str, Fact], registers: dict[str, Register], findings: Findings) -> None:
    """An order of authority names registers that there are."""
    for fact in facts.values():
        for register in fact.authority.order if fact.authority else ():
            if register not in registers and fact.authority is not None:
                findings.append(
                    doc.Finding(
                        fact.authority.place,
                        f"The fact `{fact.id}` gives authority to `{register[:60]}`, which is no register.",
                        doc.nearest_advice(register, registers, "Registers are: "),
                    )
                )


def _read_maximum_age(node: doc.Node) -> int | None:
    if isinstance(node, doc.Scalar) and node.text == "never":
        return None
    age = doc.mapping_of(node, "maximum_age (`never` or `{months: 12}`)")
    age.expect(("months",), what="maximum_age")
    months = doc.integer_of(age.entries["months"], "maximum_age")
    if months < 1:
        raise DocumentError(
            node.place,
            "maximum_age must be at least one month.",
            "Write `never`, or a number of months like `{months: 12}`.",
        )
    return months


def _read_type(entry: doc.Mapping) -> tuple[FactType, dict[str, Wording]]:
    get = entry.entries
    kind = doc.choice_of(get["type"], KINDS, "type")
    allowed = {
        "integer": ("unit", "minimum", "maximum"),
        "number": ("decimals", "minimum", "maximum", "unit"),
        "money": ("per", "minimum", "maximum"),
        "code": ("codes",),
    }.get(kind, ())
    for key in ("unit", "per", "codes", "minimum", "maximum", "decimals"):
        if key in get and key not in allowed:
            raise DocumentError(
                entry.places[key], f"`{key}` does not go with the type `{kind}`.", "Remove it, or correct `type`."
            )
    scale = MINOR_UNITS if kind == "money" else 1
    minimum = doc.decimal_of(get["minimum"], "minimum") * scale if "minimum" in get else None
    maximum = doc.decimal_of(get["maximum"], "maximum") * scale if "maximum" in get else None
    if kind == "money":
        minimum = Decimal(0) if minimum is None else minimum
    if kind in ("integer", "number") and minimum is None:
        minimum = Decimal(0)
    capacity = DEFAULT_MONEY_CAPACITY if kind == "money" else Decimal(DEFAULT_INTEGER_CAPACITY)
    if maximum is not None:
        capacity = max(abs(maximum), abs(minimum or Decimal(0)))
    if minimum is not None and maximum is not None and minimum > maximum:
        raise DocumentError(entry.place, "minimum is above maximum.", "Correct one of them.")
    unit = doc.text_of(get["unit"], "unit") if "unit" in get else None
    if kind == "integer" and unit is None:
        raise DocumentError(entry.place, "An integer fact needs a `unit`.", "Write `unit: person`, `unit: month`, …")
    per = doc.choice_of(get["per"], PERIODS, "per") if "per" in get else None
    if kind == "money" and per is None:
        raise DocumentError(entry.place, "A money fact needs `per`.", "Write `per: month`, `per: year` or `per: once`.")
    code_names: dict[str, Wording] = {}
    if kind == "code":
        if "codes" not in get:
            raise DocumentError(entry.place, "A code fact needs `codes`.", "Write `codes: {first: {zh: …, en: …}, …}`.")
        for code, names in doc.mapping_of(get["codes"], "codes").entries.items():
            code_names[code] = doc.wording_of(names, f"the code `{code}`")
    decimals = DEFAULT_NUMBER_DECIMALS if kind == "number" else 0
    if "decimals" in get:
        decimals = doc.integer_of(get["decimals"], "decimals")
        if not 0 <= decimals <= 6:
            raise DocumentError(get["decimals"].place, "decimals goes from 0 to 6.", "Write a number from 0 to 6.")
    return FactType(kind, unit, per, tuple(code_names), minimum, maximum, capacity, decimals), code_names
