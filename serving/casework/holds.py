"""What life events do to what was granted: which entitlements wait for a human, as a function of what is known.

The order in which events arrive enters nowhere (features/events: the end state is a function of their set), so neither
does it here: the same events and entitlements give the same holds. A hold makes a payment wait; it takes nothing away.

- Somebody died: everything of theirs that is open waits. Where the death is taken back, it goes on by itself.
- What an entitlement may rest on was said otherwise after it was found (corrected, reversed, disputed): a human looks.
- Two ids are one person, and one benefit was given under both: a human says which stands. An id was two persons': a
  human says whose it is.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from features.events.messages import Event
from features.events.threads import Effective, Key, resolve
from serving.casework.moves import Entitlement
from serving.casework.states import State

DEATH, PERSON = "death", "person"
_DECEASED = "person"
"""The role of whoever died, in an event of the kind `death`."""
OVER = frozenset({State.SUPERSEDED, State.COMPLETED, State.DENIED, State.ENDED})
"""There is nothing left to hold."""


class HoldCode(enum.StrEnum):
    """Why something waits."""

    DEATH = "death"
    CORRECTION = "correction"
    DOUBLE_GRANT = "double_grant"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Received:
    """An event, and when we learned of it."""

    event: Event
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class SharedGrant:
    """A benefit given to one person under several ids, or to an id that was two persons'.

    Attributes:
        ids: the ids under which it was given.
        benefit: which.
        split: the id was two persons'.
    """

    ids: tuple[str, ...]
    benefit: str
    split: bool


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A hold that there is to be.

    Attributes:
        entitlement: of what.
        code: why.
        before: SHA-256 of what events said first, where they were amended, in order.
        after: SHA-256 of what is said now; none: it never was.
        since: when we learned the last of it. A human who took a hold back later knew of it.
    """

    entitlement: int
    code: HoldCode
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    since: dt.datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class _Amended:
    """What one tree of events said first, says now, about whom, and when that changed for the last time."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    subjects: frozenset[str]
    at: dt.datetime


def wanted_holds(
    received: Collection[Received], entitlements: Sequence[Entitlement], shared: Iterable[SharedGrant] = ()
) -> frozenset[Wanted]:
    """Every hold that there is to be.

    Args:
        received: all events about the subjects of the entitlements, in any order.
        entitlements: all of those subjects.
        shared: what the register of persons found out about their ids.
    """
    resolved = resolve(one.event for one in received)
    dead = _dead(received, resolved.effective, resolved.idle)
    amended = _amended(received, {each.root: each for each in resolved.effective})
    wanted = {
        Wanted(of.id, HoldCode.DEATH, since=dead[of.subject])
        for of in entitlements
        if of.kind == PERSON and of.subject in dead
    }
    for of in entitlements:
        touched = [each for each in amended if of.subject in each.subjects and of.detected_at < each.at]
        if touched:
            before = tuple(sorted({text for each in touched for text in each.before}))
            after = tuple(sorted({text for each in touched for text in each.after}))
            wanted.add(Wanted(of.id, HoldCode.CORRECTION, before, after, max(each.at for each in touched)))
    for grant in shared:
        wanted |= _shared(grant, entitlements)
    open_ones = {of.id for of in entitlements if of.state not in OVER}
    return frozenset(each for each in wanted if each.entitlement in open_ones)


def _dead(
    received: Collection[Received], effective: Iterable[Effective], idle: Mapping[Key, object]
) -> dict[str, dt.datetime]:
    """Of whom a death is told, and since when: also in dispute, also by a message that waits for what it corrects."""
    told = {event.content_hash for each in effective for event in each.events}
    dead: dict[str, dt.datetime] = {}
    for one in received:
        event = one.event
        says = event.kind == DEATH and event.reverses is None and _DECEASED in event.subjects
        if says and (event.content_hash in told or event.key in idle):
            person = event.subjects[_DECEASED]
            dead[person] = max(one.at, dead.get(person, one.at))
    return dead


def _amended(received: Collection[Received], effective: Mapping[Key, Effective]) -> list[_Amended]:
    """Trees of events that say something else than at first. A death is none: its hold comes and goes with it."""
    trees: dict[Key, dict[str, Received]] = defaultdict(dict)
    # Where versions name several, the highest speaks; the hash makes it the same in every order of arrival.
    ordered = sorted((one.event for one in received), key=lambda event: (event.version, event.content_hash))
    targets = {event.key: event.target for event in ordered}
    for one in received:
        tree = trees[_root(one.event.key, targets)]
        held = tree.get(one.event.content_hash)
        if held is None or one.at < held.at:  # of what came twice the first counts
            tree[one.event.content_hash] = one
    found = []
    for root, tree in trees.items():
        own = [one for one in tree.values() if one.event.key == root]
        if len(tree) == 1 or not own or any(one.event.kind == DEATH for one in own):
            continue
        first = min(one.event.version for one in own)
        now = effective.get(root)
        found.append(
            _Amended(
                tuple(sorted(one.event.content_hash for one in own if one.event.version == first)),
                tuple(sorted(event.content_hash for event in now.events)) if now else (),
                frozenset(subject for one in tree.values() for subject in one.event.subjects.values()),
                max(one.at for one in tree.values()),
            )
        )
    return found


def _root(key: Key, targets: Mapping[Key, str | None]) -> Key:
    path = [key]
    while (target := targets.get(path[-1])) is not None and (key[0], target) not in path:
        path.append((key[0], target))
    return path[-1]


def _shared(grant: SharedGrant, entitlements: Sequence[Entitlement]) -> set[Wanted]:
    theirs = [of for of in entitlements if (of.kind, of.benefit) == (PERSON, grant.benefit) and of.subject in grant.ids]
    if grant.split:
        return {Wanted(of.id, HoldCode.IDENTITY) for of in theirs}
    ids: dict[str, set[str]] = defaultdict(set)
    for of in theirs:
        if of.state not in (State.SUPERSEDED, State.DENIED):
            ids[of.period].add(of.subject)
    return {Wanted(of.id, HoldCode.DOUBLE_GRANT) for of in theirs if len(ids[of.period]) > 1}
