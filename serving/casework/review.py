"""The order of a review: facts and law first, then one's own view, and only then what the machine would do.

Whoever has seen the advice before the case leans on it (Buçinca, Malaya and Gajos, 2021), so the recommendation is not
hidden but absent until the view is recorded: asking for it earlier raises.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as insert_or

from serving.casework.cases import Case, add_event, check_revision
from serving.casework.errors import NotAllowedError
from serving.casework.leases import check_in_hand
from serving.casework.moves import Entitlement, read_entitlement
from serving.casework.states import Actor, State
from serving.store.tables.casework import move, provisional_view, recommendation_shown

Part = Literal["similar", "contributions"]
T = TypeVar("T")
_ABOVE_CAP = "above_cap"


class View(enum.StrEnum):
    """What an officer thinks, before the machine is heard."""

    GRANT = "grant"
    REFUSE = "refuse"
    ASK = "ask"
    UNSURE = "unsure"


class Verdict(enum.StrEnum):
    """What an officer decides."""

    GRANT = "grant"
    """It is delivered."""
    OFFER = "offer"
    """It is put before its citizen."""
    KEEP = "keep"
    """It goes on as it is."""
    REINSTATE = "reinstate"
    """What was suspended or ended goes on."""
    ASK = "ask"
    """A fact is asked for."""
    DENY = "deny"
    REDUCE = "reduce"
    SUSPEND = "suspend"
    END = "end"
    RECLAIM = "reclaim"
    CLOSE = "close"
    """Nothing about an entitlement changes."""


TAKING_AWAY = frozenset({Verdict.DENY, Verdict.REDUCE, Verdict.SUSPEND, Verdict.END, Verdict.RECLAIM})
"""Negative acts: two named humans, a code and words. No machine recommends one."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the engine would do.

    Attributes:
        verdict: that; None: it leaves the answer to a human, and nothing is an override.
        reasons: of the entitlement's tier: codes and parameters.
    """

    verdict: Verdict | None
    reasons: list[dict[str, object]]


def recommend(of: Entitlement, *, confirmed: bool, arrived: bool) -> Recommendation:
    """What the engine would do with an entitlement: a function of its tier, and of no score.

    Args:
        of: the entitlement.
        confirmed: its citizen has said yes, and not changed their mind.
        arrived: its money has arrived.
    """
    if of.state in (State.DENIED, State.SUSPENDED, State.ENDED):
        return Recommendation(None, of.reasons)
    if arrived:
        return Recommendation(Verdict.KEEP, of.reasons)
    only_cap = bool(of.reasons) and all(reason.get("code") == _ABOVE_CAP for reason in of.reasons)
    by_tier = {"automatic": Verdict.GRANT, "confirm": Verdict.OFFER, "ask": Verdict.ASK}
    verdict = Verdict.GRANT if only_cap or (confirmed and of.tier == "confirm") else by_tier.get(of.tier)
    return Recommendation(verdict, of.reasons)


def recommendation_for(connection: Connection, case: Case) -> Recommendation:
    """The same for the entitlement of a case, whether anybody has seen it or not."""
    if case.entitlement is None:
        return Recommendation(None, case.why)
    of = read_entitlement(connection, case.entitlement)
    return recommend(of, confirmed=was_confirmed(connection, of.id), arrived=has_arrived(connection, of.id))


def has_arrived(connection: Connection, entitlement: int) -> bool:
    """Is the money with its citizen? What came back is not."""
    return entitlement in have_arrived(connection, [entitlement])


def was_confirmed(connection: Connection, entitlement: int) -> bool:
    """Did its citizen say yes, and not no since?"""
    return entitlement in were_confirmed(connection, [entitlement])


def have_arrived(connection: Connection, entitlements: Collection[int]) -> frozenset[int]:
    """Those of some whose money is with its citizen."""
    return _last_is(connection, entitlements, State.PAID, (State.RETURNED,))


def were_confirmed(connection: Connection, entitlements: Collection[int]) -> frozenset[int]:
    """Those of some to which their citizen said yes, and not no since."""
    return _last_is(connection, entitlements, State.CONFIRMED, (State.REFUSED, State.OFFERED))


def _last_is(
    connection: Connection, entitlements: Collection[int], state: State, others: Collection[State]
) -> frozenset[int]:
    """Those that came to a state, and to none of the others since."""
    query = (
        select(move.c.entitlement, move.c.to_state)
        .ext(distinct_on(move.c.entitlement))
        .where(move.c.entitlement.in_(entitlements), move.c.to_state.in_((state, *others)))
        .order_by(move.c.entitlement, move.c.revision.desc())
    )
    return frozenset(row.entitlement for row in connection.execute(query) if row.to_state == state)


def record_view(connection: Connection, case: Case, officer: str, view: View, at: dt.datetime) -> None:
    """Record what an officer thinks of a case, having seen its facts and its law. It stays as it is.

    Raises:
        ConflictError: the case has changed since it was read.
        NotAllowedError: it is not in their hands, or their view is recorded already.
    """
    check_revision(connection, case)
    check_in_hand(case, officer, at)
    if has_view(connection, case.id, officer):
        raise NotAllowedError(f"Your view of case {case.id} is recorded already, and stays as it is.")
    connection.execute(insert(provisional_view).values(case_file=case.id, officer=officer, view=view, at=at))
    # What the view is stands nowhere a colleague could see it before their own.
    add_event(connection, case.id, "view_recorded", (Actor.OFFICER, officer), at, {})


def has_view(connection: Connection, case: int, officer: str) -> bool:
    """Has an officer recorded their view of a case?"""
    query = select(provisional_view.c.view).where(
        provisional_view.c.case_file == case, provisional_view.c.officer == officer
    )
    return connection.execute(query).first() is not None


def show_recommendation(connection: Connection, case: Case, officer: str, at: dt.datetime) -> Recommendation:
    """What the engine would do, for an officer who has recorded their own view; that they saw it is noted.

    Raises:
        NotAllowedError: they have not.
    """
    _check_view(connection, case.id, officer)
    shown = recommendation_for(connection, case)
    _note_shown(connection, case.id, officer, "recommendation", at, shown.verdict)
    return shown


def show_part(
    connection: Connection, case: Case, officer: str, part: Part, at: dt.datetime, find: Callable[[], T]
) -> T:
    """Similar cases, or what a model looked at: on request only, noted, and only found once it is asked for.

    Raises:
        NotAllowedError: the officer has not recorded their own view.
    """
    _check_view(connection, case.id, officer)
    _note_shown(connection, case.id, officer, part, at, None)
    return find()


def _check_view(connection: Connection, case: int, officer: str) -> None:
    if not has_view(connection, case, officer):
        raise NotAllowedError(f"First record your own view of case {case}; then the recommendation is shown.")


def _note_shown(
    connection: Connection, case: int, officer: str, part: str, at: dt.datetime, verdict: Verdict | None
) -> None:
    new = connection.execute(
        insert_or(recommendation_shown)
        .values(case_file=case, officer=officer, part=part, at=at, verdict=verdict)
        .on_conflict_do_nothing()
        .returning(recommendation_shown.c.part)
    ).first()
    if new is not None:
        add_event(connection, case, f"{part}_shown", (Actor.OFFICER, officer), at, {})
