"""A small made jurisdiction with one fact of every type and two benefits, for tests that need a whole world."""

from __future__ import annotations

from pathlib import Path

from features.documents import Findings
from features.facts.vocabulary import Vocabulary, load_vocabulary
from rules.catalogue import load_catalogue
from rules.rulebook import Rulebook

FOLDER = Path(__file__).resolve().parent / "village"
FACTS = FOLDER / "facts"
CATALOGUE = FOLDER / "catalogue"
MOST_MEMBERS = {"household": 5, "otherwise": 7}


def village_vocabulary() -> Vocabulary:
    """The facts, subjects and areas of the village."""
    findings = Findings()
    vocabulary = load_vocabulary("village", findings, FACTS)
    assert findings == []
    return vocabulary


def village_rulebook() -> Rulebook:
    """The benefits of the village."""
    catalogue = load_catalogue(CATALOGUE, FACTS)
    assert catalogue.findings == []
    assert catalogue.rulebook is not None
    return catalogue.rulebook
