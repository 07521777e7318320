"""The objective of the queues: entitlement, need, deadline, read from one file that anybody can read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError
from features.facts.units import MINOR_UNITS
from features.facts.vocabulary import Vocabulary
from features.yaml_files import read_document

KEYS = ("entitlement", "need", "deadline")
PERCENT = 100


@dataclass(frozen=True, slots=True)
class Need:
    """A need that the law recognises: a yes-or-no fact of a subject, and what it adds (in hundredths)."""

    subject: str
    fact: str
    adds_percent: int
    because: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """What is due within so many days counts so many times (in hundredths)."""

    within_days: int
    times_percent: int


@dataclass(frozen=True, slots=True)
class Objective:
    """The objective in whole numbers, so that an order is the same on every machine.

    Attributes:
        months_counted: of a monthly amount.
        in_kind_minor: a year of a benefit that is no money, in minor units.
        unbounded_minor: a year of a benefit whose amount nothing bounds, in minor units.
        needs: by jurisdiction.
        deadlines: nearest first.
        digest: SHA-256 of the file, to be recorded with every order made by it.
    """

    months_counted: int
    in_kind_minor: int
    unbounded_minor: int
    needs: dict[str, tuple[Need, ...]]
    deadlines: tuple[Deadline, ...]
    digest: str

    def needs_of(self, vocabulary: Vocabulary) -> tuple[Need, ...]:
        """The needs of a jurisdiction.

        Raises:
            DocumentError: one is no yes-or-no fact of that subject in the dictionary.
        """
        needs = self.needs.get(vocabulary.jurisdiction, ())
        for need in needs:
            fact = vocabulary.dictionary.facts.get(need.fact)
            if fact is None or fact.subject != need.subject or fact.type.kind != "boolean":
                raise DocumentError(
                    doc.Place(str(objective_file()), 1, 1),
                    f"The need `{need.fact}` is no yes-or-no fact of a {need.subject} in `{vocabulary.jurisdiction}`.",
                    "Name a fact of the dictionary.",
                )
        return needs


def objective_file() -> Path:
    """The objective that ships."""
    return Path(str(resources.files("models") / "outreach" / "objective.yaml"))


def load_objective(path: Path | None = None) -> Objective:
    """Read the objective.

    Raises:
        DocumentError: it holds anything but entitlement, need and deadline, or a figure that lowers somebody.
    """
    file = path or objective_file()
    document = read_document(file)
    document.expect(KEYS, what="the objective of outreach")
    entitlement = doc.mapping_of(document.entries["entitlement"], "entitlement")
    entitlement.expect(("months_counted", "in_kind_counts_as", "unbounded_counts_as"), what="entitlement")
    return Objective(
        months_counted=doc.integer_of(entitlement.entries["months_counted"], "months_counted"),
        in_kind_minor=_minor(entitlement.entries["in_kind_counts_as"], "in_kind_counts_as"),
        unbounded_minor=_minor(entitlement.entries["unbounded_counts_as"], "unbounded_counts_as"),
        needs=_needs(document.entries["need"]),
        deadlines=_deadlines(document.entries["deadline"]),
        digest=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def _minor(node: doc.Node, what: str) -> int:
    return int(doc.decimal_of(node, what) * MINOR_UNITS)


def _needs(node: doc.Node) -> dict[str, tuple[Need, ...]]:
    found: dict[str, tuple[Need, ...]] = {}
    for jurisdiction, listed in doc.mapping_of(node, "need").entries.items():
        needs = []
        for item in doc.sequence_of(listed, "need"):
            entry = doc.mapping_of(item, "a need")
            entry.expect(("subject", "fact", "adds", "because"), what="a need")
            get = entry.entries
            texts = [doc.text_of(get[key], key) for key in ("subject", "fact", "because")]
            needs.append(Need(texts[0], texts[1], _percent(get["adds"], "adds", least=Decimal(0)), texts[2]))
        found[jurisdiction] = tuple(needs)
    return found


def _deadlines(node: doc.Node) -> tuple[Deadline, ...]:
    deadlines = []
    for item in doc.sequence_of(node, "deadline"):
        entry = doc.mapping_of(item, "a deadline")
        entry.expect(("within_days", "times"), what="a deadline")
        days = doc.integer_of(entry.entries["within_days"], "within_days")
        deadlines.append(Deadline(days, _percent(entry.entries["times"], "times", least=Decimal(1))))
    return tuple(sorted(deadlines, key=lambda deadline: deadline.within_days))


def _percent(node: doc.Node, what: str, least: Decimal) -> int:
    value = doc.decimal_of(node, what)
    if value < least:
        raise DocumentError(node.place, f"`{what}` is {value}: it would lower somebody.", f"Write at least {least}.")
    return int(value * PERCENT)
