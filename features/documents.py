"""Reading the text files that people write: strict YAML in which every value knows its place.

Rules and facts are edited by people who are not programmers, so a mistake must be answered with a file, a line, a
column and advice. YAML's own surprises (anchors that explode, tags that build objects, `no` that means false, the
second of two equal keys that silently wins) are refused here, once, for every file of the project.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z")
_ESCAPES = {
    "'": re.compile(r"''"),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)"),
}
_KEY = re.compile(r"[a-z_.]+\Z")
_LONG_QUOTE = re.compile(r"`([^`]{60})[^`]+`")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: a file as the user named it, a line and a column, both counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong in a file, and what to write instead."""

    place: Place
    message: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" {self.advice}" if self.advice else "")


class DocumentError(Exception):
    """Something in a file cannot be accepted; carries the finding."""

    def __init__(self, place: Place, message: str, advice: str = "") -> None:
        self.finding = Finding(place, _one_short_line(message), _one_short_line(advice))
        super().__init__(str(self.finding))


class ConsequenceError(DocumentError):
    """Something cannot be accepted only because something else has a mistake, which is a finding already."""


def _one_short_line(text: str) -> str:
    """A sentence on one line, in which no quoted word is longer than anybody reads."""
    line = _LONG_QUOTE.sub(r"`\1…`", text.replace("\n", " "))
    return line[:1].upper() + line[1:]


def _named(what: str) -> str:
    """A key in quotes; what is more than a key stands in the caller's words."""
    return f"`{what}`" if _KEY.match(what) else what


class Findings(list[Finding]):
    """All that was found wrong so far, so that one run shows every mistake; mere consequences are only counted."""

    consequences = 0

    @property
    def failures(self) -> int:
        """How many things could not be accepted so far."""
        return len(self) + self.consequences

    def copied(self) -> Findings:
        """As many, to which more may be added."""
        found = Findings(self)
        found.consequences = self.consequences
        return found

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Turn a :class:`DocumentError` raised inside into a finding and go on after the block."""
        try:
            yield
        except ConsequenceError:
            self.consequences += 1
        except DocumentError as error:
            self.append(error.finding)


@dataclass(frozen=True, slots=True)
class Written:
    """How a value stands in its file, to find the place of a character inside it (lines and columns from 0)."""

    lines: tuple[str, ...]
    line: int
    column: int
    end_line: int
    style: str

    def locate(self, offset: int) -> tuple[int, int]:
        """Line and column, counted from 1, of the character `offset` of the value."""
        found = (self.line + 1, self.column + 1 + offset)
        for start, line, column in self._segments():
            if offset >= start:
                found = (line + 1, column + 1 + offset - start)
        return found

    def _segments(self) -> Iterator[tuple[int, int, int]]:
        """From which character on the value stands on which line and from which column on."""
        offset, row = 0, self.line + 1
        if self.style not in ("|", ">"):
            first = self.column + len(self.style)
            source = self._source(self.line)[first:]
            yield 0, self.line, first
            if self.style in _ESCAPES and self.line == self.end_line:
                lost = 0
                for escape in _ESCAPES[self.style].finditer(source):
                    lost += len(escape[0]) - 1
                    yield escape.end() - lost, self.line, first + escape.end()
            offset = len(source.rstrip()) + 1
        for number in range(row, min(self.end_line + 1, len(self.lines))):
            content = self._source(number)
            yield offset, number, len(content) - len(content.lstrip())
            offset += len(content.strip()) + 1

    def _source(self, line: int) -> str:
        return self.lines[line] if line < len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written."""

    text: str
    quoted: bool
    place: Place
    written: Written | None = field(default=None, repr=False, compare=False)

    def at(self, offset: int) -> Place:
        """The place of the character `offset` of the text (counted from 0)."""
        if self.written is None:
            return Place(self.place.file, self.place.line, self.place.column + offset)
        return Place(self.place.file, *self.written.locate(offset))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Mapping:
    """Named nodes, in the order of the file."""

    entries: dict[str, Node]
    places: dict[str, Place] = field(repr=False)
    place: Place

    def expect(self, required: Iterable[str], optional: Iterable[str] = (), *, what: str) -> None:
        """Refuse keys that are unknown here, and name those that are missing.

        Raises:
            DocumentError: the first unknown or missing key.
        """
        required = tuple(required)
        known = (*required, *optional)
        for key, place in self.places.items():
            if key not in known:
                raise DocumentError(
                    place, f"`{key}` is not a key of {_named(what)}.", nearest_advice(key, known, "Keys are: ")
                )
        for key in required:
            if key not in self.entries:
                raise DocumentError(self.place, f"{_named(what)} lacks `{key}`.", f"Add a line `{key}: …`.")

    def get(self, key: str) -> Node | None:
        """The node under `key`, or None where the key is absent."""
        return self.entries.get(key)


Node = Scalar | Sequence | Mapping


def nearest_advice(name: str, known: Iterable[str], otherwise: str) -> str:
    """Say which known name was probably meant, or list the names there are."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean `{close[0]}`?"
    if not names:
        return otherwise + "none."
    return otherwise + ", ".join(f"`{n}`" for n in names[:20]) + (", …" if len(names) > 20 else ".")


# -- typed access ------------------------------------------------------------------------------------------------


def text_of(node: Node, what: str) -> str:
    """The node as text. Raises DocumentError where it is a list or a mapping, or empty."""
    if not isinstance(node, Scalar):
        raise DocumentError(node.place, f"{_named(what)} must be text.", "Write one value, in quotes if need be.")
    if not node.text.strip():
        raise DocumentError(node.place, f"{_named(what)} is empty.", "Write its text.")
    return node.text


def mapping_of(node: Node, what: str) -> Mapping:
    """The node as a mapping. Raises DocumentError otherwise."""
    if not isinstance(node, Mapping):
        raise DocumentError(node.place, f"{_named(what)} must be a mapping.", "Write `key: value` lines.")
    return node


def sequence_of(node: Node, what: str) -> tuple[Node, ...]:
    """The node's items. Raises DocumentError where it is no list."""
    if not isinstance(node, Sequence):
        raise DocumentError(node.place, f"{_named(what)} must be a list.", "Write `- …` lines, or `[…]`.")
    return node.items


def date_of(node: Node, what: str) -> dt.date:
    """The node as a date. Raises DocumentError for anything that is no day of the calendar."""
    text = text_of(node, what)
    if _DATE.match(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise DocumentError(node.place, f"{_named(what)} is `{text}`, which is not a date.", "Write it like 2025-01-31.")


def integer_of(node: Node, what: str) -> int:
    """The node as a whole number of at most 18 digits."""
    text = text_of(node, what)
    if not _INTEGER.match(text):
        raise DocumentError(
            node.place, f"{_named(what)} is `{text[:40]}`, which is not a whole number.", "Write it like 3."
        )
    return int(text)


def decimal_of(node: Node, what: str) -> Decimal:
    """The node as a decimal with at most 15 digits before and 12 after the point."""
    text = text_of(node, what)
    if not _DECIMAL.match(text):
        raise DocumentError(
            node.place,
            f"{_named(what)} is `{text[:40]}`, which is not a number.",
            "Write digits with at most 12 decimals, like 1309 or 0.35.",
        )
    return Decimal(text)


def boolean_of(node: Node, what: str) -> bool:
    """The node as true or false; YAML's `yes`, `no`, `on` and `off` are refused."""
    text = text_of(node, what)
    if isinstance(node, Scalar) and not node.quoted and text in ("true", "false"):
        return text == "true"
    raise DocumentError(node.place, f"{_named(what)} is `{text[:40]}`.", "Write `true` or `false`.")


def choice_of(node: Node, choices: Iterable[str], what: str) -> str:
    """The node as one of the given words."""
    text = text_of(node, what)
    words = tuple(choices)
    if text not in words:
        raise DocumentError(
            node.place, f"{_named(what)} is `{text[:40]}`.", nearest_advice(text, words, "Write one of: ")
        )
    return text


@dataclass(frozen=True, slots=True)
class Wording:
    """A text in both languages of the project."""

    zh: str
    en: str

    def in_language(self, lang: str) -> str:
        """The text in `zh` or `en`."""
        return self.en if lang == "en" else self.zh


def wording_of(node: Node, what: str) -> Wording:
    """The node as `{zh: …, en: …}`; both are needed."""
    mapping = mapping_of(node, what)
    mapping.expect(("zh", "en"), what=what)
    zh, en = (text_of(mapping.entries[language], f"{_named(what)} ({language})") for language in ("zh", "en"))
    return Wording(zh, en)
