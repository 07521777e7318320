"""The states of an entitlement and the one table of moves between them.

The database holds the same table (`allowed_move`) and refuses what is not in it; a test compares the two.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """Where an entitlement stands."""

    DETECTED = "detected"
    """A sweep found it; nobody has been told."""
    ASK = "ask"
    """A fact is asked for, of a register first, of the citizen last."""
    REVIEW = "review"
    """A human judges."""
    OFFERED = "offered"
    """It is there for the taking."""
    CONFIRMED = "confirmed"
    """The citizen, or a helper for them, said yes."""
    REFUSED = "refused"
    """The citizen, or a helper for them, said no; they may change their mind."""
    SILENT = "silent"
    """No answer came in time. Nothing is lost by it."""
    PUBLIC_NOTICE = "public_notice"
    """It stands where others may object, for as long as the law says."""
    OBJECTED = "objected"
    """Somebody objected."""
    APPROVED = "approved"
    """It will be delivered."""
    SUBMITTED = "submitted"
    """The bank, or whoever hands it out, has it."""
    PAID = "paid"
    """It arrived."""
    RETURNED = "returned"
    """It came back."""
    MONITORED = "monitored"
    """It arrived, and what it rests on is watched until the period ends."""
    SUSPENDED = "suspended"
    """A human stopped it for a while, a second one agreed."""
    ENDED = "ended"
    """A human ended it, a second one agreed."""
    REINSTATED = "reinstated"
    """It was suspended or ended, and is no longer."""
    DENIED = "denied"
    """A human refused it, a second one agreed."""
    COMPLETED = "completed"
    """The period is over and all of it arrived."""
    SUPERSEDED = "superseded"
    """A later answer says something else, before anybody had been told."""


class Actor(enum.StrEnum):
    """Who makes a move."""

    SYSTEM = "system"
    CITIZEN = "citizen"
    PROXY = "proxy"
    OFFICER = "officer"


NEGATIVE = frozenset({State.DENIED, State.SUSPENDED, State.ENDED})
"""States that take something away: a named human, a second one, a reason. Never the machine."""

_S, _C, _P, _O = Actor.SYSTEM, Actor.CITIZEN, Actor.PROXY, Actor.OFFICER
_ANYBODY = (_S, _C, _P, _O)
_THEMSELVES = (_C, _P)

_MOVES: dict[State, dict[State, tuple[Actor, ...]]] = {
    State.DETECTED: {
        State.OFFERED: (_S, _O), State.ASK: (_S,), State.REVIEW: (_S, _O), State.PUBLIC_NOTICE: (_S,),
        State.APPROVED: (_S,), State.SUPERSEDED: (_S,),
    },
    State.ASK: {State.DETECTED: (_S,), State.REVIEW: _ANYBODY, State.SUPERSEDED: (_S,)},
    State.REVIEW: {
        State.OFFERED: (_O,), State.APPROVED: (_O,), State.PUBLIC_NOTICE: (_O,), State.ASK: (_O,),
        State.MONITORED: (_O,), State.DENIED: (_O,), State.SUSPENDED: (_O,), State.ENDED: (_O,),
        State.REFUSED: _THEMSELVES,
    },
    State.OFFERED: {
        State.CONFIRMED: _THEMSELVES, State.REFUSED: _THEMSELVES, State.SILENT: (_S,), State.REVIEW: _ANYBODY,
    },
    State.SILENT: {
        State.OFFERED: (_S, _O), State.CONFIRMED: _THEMSELVES, State.REFUSED: _THEMSELVES, State.REVIEW: _ANYBODY,
    },
    State.REFUSED: {State.OFFERED: _THEMSELVES, State.REVIEW: _THEMSELVES},
    State.CONFIRMED: {
        State.PUBLIC_NOTICE: (_S,), State.APPROVED: (_S,), State.REFUSED: _THEMSELVES, State.REVIEW: _ANYBODY,
    },
    State.PUBLIC_NOTICE: {
        State.APPROVED: (_S,), State.OBJECTED: (_C, _P, _O), State.REVIEW: (_S, _O), State.REFUSED: _THEMSELVES,
    },
    State.OBJECTED: {State.REVIEW: (_S, _O)},
    State.APPROVED: {State.SUBMITTED: (_S,), State.REVIEW: _ANYBODY, State.REFUSED: _THEMSELVES},
    State.SUBMITTED: {State.PAID: (_S,), State.RETURNED: (_S,)},
    State.RETURNED: {State.SUBMITTED: (_S, _O), State.REVIEW: _ANYBODY},
    State.PAID: {State.MONITORED: (_S,)},
    State.MONITORED: {
        State.REVIEW: _ANYBODY, State.COMPLETED: (_S,), State.SUSPENDED: (_O,), State.ENDED: (_O,),
    },
    State.SUSPENDED: {State.REINSTATED: (_S, _O), State.REVIEW: _ANYBODY},
    State.ENDED: {State.REINSTATED: (_O,), State.REVIEW: _ANYBODY},
    State.DENIED: {State.REVIEW: _ANYBODY},
    State.REINSTATED: {State.APPROVED: (_O,), State.MONITORED: (_S, _O)},
    State.COMPLETED: {},
    State.SUPERSEDED: {State.DETECTED: (_S,)},
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Allowed:
    """A move that somebody may make."""

    before: State
    after: State
    actor: Actor


def allowed_moves() -> frozenset[Allowed]:
    """Every move there is."""
    return frozenset(
        Allowed(before, after, actor)
        for before, ways in _MOVES.items()
        for after, actors in ways.items()
        for actor in actors
    )


def may_move(before: State, after: State, actor: Actor) -> bool:
    """May this actor make this move?"""
    return actor in _MOVES[before].get(after, ())


def ways_on(before: State, actor: Actor) -> tuple[State, ...]:
    """Where an actor may take it from here."""
    return tuple(after for after, actors in _MOVES[before].items() if actor in actors)
