"""Life events as they come: DCI-shaped JSON lines, read strictly; what cannot be read is set aside with its reason.

A line is `{"header": {…}, "message": {…}}`, with `signature` where its sender signs (:mod:`features.senders`). The
header says who sends what when (`message_id, message_ts, action, sender_id`); the message is the event: `event_type,
event_id, version, event_date`, `subjects` by role, `attributes` by name, and `corrects` or `reverses` with the id of an
earlier event of the same sender.

Source: Digital Convergence Initiative, interoperability standards, message envelope (header, message) and `notify`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from features.documents import nearest_advice
from features.errors import FactProblem
from features.events.kinds import EventKind, EventKinds
from features.facts.dictionary import Fact
from features.facts.population import NONE
from features.facts.reading import UnreadableValueError, read_value
from features.facts.units import FIRST_DAY, LAST_DAY
from features.senders import NOBODY_SIGNS, Senders

ACTION = "notify"
LONGEST_LINE = 64_000
LATEST_VERSION = 1_000_000
_ID = re.compile(r"[^\s\x00-\x1f\x7f]{1,80}\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_HEADER = ("message_id", "message_ts", "action", "sender_id")
_HEADER_TOO = ("version", "receiver_id", "total_count")
_MESSAGE = ("event_type", "event_id", "version", "event_date")
_MESSAGE_TOO = ("subjects", "attributes", "corrects", "reverses")


@dataclass(frozen=True, slots=True)
class Event:
    """One message about one life event; what the sender said, whoever else says otherwise.

    Attributes:
        source: who sends (`sender_id`).
        id: the sender's number of the event; a higher `version` under the same id replaces the lower.
        kind: id of the kind of event.
        on: the day on which it happened.
        subjects: id by role.
        attributes: text by name, each readable as a value of its fact.
        corrects: the event (of the same source) that was otherwise than said, as this one says.
        reverses: the event (of the same source) that never was.
        text: the event as one line, the same for the same content however it was written.
        content_hash: SHA-256 of the text: two deliveries of one event have the same, whatever their envelope.
    """

    source: str
    id: str
    version: int
    kind: str
    on: dt.date
    subjects: Mapping[str, str]
    attributes: Mapping[str, str]
    corrects: str | None = None
    reverses: str | None = None
    text: str = field(init=False, repr=False, compare=False)
    content_hash: str = field(init=False, repr=False)

    @property
    def target(self) -> str | None:
        """The event that this one corrects or reverses."""
        return self.corrects or self.reverses

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other events: its source and id."""
        return self.source, self.id

    def __post_init__(self) -> None:
        content: dict[str, object] = {
            "source": self.source, "id": self.id, "version": self.version, "kind": self.kind,
            "on": self.on.isoformat(), "subjects": dict(self.subjects), "attributes": dict(self.attributes),
            "corrects": self.corrects, "reverses": self.reverses,
        }  # fmt: skip
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        # Once: a load asks for them half a dozen times.
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "content_hash", hashlib.sha256(text.encode()).hexdigest())


def event_of(text: str) -> Event:
    """The event that its text stands for."""
    content = json.loads(text)
    return Event(**{**content, "on": dt.date.fromisoformat(content["on"])})


def read_events(
    lines: Iterable[bytes], file: str, kinds: EventKinds, senders: Senders = NOBODY_SIGNS
) -> tuple[list[Event], list[FactProblem], int]:
    """Every line's event, or why it is none.

    Args:
        lines: of the file, with or without their line ends; empty ones are passed over.
        file: the file's name, for messages.
        kinds: the kinds of event there are.
        senders: whose messages must be signed.

    Returns:
        The events in the order of the file; the problems, each with the line as `row` and the field as `column`; and
        how many lines were read. One line with several mistakes has several problems and gives no event.
    """
    events: list[Event] = []
    problems: list[FactProblem] = []
    count = 0
    for number, line in enumerate(lines, start=1):
        raw = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not raw.strip():
            continue
        count += 1
        reader = _Line(kinds, senders)
        event = reader.event(raw.rstrip(b"\r\n"))
        if event is not None and not reader.problems:
            events.append(event)
        problems += (FactProblem(file, number, field, reason) for field, reason in reader.problems)
    return events, problems, count


class _UnreadableError(Exception):
    """The line cannot be read any further; what is wrong stands in `problems`."""


class _Line:
    """Reads one line and gathers what is wrong in it. No reason repeats a value: it may be personal."""

    def __init__(self, kinds: EventKinds, senders: Senders) -> None:
        self.kinds, self.senders = kinds, senders
        self.problems: list[tuple[str | None, str]] = []

    def event(self, raw: bytes) -> Event | None:
        try:
            whole = self._object(self._parse(raw), "")
            self._keys(whole, "", ("header", "message"), ("signature",))
            header, message = (self._object(whole.get(part), part) for part in ("header", "message"))
            self._keys(header, "header", _HEADER, _HEADER_TOO)
            forged = self.senders.why_refused(str(header.get("sender_id")), whole)
            if forged is not None:
                self._stop("signature", forged)
            self._keys(message, "message", _MESSAGE, _MESSAGE_TOO)
            return self._event(header, message)
        except _UnreadableError:
            return None

    def _event(self, header: dict[str, Any], message: dict[str, Any]) -> Event:
        sent = self._moment(header.get("message_ts"))
        self._id(header, "message_id", "header")
        if header.get("action") != ACTION:
            self._wrong("header.action", f"is not `{ACTION}`, the only action that carries events")
        source = self._id(header, "sender_id", "header")
        known = self.kinds.events.get(str(message.get("event_type")))
        if known is None:
            advice = nearest_advice("", self.kinds.events, "Kinds are: ")
            self._stop("message.event_type", f"is no kind of event that we know. {advice}")
        corrects, reverses = (
            self._id(message, name, "message") if message.get(name) is not None else None
            for name in ("corrects", "reverses")
        )
        event = Event(
            source,
            self._id(message, "event_id", "message"),
            self._version(message.get("version")),
            known.id,
            self._day(message.get("event_date"), sent),
            self._subjects(message, known, needed=reverses is None),
            self._attributes(message, known, needed=reverses is None),
            corrects,
            reverses,
        )
        self._check_target(event)
        if reverses is None and not self.problems and not _says_something(event, known):
            self._wrong("message.attributes", "say nothing: name at least one of the attributes")
        return event

    def _check_target(self, event: Event) -> None:
        if event.corrects and event.reverses:
            self._wrong("message.reverses", "stands beside `corrects`: an event was otherwise, or it never was")
        elif event.target == event.id:
            self._wrong("message.event_id", "names itself: a higher `version` under the same id replaces the lower")

    def _subjects(self, message: dict[str, Any], kind: EventKind, *, needed: bool) -> dict[str, str]:
        given = self._object(message.get("subjects", {}), "message.subjects")
        required = [role for role, (_, must) in kind.roles.items() if must and needed]
        self._keys(given, "message.subjects", required, list(kind.roles))
        found = {role: self._id(given, role, "message.subjects") for role in kind.roles if role in given}
        if len(set(found.values())) < len(found):
            self._wrong("message.subjects", "name one subject in two roles")
        return found

    def _attributes(self, message: dict[str, Any], kind: EventKind, *, needed: bool) -> dict[str, str]:
        given = self._object(message.get("attributes", {}), "message.attributes")
        required = [name for name, (_, must) in kind.attributes.items() if must and needed]
        self._keys(given, "message.attributes", required, list(kind.attributes))
        found: dict[str, str] = {}
        for name, (fact, _) in kind.attributes.items():
            if given.get(name) is not None:
                found[name] = self._value(given[name], fact, f"message.attributes.{name}")
        return found

    def _value(self, value: object, fact: Fact, field: str) -> str:
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, int | str):
            text = str(value)
        else:
            self._wrong(field, "is not text, a whole number, `true` or `false`")
            return ""
        if fact.type.kind == "id" and not _ID.match(text):
            self._wrong(field, "is no id")
            return ""
        try:
            read_value(fact, text, self.kinds.vocabulary.areas)
        except UnreadableValueError as error:
            self._wrong(field, str(error))
        return text

    def _moment(self, value: object) -> dt.datetime | None:
        try:
            moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self._wrong("header.message_ts", "is no moment with its offset, written like 2026-03-01T08:00:00+08:00")
            return None
        return moment

    def _day(self, value: object, sent: dt.datetime | None) -> dt.date:
        try:
            day = dt.date.fromisoformat(value) if isinstance(value, str) and _DAY.match(value) else None
        except ValueError:
            day = None
        if day is None:
            self._stop("message.event_date", "is not a day of the calendar, written like 2025-01-31")
        if not FIRST_DAY <= day <= LAST_DAY:
            self._stop("message.event_date", f"is impossible (outside {FIRST_DAY.year} to {LAST_DAY.year})")
        # One day of grace: the offset of the sender's clock need not be that of the place where it happened.
        if sent is not None and day > sent.date() + dt.timedelta(days=1):
            self._wrong("message.event_date", "lies after the day on which the message was sent")
        return day

    def _version(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LATEST_VERSION:
            self._stop("message.version", f"is no whole number from 1 to {LATEST_VERSION}")
        return value

    def _id(self, holder: dict[str, Any], name: str, where: str) -> str:
        value = holder.get(name)
        if not isinstance(value, str) or not _ID.match(value) or value == NONE:
            self._wrong(f"{where}.{name}", "is no id: text of up to 80 characters without spaces")
            return ""
        return value

    def _parse(self, raw: bytes) -> object:
        if len(raw) > LONGEST_LINE:
            self._stop(None, f"is longer than {LONGEST_LINE:,} bytes")
        try:
            return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        except UnicodeDecodeError:
            self._stop(None, "is not UTF-8 text")
        except (ValueError, RecursionError):
            self._stop(None, "is not one JSON object with every key once")

    def _object(self, value: object, field: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._stop(field or None, "is not a JSON object")
        return value

    def _keys(self, found: dict[str, Any], where: str, required: Iterable[str], optional: Iterable[str]) -> None:
        required = list(required)
        allowed = {*required, *optional}
        for key in found:
            if key not in allowed:
                # The key itself is not repeated: whoever writes a name where a key belongs would find it in our logs.
                self._wrong(where or None, f"has a key that is not known here. Keys are: {', '.join(sorted(allowed))}")
        for key in required:
            if found.get(key) is None:
                self._wrong(f"{where}.{key}".lstrip("."), "is missing")

    def _wrong(self, field: str | None, reason: str) -> None:
        if all(field != told for told, _ in self.problems):  # the first thing that is wrong with a field is enough
            self.problems.append((field, reason))

    def _stop(self, field: str | None, reason: str) -> NoReturn:
        self._wrong(field, reason)
        raise _UnreadableError


def _says_something(event: Event, kind: EventKind) -> bool:
    for statement in kind.states:
        if statement.of not in event.subjects or (statement.when and statement.when not in event.attributes):
            continue
        for said in statement.says:
            if said.is_date or said.text or said.role in event.subjects or said.attribute in event.attributes:
                return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number")
