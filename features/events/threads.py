"""What a set of events comes to: corrections replace, reversals cancel, whatever the order in which they arrived.

Events that name one another form trees (each names at most one). From a tree follows at most one statement:

- Of one event id, the highest version speaks. Two different contents under the same id and version are a dispute:
  neither speaks, and what either says is unknown until a higher version settles it.
- A reversal that stands cancels what it names, together with whatever corrects that: if it never was, there is no way
  it was otherwise. A reversal that is itself reversed does not stand.
- Of several corrections, the one with the highest version speaks; where versions are equal, the higher id does.
- An event whose target has not arrived waits: it says nothing yet. One that names an event of another kind, corrects
  a reversal, or goes round in a circle never says anything, and is reported.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from features.events.messages import Event

Key = tuple[str, str]
"""Source and id of an event."""


class Idle(enum.Enum):
    """Why an event says nothing by itself."""

    WAITS = "waits"
    CIRCULAR = "circular"
    OTHER_KIND = "other_kind"
    CORRECTS_A_REVERSAL = "corrects_a_reversal"


@dataclass(frozen=True, slots=True)
class Effective:
    """What one tree of events says: one event, or several contents of which nobody knows which is right."""

    root: Key
    events: tuple[Event, ...]
    disputed: bool

    @property
    def order(self) -> tuple[int, Key]:
        """By version, then source and id."""
        last = max(self.events, key=lambda event: (event.version, event.key))
        return last.version, last.key


@dataclass(slots=True)
class Resolved:
    """What follows from a set of events.

    Attributes:
        effective: what is said, by the root of each tree that says something.
        idle: events that say nothing, by reason.
        disputed: ids under which one version has several contents.
    """

    effective: list[Effective] = field(default_factory=list)
    idle: dict[Key, Idle] = field(default_factory=dict)
    disputed: set[Key] = field(default_factory=set)


def resolve(events: Iterable[Event]) -> Resolved:
    """What a set of events says; the answer depends on the set alone."""
    return _Forest(events).resolved()


class _Forest:
    def __init__(self, events: Iterable[Event]) -> None:
        self.current = dict(sorted(_current(events).items()))
        self.targets = {
            key: {(event.source, event.target) for event in held if event.target is not None}
            for key, held in self.current.items()
        }
        self.idle: dict[Key, Idle] = {}
        for key in self.current:
            if reason := self._mistargeted(key):
                self.idle[key] = reason
        self.downwards = self._ordered()

    def _mistargeted(self, key: Key) -> Idle | None:
        for event in self.current[key]:
            if event.target is None:
                continue
            target = self.current.get((event.source, event.target))
            if target is None:
                return Idle.WAITS
            if any(other.kind != event.kind for other in target):
                return Idle.OTHER_KIND
            if event.corrects and any(other.reverses for other in target):
                return Idle.CORRECTS_A_REVERSAL
        return None

    def _ordered(self) -> list[Key]:
        """Every event that may speak, each after what it names; the others are marked idle."""
        naming: dict[Key, list[Key]] = defaultdict(list)
        for key, targets in self.targets.items():
            for target in targets:
                naming[target].append(key)
        left = {key: len(targets) for key, targets in self.targets.items()}
        ready = [key for key, targets in self.targets.items() if not targets or key in self.idle]
        reached = set(ready)
        order: list[Key] = []
        while ready:
            key = ready.pop()
            if key not in self.idle:
                order.append(key)
            for other in naming[key]:
                if key in self.idle:
                    self.idle.setdefault(other, Idle.WAITS)  # what hangs on an event that says nothing waits with it
                left[other] -= 1
                if other not in reached and (left[other] == 0 or other in self.idle):
                    reached.add(other)
                    ready.append(other)
        for key in self.current.keys() - reached:
            self.idle[key] = Idle.CIRCULAR
        return order

    def resolved(self) -> Resolved:
        result = Resolved(idle=self.idle, disputed={key for key, held in self.current.items() if len(held) > 1})
        corrections: dict[Key, list[Effective]] = defaultdict(list)
        cancelled: set[Key] = set()
        for key in reversed(self.downwards):  # whoever names an event is judged before it
            if key in cancelled:
                continue
            held = self.current[key]
            if len(held) == 1 and held[0].reverses is not None:
                cancelled.add((held[0].source, held[0].reverses))
                continue
            said = _said(key, held, corrections[key])
            for target in self.targets[key]:
                # A disputed reversal only throws doubt on its target, as a disputed correction does.
                corrections[target].append(said)
            if not self.targets[key]:
                result.effective.append(said)
        result.effective.sort(key=lambda each: each.root)
        return result


def _current(events: Iterable[Event]) -> dict[Key, tuple[Event, ...]]:
    """Of every event id its highest version: one content, or several where they are disputed."""
    versions: dict[Key, dict[str, Event]] = defaultdict(dict)
    for event in events:
        held = versions[event.key]
        top = next(iter(held.values())).version if held else 0
        if event.version > top:
            held.clear()
        if event.version >= top:
            held[event.content_hash] = event
    return {key: tuple(held[name] for name in sorted(held)) for key, held in versions.items()}


def _said(key: Key, own: tuple[Event, ...], corrections: list[Effective]) -> Effective:
    if not corrections:
        return Effective(key, own, len(own) > 1)
    best = max(corrections, key=lambda each: each.order)
    # Whether it was as first said, or as one of the contents says, nobody knows.
    return Effective(key, (*own, *best.events) if best.disputed else best.events, best.disputed)
