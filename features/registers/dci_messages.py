"""DCI-shaped messages: answers to a search, and notifications, in the envelope that the standard publishes.

A file holds one message, or one message per line. Records are counted from 1 through all its messages. The fields of a
record are the headers of the contract.

Source:
    Digital Convergence Initiative, registry core API 1.0.0: `NotifyEventRequest` and `SearchResponse`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from features.registers.deliveries import BrokenRow, Delivery, hash_of_file
from features.registers.errors import UnreadableDeliveryError
from features.senders import NOBODY_SIGNS, Senders

ACTIONS = {"notify": "notify_event", "on-search": "search_response", "search": "search_response"}
"""What a message does, and where in it the registry's answers stand."""
HEADER_FIELDS = ("message_id", "message_ts", "action", "sender_id")
_NOT_TEXT = (dict, list)


class _UnreadableMessageError(Exception):
    """A message cannot be read, or is none; the text says why without repeating it."""


@dataclass(slots=True)
class _Records:
    """The records of the messages read so far."""

    cells: list[dict[str, str | None]] = field(default_factory=list)
    broken: list[BrokenRow] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    count: int = 0
    unchecked: int = 0

    def set_aside(self, reason: str) -> None:
        self.count += 1
        self.broken.append(BrokenRow(self.count, reason))

    def take(self, record: Any) -> None:  # noqa: ANN401 whatever the message holds
        if not isinstance(record, dict):
            self.set_aside("The record is not an object.")
        else:
            self.count += 1
            self.cells.append({name: _text(cell) for name, cell in record.items() if not name.startswith("@")})


def read_messages(path: Path, senders: Senders = NOBODY_SIGNS) -> Delivery:
    """Read a file of messages. A message that came twice in it (same sender and id) is taken once.

    Args:
        path: the file.
        senders: whose messages must be signed; one that is not, or not by them, is set aside.

    Raises:
        UnreadableDeliveryError: it is not UTF-8, or no message in it can be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDeliveryError("The file is not UTF-8, as JSON must be.") from error
    if not text.strip():
        raise UnreadableDeliveryError("The file is empty.")
    records = _Records()
    readable = 0
    for written in _messages(text):
        try:
            message = _parsed(written)
            sender = _sender_of(message)
            _refuse_forged(written, sender, senders)
            for record in _records_of(message, records.seen):
                records.take(record)
            records.unchecked += not senders.sign(sender)
            readable += 1
        except _UnreadableMessageError as error:
            records.set_aside(str(error))
    if not readable:
        raise UnreadableDeliveryError(f"No message can be read. {records.broken[0].reason}")
    names = list(dict.fromkeys(name for record in records.cells for name in record))
    cells = pl.DataFrame(records.cells, schema=dict.fromkeys(names, pl.String)) if names else pl.DataFrame()
    return Delivery(
        path.name, "dci_json", hash_of_file(path), cells, 1, records.broken, unchecked_messages=records.unchecked
    )


def _messages(text: str) -> Iterator[str]:
    """One message, or one per line."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        yield from (line for line in text.splitlines() if line.strip())
    else:
        yield text


def _sender_of(message: dict[str, Any]) -> str:
    header = message.get("header")
    if not isinstance(header, dict) or not isinstance(message.get("message"), dict):
        raise _UnreadableMessageError("The message lacks `header` or `message`.")
    for name in HEADER_FIELDS:
        if not isinstance(header.get(name), str) or not header[name].strip():
            raise _UnreadableMessageError(f"The header of the message lacks `{name}`.")
    return str(header["sender_id"])


def _refuse_forged(written: str, sender: str, senders: Senders) -> None:
    if not senders.sign(sender):
        return
    try:
        envelope = json.loads(written)  # with its numbers: they are signed too
    except ValueError as error:
        raise _UnreadableMessageError("The message is not valid JSON.") from error
    reason = senders.why_refused(sender, envelope)
    if reason is not None:
        raise _UnreadableMessageError(reason)


def _records_of(message: dict[str, Any], seen: set[tuple[str, str]]) -> list[Any]:
    header, body = message["header"], message["message"]
    if header["action"] not in ACTIONS:
        raise _UnreadableMessageError(f"`action` is none of {', '.join(ACTIONS)}.")
    if header.get("is_msg_encrypted") is True:
        raise _UnreadableMessageError("The message is encrypted. Decrypt it before it is loaded.")
    place = ACTIONS[header["action"]]
    answers = body.get(place)
    if not isinstance(answers, list):
        raise _UnreadableMessageError(f"The message lacks the list `{place}`.")
    records: list[Any] = []
    for answer in answers:
        data = answer.get("data") if isinstance(answer, dict) else None
        held = data.get("reg_records") if isinstance(data, dict) else None
        if held is None and isinstance(answer, dict) and answer.get("status") == "rjct":
            continue
        if not isinstance(held, list):
            raise _UnreadableMessageError(f"An entry of `{place}` lacks the list `data.reg_records`.")
        records += held
    key = (header["sender_id"], header["message_id"])
    if key in seen:
        return []
    seen.add(key)
    return records


def _parsed(written: str) -> dict[str, Any]:
    try:
        # Numbers stay as they are written: a float would change them, and a long one would not end.
        message = json.loads(written, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _UnreadableMessageError("The message is not valid JSON.") from error
    if not isinstance(message, dict):
        raise _UnreadableMessageError("The message is not an object.")
    return message


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name that stands in it twice makes the message unreadable, for neither silently wins."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _text(cell: Any) -> str | None:  # noqa: ANN401 whatever the message holds
    """A cell as text; what is nested is kept as JSON, which no fact can be read from."""
    if cell is None or isinstance(cell, str):
        return _without_surrogates(cell) if cell else None
    if isinstance(cell, _NOT_TEXT):
        return json.dumps(cell, ensure_ascii=True)[:200] + "\ufffd"
    return "true" if cell is True else "false" if cell is False else str(cell)


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
