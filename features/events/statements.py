"""From what a set of events says to the rows of the history's event views, one per view, subject and day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from features.events.kinds import EventKinds, Said
from features.events.messages import Event
from features.events.threads import Effective, Key, Resolved, resolve
from features.facts.reading import read_value
from features.facts.values import Value
from features.history.records import QUARANTINED, STATED

Place = tuple[str, str, dt.date]
"""View, subject's id, and the day from which it is so."""


@dataclass(slots=True)
class Row:
    """What events state about one subject from a day on; a fact that is absent is not spoken of.

    `events` are the roots of the trees of events from which it follows.
    """

    status: str
    facts: dict[str, Value]
    events: tuple[Key, ...]


@dataclass(slots=True)
class Folded:
    """The end state of a set of events.

    Attributes:
        rows: by view, subject and day.
        resolved: which events speak, which do not and why.
        contradicted: by view, subject and fact: facts that cannot change, of which events say different things.
    """

    rows: dict[Place, Row]
    resolved: Resolved
    contradicted: set[tuple[str, str, str]] = field(default_factory=set)


def fold(events: Iterable[Event], kinds: EventKinds) -> Folded:
    """The rows that follow from a set of events: a function of the set, not of the order in which they came.

    Events of one day are read by version, then source and id; the later one speaks where both do. Nothing is carried
    on from one day's row to the next: a statement ages from its own day. Where a dispute touches a row, the row is
    quarantined: its facts are unknown.
    """
    resolved = resolve(events)
    rows: dict[Place, Row] = {}
    spoken = sorted(
        ((event.on, event.version, event.key, event, said) for said in resolved.effective for event in said.events),
        key=lambda each: (*each[:3], each[3].content_hash),
    )
    for *_, event, said in spoken:
        for place, facts in _states(event, kinds):
            _join(rows, place, facts, said)
    folded = Folded(rows, resolved)
    _drop_contradicted(folded, kinds)
    return folded


def _join(rows: dict[Place, Row], place: Place, facts: dict[str, Value], said: Effective) -> None:
    status = QUARANTINED if said.disputed else STATED
    row = rows.get(place)
    if row is None:
        row = rows[place] = Row(status, {}, ())
    row.events = tuple(sorted({*row.events, said.root}))
    if QUARANTINED in (status, row.status):
        row.status = QUARANTINED
        row.facts = {}
    else:
        row.facts |= facts


def _states(event: Event, kinds: EventKinds) -> Iterable[tuple[Place, dict[str, Value]]]:
    """What one event says, by view and subject."""
    for statement in kinds.events[event.kind].states:
        subject = event.subjects.get(statement.of)
        if subject is None or (statement.when is not None and statement.when not in event.attributes):
            continue
        facts: dict[str, Value] = {}
        for said in statement.says:
            text = _text(said, event)
            if text is not None:
                facts[said.fact] = read_value(
                    kinds.vocabulary.dictionary.facts[said.fact], text, kinds.vocabulary.areas
                )
        if facts:
            yield (statement.view, subject, event.on), facts


def _text(said: Said, event: Event) -> str | None:
    if said.is_date:
        return event.on.isoformat()
    if said.role is not None:
        return event.subjects.get(said.role, said.text)
    if said.attribute is not None:
        return event.attributes.get(said.attribute, said.text)
    return said.text


def _drop_contradicted(folded: Folded, kinds: EventKinds) -> None:
    """Facts that cannot change and are told differently: neither telling silently wins."""
    told: dict[tuple[str, str, str], set[Value]] = defaultdict(set)
    for (view, subject, _), row in folded.rows.items():
        for fact in kinds.once[view] & row.facts.keys():
            told[view, subject, fact].add(row.facts[fact])
    folded.contradicted = {place for place, values in told.items() if len(values) > 1}
    views = {view for view, _, _ in folded.contradicted}
    for (view, subject, _), row in folded.rows.items():
        if view in views:
            for fact in kinds.once[view]:
                if (view, subject, fact) in folded.contradicted:
                    row.facts.pop(fact, None)


def changes(before: Mapping[Place, Row], after: Mapping[Place, Row]) -> dict[Place, Row | None]:
    """The rows to add to a history that holds `before` so that it holds `after`; None: withdraw the row."""
    changed: dict[Place, Row | None] = dict.fromkeys(before.keys() - after.keys())
    for place, row in after.items():
        held = before.get(place)
        if held is None or (held.status, held.facts) != (row.status, row.facts):
            changed[place] = row
    return dict(sorted(changed.items()))
