"""What the history of a jurisdiction keeps: the tables of its registers, and the views that life events fill."""

from __future__ import annotations

from pathlib import Path

from features.documents import DocumentError, Findings
from features.events.kinds import EventKinds, load_kinds
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.history.records import View
from features.registers.contract_files import load_contracts
from features.registers.contracts import Contracts
from features.senders import NOBODY_SIGNS, Senders, read_senders


def vocabulary_of(jurisdiction: str, folder: Path | None = None) -> Vocabulary:
    """The vocabulary of a jurisdiction; `folder` instead of the shipped one.

    Raises:
        DocumentError: it has a mistake; the first one is told.
    """
    findings = Findings()
    vocabulary = load_vocabulary(jurisdiction, findings, folder)
    _refuse(findings)
    return vocabulary


def contracts_of(vocabulary: Vocabulary) -> Contracts:
    """The contracts of all registers.

    Raises:
        DocumentError: one of them has a mistake; the first one is told.
    """
    findings = Findings()
    contracts = load_contracts(vocabulary, findings)
    _refuse(findings)
    return contracts


def event_kinds_of(vocabulary: Vocabulary) -> EventKinds:
    """The kinds of life event.

    Raises:
        DocumentError: there are none, or one has a mistake; the first one is told.
    """
    findings = Findings()
    kinds = load_kinds(vocabulary, findings)
    _refuse(findings)
    return kinds


def senders_of(file: Path | None) -> Senders:
    """Whose messages must be signed, and with which keys; nobody's where no file names any.

    Raises:
        DocumentError: the file or a key cannot be read: then nothing is taken.
    """
    return NOBODY_SIGNS if file is None else read_senders(file)


def views_of(vocabulary: Vocabulary) -> tuple[View, ...]:
    """Every view, those of registers first.

    Raises:
        DocumentError: a contract or a kind of event has a mistake.
    """
    return (*contracts_of(vocabulary).views.values(), *event_kinds_of(vocabulary).views.values())


def _refuse(findings: Findings) -> None:
    if findings:
        raise DocumentError(findings[0].place, findings[0].message, findings[0].advice)
