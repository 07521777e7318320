"""Events for tests: a builder, the lines a department would send, random logs, and a slow twin of the history."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import polars as pl
from hypothesis import strategies as st

from features.documents import Findings
from features.events.kinds import EventKinds, load_kinds
from features.events.messages import Event, read_events
from features.facts.vocabulary import load_vocabulary
from features.history.records import QUARANTINED, WITHDRAWN, Batch

DAYS = [dt.date(2024, 1, 31), dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2024, 3, 1), dt.date(2024, 12, 31)]
PEOPLE = ["p1", "p2", "p3"]
IDS = ["e1", "e2", "e3", "e4", "e5", "e6"]


@functools.cache
def china() -> EventKinds:
    """The shipped kinds of event."""
    findings = Findings()
    kinds = load_kinds(load_vocabulary("cn", findings), findings)
    assert not findings
    return kinds


def event(
    kind: str,
    on: str = "2026-03-05",
    *,
    source: str = "health",
    id: str = "e1",
    version: int = 1,
    corrects: str | None = None,
    reverses: str | None = None,
    **told: str,
) -> Event:
    """A valid event; a test names what matters. What is `told` are subjects by role and attributes by name."""
    known = china().events[kind]
    subjects = {role: told[role] for role in known.roles if role in told}
    attributes = {name: told[name] for name in known.attributes if name in told}
    return Event(source, id, version, kind, dt.date.fromisoformat(on), subjects, attributes, corrects, reverses)


def death(
    on: str = "2026-03-05",
    person: str = "p1",
    *,
    id: str = "e1",
    version: int = 1,
    source: str = "health",
    corrects: str | None = None,
    reverses: str | None = None,
) -> Event:
    return event(
        "death", on, person=person, id=id, version=version, source=source, corrects=corrects, reverses=reverses
    )


def move(
    on: str = "2026-03-05",
    person: str = "p1",
    *,
    to: str = "440303",
    id: str = "e1",
    version: int = 1,
    source: str = "police",
    corrects: str | None = None,
    reverses: str | None = None,
) -> Event:
    return event(
        "move_in",
        on,
        person=person,
        hukou_area=to,
        id=id,
        version=version,
        source=source,
        corrects=corrects,
        reverses=reverses,
    )


def envelope(said: Event, **header: str) -> dict[str, Any]:
    """An event as a department would send it."""
    message: dict[str, Any] = {
        "event_type": said.kind,
        "event_id": said.id,
        "version": said.version,
        "event_date": said.on.isoformat(),
        "subjects": dict(said.subjects),
        "attributes": dict(said.attributes),
    }
    message |= {name: getattr(said, name) for name in ("corrects", "reverses") if getattr(said, name)}
    sent = {
        "message_id": f"m-{said.id}-{said.version}",
        "message_ts": "2026-06-01T08:00:00+08:00",
        "action": "notify",
        "sender_id": said.source,
    }
    return {"header": sent | header, "message": message}


def lines(events: Iterable[Event]) -> list[bytes]:
    return [json.dumps(envelope(said), ensure_ascii=False).encode() + b"\n" for said in events]


def read(*written: bytes) -> tuple[list[Event], list[str]]:
    """The events of some lines, and the problems as text."""
    events, problems, _ = read_events(written, "events.jsonl", china())
    return events, [str(problem) for problem in problems]


_STATED: dict[str, Callable[[st.DrawFn, list[str]], dict[str, str]]] = {
    "death": lambda draw, who: {"person": who[0], **({"spouse": who[1]} if draw(st.booleans()) else {})},
    "move_in": lambda draw, who: {"person": who[0], "hukou_area": draw(st.sampled_from(["440303", "440304"]))},
    "marriage": lambda _draw, who: {"one": who[0], "other": who[1]},
    "divorce": lambda _draw, who: {"one": who[0], "other": who[1]},
    "birth": lambda draw, who: {"child": who[0], "mother": who[1], "sex": draw(st.sampled_from(["male", "female"]))},
    "persons_merged": lambda _draw, who: {"kept": who[0], "retired": who[1]},
    "disability_withdrawn": lambda _draw, who: {"person": who[0]},
}


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    """Any event of a small world, where ids collide, targets may be missing and links may go round in circles."""
    kind = draw(st.sampled_from(["death", "death", "move_in", "move_in", *_STATED]))
    told = _STATED[kind](draw, draw(st.permutations(PEOPLE)))
    identity = draw(st.sampled_from(IDS))
    link = draw(st.sampled_from(["", "", "corrects", "reverses"]))
    target = draw(st.sampled_from([name for name in IDS if name != identity]))
    return event(
        kind,
        draw(st.sampled_from(DAYS)).isoformat(),
        source=draw(st.sampled_from(["a", "a", "b"])),
        id=identity,
        version=draw(st.integers(1, 3)),
        corrects=target if link == "corrects" else None,
        reverses=target if link == "reverses" else None,
        **told,
    )


def logs(most: int) -> st.SearchStrategy[list[Event]]:
    return st.lists(any_event(), min_size=1, max_size=most)


class Twin:
    """The history as docs/decisions/0004 says it is read, one row after the other. Slow, and obvious."""

    def __init__(self) -> None:
        self.batches: dict[str, tuple[Batch, list[dict[str, Any]]]] = {}

    def append(self, batch: Batch, rows: pl.DataFrame) -> bool:
        if batch.content_hash in self.batches:
            return False
        self.batches[batch.content_hash] = (batch, list(rows.iter_rows(named=True)))
        return True

    def as_of(self, on_date: dt.date, known_at: dt.datetime) -> dict[tuple[str, str], Mapping[str, Any]]:
        """By view and subject: the facts of the row that holds; `status` too."""
        said: dict[tuple[str, str], dict[dt.date, dict[str, Any]]] = {}
        for batch, rows in sorted(self.batches.values(), key=lambda each: each[0].learned_at):
            if batch.learned_at <= known_at:
                for row in rows:
                    said.setdefault((batch.view, row["id"]), {})[row["true_from"]] = row
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for place, by_day in said.items():
            standing = [day for day, row in by_day.items() if row["status"] != WITHDRAWN and day <= on_date]
            if standing:
                row = by_day[max(standing)]
                facts = {name: None if row["status"] == QUARANTINED else row[name] for name in row if name != "row"}
                found[place] = facts
        return found
