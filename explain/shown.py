"""What a page, a letter or a terminal shows of an explanation: sentences in sections, each with its mark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explain.audience import Audience
from explain.wording import Language
from rules.determination import Outcome
from rules.kleene import Truth


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence, with what stands beneath it. `met` is how a clause came out (None: nothing to say of that)."""

    text: str
    met: Truth | None = None
    details: tuple[Line, ...] = ()

    @property
    def sentences(self) -> Iterator[str]:
        """What is said in it, in order."""
        yield self.text
        for line in self.details:
            yield from line.sentences


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences under one title. `id` is the same in every language; the first section has no title."""

    id: str
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A whole explanation in one language for one audience."""

    audience: Audience
    language: Language
    heading: str
    outcome: Outcome
    outcome_text: str
    sections: tuple[Section, ...]

    @property
    def sentences(self) -> Iterator[str]:
        """Everything that is said, in order."""
        yield from (self.heading, self.outcome_text)
        for section in self.sections:
            yield from (section.title,) if section.title else ()
            for line in section.lines:
                yield from line.sentences
