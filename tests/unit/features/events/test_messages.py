"""Lines of events, read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from features.events.messages import event_of
from tests.unit.features.events.worlds import death, envelope, lines, move, read

Change = Callable[[dict[str, Any]], object]

WRONG: list[tuple[str, Change, str]] = [
    ("no header", lambda e: e.pop("header"), "`header`: is missing"),
    ("no id", lambda e: e["message"].pop("event_id"), "`message.event_id`: is missing"),
    ("a key of its own", lambda e: e["message"].update(remark="x"), "`message`: has a key that is not known here."),
    ("an unknown kind", lambda e: e["message"].update(event_type="party"), "`message.event_type`: is no kind of event"),
    ("another action", lambda e: e["header"].update(action="search"), "`header.action`: is not `notify`"),
    ("a moment without offset", lambda e: e["header"].update(message_ts="2026-06-01T08:00:00"), "`header.message_ts`"),
    ("no such day", lambda e: e["message"].update(event_date="2026-02-29"), "`message.event_date`: is not a day"),
    ("a day to come", lambda e: e["message"].update(event_date="2026-07-01"), "lies after the day on which"),
    ("a version as text", lambda e: e["message"].update(version="1"), "`message.version`: is no whole number"),
    ("true as a version", lambda e: e["message"].update(version=True), "`message.version`: is no whole number"),
    ("nobody", lambda e: e["message"].update(subjects={}), "`message.subjects.person`: is missing"),
    ("a subject that means nobody", lambda e: e["message"]["subjects"].update(person="none"), "is no id"),
    ("an unknown role", lambda e: e["message"]["subjects"].update(uncle="p9"), "`message.subjects`: has a key"),
    (
        "no such area",
        lambda e: e["message"]["attributes"].update(hukou_area="000000"),
        "is not the code of a known area",
    ),
    ("a float", lambda e: e["message"]["attributes"].update(hukou_area=4.4), "is not text, a whole number"),
    ("nothing said", lambda e: e["message"].update(attributes={}), "`message.attributes`: say nothing"),
    ("both links", lambda e: e["message"].update(corrects="a", reverses="b"), "stands beside `corrects`"),
    ("itself", lambda e: e["message"].update(corrects="e1"), "names itself"),
]


@pytest.mark.parametrize(("name", "change", "reason"), WRONG, ids=[each[0] for each in WRONG])
def test_a_line_with_a_mistake_is_set_aside_with_line_field_and_reason(name: str, change: Change, reason: str) -> None:
    broken = envelope(move())
    change(broken)
    events, problems = read(*lines([death()]), json.dumps(broken).encode(), *lines([death(id="e2")]))
    assert [each.id for each in events] == ["e1", "e2"]
    assert len(problems) == 1
    assert problems[0].startswith("events.jsonl, row 2")
    assert reason in problems[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"[]", b"null", b"\xff\xfe", b'{"header": NaN}', b'{"header": {}, "header": {}}', b"[" * 5_000,
        b'{"x": "' + b"y" * 70_000 + b'"}',
    ],
)  # fmt: skip
def test_what_is_no_object_is_set_aside(raw: bytes) -> None:
    events, problems = read(raw)
    assert (events, len(problems)) == ([], 1)


def test_no_message_repeats_a_value() -> None:
    """A person's data never stands in a message, wherever they put it."""
    secret = "wang-xiaoming"
    for place in ("header", "message"):
        for key in list(envelope(move())[place]):
            broken = envelope(move())
            broken[place][key] = {secret: secret}
            assert not any(secret in problem for problem in read(json.dumps(broken).encode())[1])
        broken = envelope(move())
        broken[place][secret] = secret
        (problem,) = read(json.dumps(broken).encode())[1]
        assert secret not in problem


def test_an_event_is_what_it_says_not_how_it_was_written() -> None:
    said = envelope(move())
    again = json.dumps({"message": dict(reversed(said["message"].items())), "header": said["header"]}, indent=None)
    later = json.dumps(envelope(move(), message_id="m-99", message_ts="2026-06-02T08:00:00+08:00"), ensure_ascii=True)
    events, problems = read(*lines([move()]), again.encode(), later.encode(), b"\n", b"  \n")
    assert not problems
    assert len(events) == 3
    assert len({each.content_hash for each in events}) == 1
    assert event_of(events[0].text) == events[0]


def test_a_reversal_need_not_repeat_what_it_takes_back() -> None:
    said = envelope(death(id="r1", reverses="e1"))
    del said["message"]["subjects"], said["message"]["attributes"]
    events, problems = read(json.dumps(said).encode())
    assert not problems
    assert events[0].reverses == "e1"
