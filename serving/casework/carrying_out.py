"""What a decision does: the moves of its entitlement, how much less, how much back; in one transaction with it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, insert, select, text

from serving.casework.citizen.offers import next_step
from serving.casework.errors import NotAllowedError
from serving.casework.moves import By, Entitlement, make_move, refusals
from serving.casework.review import Verdict, has_arrived
from serving.casework.states import Actor, State, may_move
from serving.store.tables.cases import amendment

_ALWAYS = {
    Verdict.OFFER: (State.OFFERED,),
    Verdict.ASK: (State.ASK,),
    Verdict.DENY: (State.DENIED,),
    Verdict.SUSPEND: (State.SUSPENDED,),
    Verdict.END: (State.ENDED,),
    Verdict.GRANT: (State.APPROVED,),
    Verdict.REDUCE: (State.APPROVED,),
    Verdict.KEEP: (State.MONITORED,),
    Verdict.RECLAIM: (State.MONITORED,),
}
_BEFORE_IT_ARRIVES = frozenset({Verdict.GRANT, Verdict.OFFER, Verdict.ASK, Verdict.DENY, Verdict.REDUCE})
_WAITING = frozenset({State.OFFERED, State.ASK})
"""For an answer or a fact; and not for ever."""
_ONCE_IT_ARRIVED = frozenset({Verdict.KEEP, Verdict.RECLAIM})


def way_of(verdict: Verdict, of: Entitlement, *, arrived: bool) -> tuple[State, ...]:
    """The states through which a verdict takes an entitlement.

    Args:
        verdict: what was decided.
        of: as it stands.
        arrived: its money has arrived.

    Raises:
        NotAllowedError: the verdict says nothing about an entitlement as this one stands. What has arrived is not
            granted again, what has not arrived is not asked back, and what waits for a judgement is not just closed.
    """
    if (verdict in _BEFORE_IT_ARRIVES and arrived) or (verdict in _ONCE_IT_ARRIVED and not arrived):
        raise NotAllowedError(
            f"`{verdict}` is not for money that has {'arrived' if arrived else 'not arrived'}: choose another verdict."
        )
    if verdict is Verdict.CLOSE:
        if of.state is State.REVIEW:
            raise NotAllowedError("The entitlement waits for a judgement: it is not just closed.")
        return ()
    if verdict is Verdict.REINSTATE:
        goal = State.MONITORED if arrived else State.APPROVED
        way = (State.REINSTATED, goal) if of.state in (State.SUSPENDED, State.ENDED) else (goal,)
    else:
        way = _ALWAYS[verdict]
    if of.state is State.MONITORED and way == (State.MONITORED,):
        return ()  # it goes on where it is
    at = of.state
    for state in way:
        if not may_move(at, state, Actor.OFFICER):
            raise NotAllowedError(f"`{verdict}` is not for an entitlement that is {at}: open a review of it first.")
        at = state
    return way


def carry_out(
    connection: Connection, of: Entitlement, verdict: Verdict, amount_minor: int | None, by: By, at: dt.datetime
) -> Entitlement:
    """Do what a decision in force says.

    Args:
        connection: in the transaction that puts the decision in force.
        of: the entitlement as it stands.
        verdict: of the decision.
        amount_minor: what is left, or what is asked back.
        by: its author and second, the case and the decision.
        at: the moment.

    Raises:
        ConflictError: it moved meanwhile.
        NotAllowedError: a hold, a cap or the table of moves stands against it.
    """
    arrived = has_arrived(connection, of.id)
    way = way_of(verdict, of, arrived=arrived)
    # Before the move: whoever pays looks at what is owed once it is approved.
    _amend(connection, of, verdict, amount_minor, by, at)
    for state in way:
        of = make_move(connection, of, state, by, at)
    if of.state in _WAITING:
        next_step(connection, of.id, at)  # the engine tells of it, and looks when its time is over
    return of


def _amend(
    connection: Connection, of: Entitlement, verdict: Verdict, amount_minor: int | None, by: By, at: dt.datetime
) -> None:
    if verdict in (Verdict.REDUCE, Verdict.RECLAIM):
        kind, amount = verdict.value, amount_minor
    elif verdict in (Verdict.GRANT, Verdict.KEEP, Verdict.REINSTATE) and is_reduced(connection, of.id):
        kind, amount = "restore", None
    else:
        return
    with refusals("entitlement", of.id, of.revision, lambda: (), connection):
        connection.execute(
            insert(amendment).values(entitlement=of.id, decision=by.decision, kind=kind, amount_minor=amount, at=at)
        )


def is_reduced(connection: Connection, entitlement: int) -> bool:
    """Did two people leave less of it than the engine found?"""
    query = text("SELECT reduced FROM owed WHERE id = :id")
    return bool(connection.execute(query, {"id": entitlement}).scalar_one())


def owed_minor(connection: Connection, entitlement: int) -> int | None:
    """What is to be paid, in minor units: what the engine found, or what two people left of it."""
    query = text("SELECT amount_minor FROM owed WHERE id = :id")
    found = connection.execute(query, {"id": entitlement}).scalar_one()
    return None if found is None else int(found)


def asked_back_minor(connection: Connection, entitlement: int) -> int:
    """What was asked back of it so far, in minor units."""
    query = select(amendment.c.amount_minor).where(
        amendment.c.entitlement == entitlement, amendment.c.kind == Verdict.RECLAIM
    )
    return sum(int(amount or 0) for amount in connection.execute(query).scalars())
