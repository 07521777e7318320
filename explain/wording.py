"""Sentences: every one of them comes from `explain/messages/`, in the language that is asked for."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import Wording
from features.yaml_files import read_document


class Language(enum.Enum):
    """The languages of the project; Chinese first."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Messages:
    """The sentences of one language."""

    language: Language
    sentences: dict[str, str]

    def say(self, key: str, **parts: object) -> str:
        """A sentence with its parts put in. A key that does not exist is our own mistake."""
        return self.sentences[key].format_map(parts)

    def of(self, wording: Wording) -> str:
        """A text that exists in both languages."""
        return wording.in_language(self.language.value)

    def known(self, key: str) -> bool:
        """Is there such a sentence?"""
        return key in self.sentences


@cache
def messages(language: Language) -> Messages:
    """The sentences of a language."""
    path = Path(str(resources.files("explain") / "messages" / f"{language.value}.yaml"))
    entries = read_document(path).entries
    return Messages(language, {key: doc.text_of(node, key) for key, node in entries.items()})


def in_both(phrase: Callable[[Messages], str]) -> Wording:
    """What is said in each language."""
    return Wording(phrase(messages(Language.ZH)), phrase(messages(Language.EN)))
