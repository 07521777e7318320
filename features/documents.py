"""Reading the text files that people write: strict YAML in which every value knows its place.

Rules and facts are edited by people who are not programmers, so a mistake must be answered with a file, a line, a
column and advice. YAML's own surprises (anchors that explode, tags that build objects, `no` that means false, the
second of two equal keys that silently wins) are refused here, once, for every file of the project.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import yaml

MAX_FILE_BYTES = 1_000_000
MAX_SCALAR_CHARS = 8_000
MAX_DEPTH = 24
MAX_NODES = 60_000

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\ufff9-\uffff\U000e0000-\U000e0fff]"
)
_ESCAPES = {
    "'": re.compile(r"''"),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)"),
}
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
    """A message on one line, in which no quoted word is longer than anybody reads."""
    return _LONG_QUOTE.sub(r"`\1…`", text.replace("\n", " "))


class Findings(list[Finding]):
    """All that was found wrong so far, so that one run shows every mistake; mere consequences are only counted."""

    consequences = 0

    @property
    def failures(self) -> int:
        """How many things could not be accepted so far."""
        return len(self) + self.consequences

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
class Scalar:
    """One value as written, with the places of its source lines for pointing inside it."""

    text: str
    quoted: bool
    place: Place
    segments: tuple[tuple[int, int, int], ...] = field(default=(), repr=False)

    def at(self, offset: int) -> Place:
        """The place of the character `offset` of the text (counted from 0)."""
        line, column = self.place.line, self.place.column + offset
        for start, seg_line, seg_column in self.segments:
            if offset >= start:
                line, column = seg_line, seg_column + offset - start
        return Place(self.place.file, line, column)


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
                raise DocumentError(place, f"`{key}` is not a key of {what}.", nearest_advice(key, known, "Keys are: "))
        for key in required:
            if key not in self.entries:
                raise DocumentError(self.place, f"{what} lacks `{key}`.", f"Add a line `{key}: …`.")

    def get(self, key: str) -> Node | None:
        """The node under `key`, or None where the key is absent."""
        return self.entries.get(key)


Node = Scalar | Sequence | Mapping


def nearest_advice(name: str, known: Iterable[str], otherwise: str) -> str:
    """Say which known name was probably meant, or list the names there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean `{close[0]}`?"
    return otherwise + ", ".join(f"`{n}`" for n in names[:20]) + (", …" if len(names) > 20 else ".")


def read_document(path: Path, shown_as: str | None = None) -> Mapping:
    """Read one YAML file whose top level is a mapping.

    Args:
        path: the file.
        shown_as: how messages name it; the path itself by default.

    Raises:
        DocumentError: the file cannot be read or uses what is not allowed.
    """
    shown = shown_as or str(path)
    start = Place(shown, 1, 1)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DocumentError(start, f"The file cannot be read ({error.strerror}).") from error
    if len(raw) > MAX_FILE_BYTES:
        raise DocumentError(start, f"The file is larger than {MAX_FILE_BYTES:,} bytes.", "Split it.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            Place(shown, line, 1), "The file is not UTF-8 text.", "Save it with the encoding UTF-8."
        ) from error
    return parse_document(text, shown)


def parse_document(text: str, shown_as: str) -> Mapping:
    """Parse YAML text whose top level is a mapping. See :func:`read_document`."""
    text = text.removeprefix("\ufeff")
    found = _INVISIBLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise _invisible(found[0], Place(shown_as, line, column))
    node = _Composer(text, shown_as).document()
    if not isinstance(node, Mapping):
        raise DocumentError(node.place, "The file must be a mapping of names to values.", "Begin with `key: value`.")
    return node


def _invisible(character: str, place: Place) -> DocumentError:
    name = unicodedata.name(character, "a control character").lower()
    return DocumentError(
        place,
        f"An invisible character stands here: U+{ord(character):04X} ({name}).",
        "Delete it, or type the text anew.",
    )


class _Composer:
    """Builds nodes from PyYAML's event stream, with limits."""

    def __init__(self, text: str, shown_as: str) -> None:
        self.file = shown_as
        self.lines = text.splitlines()
        self.events = yaml.parse(text, Loader=yaml.CSafeLoader)
        self.count = 0

    def document(self) -> Node:
        try:
            next(self.events)  # stream start
            event = next(self.events)
            if isinstance(event, yaml.StreamEndEvent):
                raise DocumentError(Place(self.file, 1, 1), "The file is empty.", "Begin with `key: value`.")
            node = self._node(next(self.events), 0)
            next(self.events)  # document end
            event = next(self.events)
            if not isinstance(event, yaml.StreamEndEvent):
                raise DocumentError(
                    self._place(event), "A second document begins here.", "Keep one document in a file."
                )
            return node
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark is not None else Place(self.file, 1, 1)
            problem = getattr(error, "problem", None) or "not valid YAML"
            raise DocumentError(
                place,
                f"This is not valid YAML: {problem}.",
                "Look for a missing quote, a tab, or a `:` inside unquoted text here or on the line before.",
            ) from error

    def _place(self, event: yaml.Event) -> Place:
        line, column = _start(event)
        return Place(self.file, line + 1, column + 1)

    def _node(self, event: yaml.Event, depth: int) -> Node:
        place = self._place(event)
        self.count += 1
        if depth > MAX_DEPTH:
            raise DocumentError(place, f"Values are nested more than {MAX_DEPTH} deep.", "Flatten the file.")
        if self.count > MAX_NODES:
            raise DocumentError(place, f"The file holds more than {MAX_NODES:,} values.", "Split it.")
        if isinstance(event, yaml.AliasEvent):
            raise DocumentError(place, "Aliases (`*name`) are not allowed.", "Write the value out.")
        if getattr(event, "anchor", None) is not None:
            raise DocumentError(place, "Anchors (`&name`) are not allowed.", "Write the value out where it is needed.")
        if getattr(event, "tag", None) not in (None, "!"):
            raise DocumentError(place, "Tags (`!…`) are not allowed.", "Write the plain value.")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(item, depth + 1))
            return Sequence(tuple(items), place)
        return self._mapping(place, depth)

    def _mapping(self, place: Place, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        places: dict[str, Place] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise DocumentError(key.place, "A key must be a plain name.")
            if key.text == "<<":
                raise DocumentError(key.place, "Merge keys (`<<`) are not allowed.", "Write the values out.")
            if key.text in entries:
                raise DocumentError(
                    key.place,
                    f"`{key.text}` stands here twice (first on line {places[key.text].line}).",
                    "Remove one of them: neither silently wins.",
                )
            places[key.text] = key.place
            entries[key.text] = self._node(next(self.events), depth + 1)
        return Mapping(entries, places, place)

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        text: str = event.value
        if len(text) > MAX_SCALAR_CHARS:
            raise DocumentError(place, f"A value is longer than {MAX_SCALAR_CHARS:,} characters.", "Shorten it.")
        if found := _INVISIBLE.search(text):  # written as an escape
            raise _invisible(found[0], place)
        (start_line, start_column), end_line = _start(event), event.end_mark.line if event.end_mark else 0
        if event.style in ("|", ">"):
            rows = range(start_line + 1, min(end_line, len(self.lines)))
            first = None
        else:
            rows = range(start_line + 1, end_line + 1)
            first = start_column + (1 if event.style else 0)
        segments: list[tuple[int, int, int]] = []
        offset = 0
        if first is not None:
            segments.append((0, start_line + 1, first + 1))
            source = self.lines[start_line][first:] if start_line < len(self.lines) else ""
            offset = len(source.rstrip()) + 1
            if event.style in _ESCAPES and start_line == end_line:
                segments += [(at, start_line + 1, first + 1 + column) for at, column in _escapes(source, event.style)]
        for row in rows:
            content = self.lines[row] if row < len(self.lines) else ""
            stripped = content.strip()
            segments.append((offset, row + 1, len(content) - len(content.lstrip()) + 1))
            offset += len(stripped) + 1
        return Scalar(text, bool(event.style), place, tuple(segments))


def _start(event: yaml.Event) -> tuple[int, int]:
    """Line and column of an event, counted from 0."""
    return (event.start_mark.line, event.start_mark.column) if event.start_mark else (0, 0)


def _escapes(source: str, style: str) -> Iterator[tuple[int, int]]:
    """Where a quoted text goes on after each escape: characters of the text, columns of the source."""
    pattern = _ESCAPES[style]
    lost = 0
    for found in pattern.finditer(source):
        lost += len(found[0]) - 1
        yield found.end() - lost, found.end()


# -- typed access ------------------------------------------------------------------------------------------------


def text_of(node: Node, what: str) -> str:
    """The node as text. Raises DocumentError where it is a list or a mapping, or empty."""
    if not isinstance(node, Scalar):
        raise DocumentError(node.place, f"{what} must be text.")
    if not node.text.strip():
        raise DocumentError(node.place, f"{what} is empty.", "Write its text.")
    return node.text


def mapping_of(node: Node, what: str) -> Mapping:
    """The node as a mapping. Raises DocumentError otherwise."""
    if not isinstance(node, Mapping):
        raise DocumentError(node.place, f"{what} must be a mapping (`key: value` lines).")
    return node


def sequence_of(node: Node, what: str) -> tuple[Node, ...]:
    """The node's items. Raises DocumentError where it is no list."""
    if not isinstance(node, Sequence):
        raise DocumentError(node.place, f"{what} must be a list (`- …` lines or `[…]`).")
    return node.items


def date_of(node: Node, what: str) -> dt.date:
    """The node as a date. Raises DocumentError for anything that is no day of the calendar."""
    text = text_of(node, what)
    if _DATE.match(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise DocumentError(node.place, f"{what} is `{text[:40]}`, which is not a date.", "Write it like 2025-01-31.")


def integer_of(node: Node, what: str) -> int:
    """The node as a whole number of at most 18 digits."""
    text = text_of(node, what)
    if not _INTEGER.match(text):
        raise DocumentError(node.place, f"{what} is `{text[:40]}`, which is not a whole number.", "Write it like 3.")
    return int(text)


def decimal_of(node: Node, what: str) -> Decimal:
    """The node as a decimal with at most 15 digits before and 12 after the point."""
    text = text_of(node, what)
    if not _DECIMAL.match(text):
        raise DocumentError(
            node.place,
            f"{what} is `{text[:40]}`, which is not a number.",
            "Write digits with at most 12 decimals, like 1309 or 0.35.",
        )
    return Decimal(text)


def boolean_of(node: Node, what: str) -> bool:
    """The node as true or false; YAML's `yes`, `no`, `on` and `off` are refused."""
    text = text_of(node, what)
    if isinstance(node, Scalar) and not node.quoted and text in ("true", "false"):
        return text == "true"
    raise DocumentError(node.place, f"{what} is `{text[:40]}`.", "Write `true` or `false`.")


def choice_of(node: Node, choices: Iterable[str], what: str) -> str:
    """The node as one of the given words."""
    text = text_of(node, what)
    words = tuple(choices)
    if text not in words:
        raise DocumentError(node.place, f"{what} is `{text[:40]}`.", nearest_advice(text, words, "Write one of: "))
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
    return Wording(text_of(mapping.entries["zh"], f"{what} (zh)"), text_of(mapping.entries["en"], f"{what} (en)"))
