"""Why a human decides otherwise: the codes there are, and what each asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import Wording
from features.yaml_files import read_document
from serving.casework.errors import NotAllowedError

TICKETS = ("rule", "correction")


@dataclass(frozen=True, slots=True)
class Reason:
    """A code.

    Attributes:
        code: as it is stored.
        names: what it says.
        needs_clause: a provision must be named with it.
        least_characters: of the officer's own words.
        ticket: what an override for it opens: `rule`, `correction` or nothing.
        restricted: the words are not for everybody who may read the case.
    """

    code: str
    names: Wording
    needs_clause: bool
    least_characters: int
    ticket: str | None
    restricted: bool


@cache
def reasons() -> Mapping[str, Reason]:
    """All of them, by code, in the order in which they are shown."""
    document = read_document(Path(str(resources.files("serving.casework") / "reasons.yaml")))
    document.expect(("reasons",), what="reasons.yaml")
    entries = doc.mapping_of(document.entries["reasons"], "reasons").entries
    return {code: _reason(code, node) for code, node in entries.items()}


def _reason(code: str, node: doc.Node) -> Reason:
    entry = doc.mapping_of(node, code)
    entry.expect(("zh", "en"), ("needs_clause", "least_characters", "ticket", "restricted"), what=code)
    get = entry.entries
    return Reason(
        code,
        Wording(doc.text_of(get["zh"], "zh"), doc.text_of(get["en"], "en")),
        "needs_clause" in get and doc.boolean_of(get["needs_clause"], "needs_clause"),
        doc.integer_of(get["least_characters"], "least_characters") if "least_characters" in get else 1,
        doc.choice_of(get["ticket"], TICKETS, "ticket") if "ticket" in get else None,
        "restricted" in get and doc.boolean_of(get["restricted"], "restricted"),
    )


def check_reason(code: str | None, words: str | None, clause: str | None) -> Reason:
    """A reason as it was given, once it is complete.

    Raises:
        NotAllowedError: the code is none, or something that it asks for is missing.
    """
    if code is None:
        raise NotAllowedError("To decide otherwise, or to take something away, needs a reason: choose a code.")
    if code not in reasons():
        raise NotAllowedError(f"`{code}` is no reason code. " + doc.nearest_advice(code, reasons(), "Codes are: "))
    reason = reasons()[code]
    if len((words or "").strip()) < reason.least_characters:
        raise NotAllowedError(f"{code} needs your own words, at least {reason.least_characters} characters of them.")
    if reason.needs_clause and not (clause or "").strip():
        raise NotAllowedError(f"{code} needs the clause that allows it.")
    return reason
