"""The words of rulings and demotions, in both languages: data, `reasons.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import Wording
from features.facts.vocabulary import Vocabulary
from features.yaml_files import read_document

_FILE = "reasons.yaml"


@dataclass(frozen=True, slots=True)
class Words:
    """What reasons, tiers and causes of demotions are called.

    Attributes:
        reasons: by code of :class:`serving.delivery.tier.Reason`.
        tiers: by value of :class:`serving.delivery.tier.Tier`.
        causes: by code of :class:`serving.delivery.health.Cause`.
    """

    reasons: Mapping[str, Wording]
    tiers: Mapping[str, Wording]
    causes: Mapping[str, Wording]

    def reason(self, given: Mapping[str, object], vocabulary: Vocabulary, lang: str) -> str:
        """One reason of a ruling, as it is kept, in words.

        Args:
            given: `code`, and where there are any `facts` and `law`.
            vocabulary: has the labels of the facts.
            lang: `zh` or `en`.
        """
        text = self.reasons[str(given["code"])].in_language(lang)
        comma = ", " if lang == "en" else "、"
        facts, law = given.get("facts"), given.get("law")
        named = comma.join(_label(str(name), vocabulary, lang) for name in facts) if isinstance(facts, list) else ""
        cited = comma.join(str(clause) for clause in law) if isinstance(law, list) else ""
        return text.replace("{facts}", named).replace("{law}", cited)

    def cause(self, code: str, detail: str, lang: str) -> str:
        """Why a programme is demoted, in words."""
        return self.causes[code].in_language(lang).replace("{detail}", detail)


@cache
def load_words() -> Words:
    """The shipped words.

    Raises:
        DocumentError: a mistake, with its place.
    """
    document = read_document(Path(str(resources.files("serving.delivery") / _FILE)), _FILE)
    document.expect(("reasons", "tiers", "causes"), what="the words of reasons")
    return Words(*(_wordings(document.entries[name], name) for name in ("reasons", "tiers", "causes")))


def _wordings(node: doc.Node, what: str) -> dict[str, Wording]:
    return {code: doc.wording_of(words, code) for code, words in doc.mapping_of(node, what).entries.items()}


def _label(name: str, vocabulary: Vocabulary, lang: str) -> str:
    """The label of a fact, else of a link's fact; a parameter of the rules has only its name."""
    fact = vocabulary.dictionary.facts.get(name)
    return name if fact is None else fact.names.in_language(lang)
