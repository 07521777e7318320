"""Reading YAML files strictly, with limits on size and depth, into nodes that know their places."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import yaml

from features.documents import DocumentError, Mapping, Node, Place, Scalar, Sequence, Written

MAX_FILE_BYTES = 1_000_000
MAX_SCALAR_CHARS = 8_000
MAX_DEPTH = 24
MAX_NODES = 20_000

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\ufff9-\uffff\U000e0000-\U000e0fff]"
)


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
        raise DocumentError(start, f"The file cannot be read ({error.strerror}).", "Is it there?") from error
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
        self.lines = tuple(text.splitlines())
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
            problem = getattr(error, "problem", None) or "not valid YAML"
            if problem == "found unexpected end of stream":
                mark = getattr(error, "context_mark", None) or mark
            place = Place(self.file, mark.line + 1, mark.column + 1) if mark is not None else Place(self.file, 1, 1)
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
                raise DocumentError(key.place, "A key must be a plain name.", "Write `name: value`.")
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
        if event.style == '"' and (found := _INVISIBLE.search(text)):  # written as an escape
            raise _invisible(found[0], place)
        line, column = _start(event)
        end_line = event.end_mark.line if event.end_mark else line
        if event.style in ("|", ">"):
            end_line -= 1
        written = Written(self.lines, line, column, end_line, event.style or "")
        return Scalar(text, bool(event.style), place, written)


def _start(event: yaml.Event) -> tuple[int, int]:
    """Line and column of an event, counted from 0."""
    return (event.start_mark.line, event.start_mark.column) if event.start_mark else (0, 0)


class Shelf:
    """Files that were read, each once: what is read again is the same document, or the same mistake."""

    def __init__(self) -> None:
        self._read: dict[Path, Mapping | DocumentError] = {}

    def read(self, path: Path) -> Mapping:
        """Read one YAML file. See :func:`read_document`."""
        known = self._read.get(path)
        if known is None:
            try:
                known = read_document(path)
            except DocumentError as error:
                known = error
            self._read[path] = known
        if isinstance(known, DocumentError):
            raise known
        return known
