"""Deciding: one call, whether one agrees with the machine or not; two people above caps and to take anything away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from serving.casework.carrying_out import carry_out, way_of
from serving.casework.cases import CLEARED, Case, change_case, check_revision, close_case
from serving.casework.clocks import Clocks
from serving.casework.errors import ConflictError, NotAllowedError, NotFoundError
from serving.casework.leases import check_in_hand, tell_officer
from serving.casework.moves import By, Entitlement, moves_since, read_entitlement, refusals
from serving.casework.notes import write_on
from serving.casework.reasons import check_reason, reasons
from serving.casework.review import TAKING_AWAY, Verdict, has_arrived, has_view, recommendation_for
from serving.casework.sealing import OwnWords, Seal, Unseal
from serving.casework.states import Actor
from serving.casework.tickets import Disputed, open_ticket
from serving.store.tables.casework import case_file, decision


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an officer decides, and why.

    Attributes:
        verdict: that.
        reason_code: of `reasons.yaml`; needed to decide otherwise than recommended, and to take something away.
        words: their own.
        clause: the provision, where the code asks for one.
        amount_minor: of a reduction, what is left; of a reclaim, what is asked back.
        disputed: the record that is wrong, out of date or missing, where the code says that one is.
        seen: the entitlement as the officer read it: if it or its amount is another one now, nothing is decided.
    """

    verdict: Verdict
    reason_code: str | None = None
    words: str | None = None
    clause: str | None = None
    amount_minor: int | None = None
    disputed: Disputed | None = None
    seen: Entitlement | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it stands: proposed, in force, or returned to its author."""

    id: int
    case: int
    officer: str
    verdict: Verdict
    overrides: bool
    reason_code: str | None
    clause: str | None
    reason: bytes | None
    sealed_as: UUID | None
    amount_minor: int | None
    needs_second: bool
    state: str
    proposed_at: dt.datetime
    second: str | None
    settled_at: dt.datetime | None
    bulk_act: int | None
    of_revision: int | None


def decide(
    connection: Connection, case: Case, officer: str, judgement: Judgement, seal: Seal, clocks: Clocks, at: dt.datetime
) -> Decision:
    """Decide a case. In force at once, or once a second person agrees: above a cap, and to take anything away.

    Args:
        connection: in a transaction: all of it happens, or nothing.
        case: as it was read.
        officer: who has it in hand, and has recorded their own view.
        judgement: what, and why.
        seal: encrypts their words.
        clocks: the limits of tickets.
        at: the moment.

    Raises:
        ConflictError: the case or the entitlement has changed since it was read.
        NotAllowedError: there is no own view, no lease or no complete reason, or the verdict does not fit.
    """
    check_revision(connection, case)
    check_in_hand(case, officer, at)
    if case.state != "open":
        raise NotAllowedError(f"Case {case.id} is {case.state}: there is nothing to propose.")
    if not has_view(connection, case.id, officer):
        raise NotAllowedError(f"First record your own view of case {case.id}.")
    needs_second = _check_verdict(connection, case, judgement)
    made = _propose(connection, case, officer, judgement, seal, needs_second, at)
    open_ticket(connection, made.id, case, judgement.reason_code, judgement.clause, judgement.disputed, clocks, at)
    if needs_second:
        change_case(connection, case, "proposed", (Actor.OFFICER, officer), at, {"state": "proposed", **CLEARED})
        return made
    return put_in_force(connection, case, made, None, at)


def agree_as_second(connection: Connection, case: Case, of: Decision, officer: str, at: dt.datetime) -> Decision:
    """Agree to what a colleague proposes: it is in force, and done.

    Args:
        connection: in a transaction.
        case: as it was read.
        of: as it was read.
        officer: the second: another person, who has recorded their own view.
        at: the moment.

    Raises:
        ConflictError: the case or the entitlement has changed since: what was proposed is about something else now.
        NotAllowedError: it is their own, they have no view, or it is no proposal any more.
    """
    _check_second(connection, case, of, officer, at)
    found = put_in_force(connection, case, of, officer, at)
    tell_officer(connection, of.officer, case.id, "agreed", officer, at)
    return found


def return_to_author(
    connection: Connection, case: Case, of: Decision, officer: str, words: str, seal: Seal, at: dt.datetime
) -> Decision:
    """Send a proposal back: the case is open again, and its author is told.

    Raises:
        ConflictError: the case has changed since it was read.
        NotAllowedError: it is their own, they have no view, there are no words, or it is no proposal any more.
    """
    _check_second(connection, case, of, officer, at)
    _settle(connection, of, "returned", officer, at)
    change_case(connection, case, "returned", (Actor.OFFICER, officer), at, {"state": "open", **CLEARED})
    write_on(connection, case.id, "return_noted", officer, words, seal, at)
    tell_officer(connection, of.officer, case.id, "returned", officer, at)
    return _read(connection, of.id)


def proposal_of(connection: Connection, case: Case, officer: str) -> Decision:
    """What a colleague proposes: shown to its author, and to whoever has recorded their own view of the case.

    Raises:
        NotAllowedError: they have not.
        NotFoundError: nothing is proposed.
    """
    query = select(decision.c.id).where(decision.c.case_file == case.id, decision.c.state == "proposed")
    number = connection.execute(query).scalar_one_or_none()
    if not has_view(connection, case.id, officer):
        raise NotAllowedError(f"First record your own view of case {case.id}; then your colleague's is shown.")
    if number is None:
        raise NotFoundError(f"Nothing is proposed for case {case.id}.")
    return _read(connection, number)


def decisions_of(connection: Connection, case: int, officer: str) -> list[Decision]:
    """All that was decided on a case, oldest first, for whoever has recorded their own view, or once it is closed."""
    query = select(decision).where(decision.c.case_file == case).order_by(decision.c.id)
    found = [_decision(cast(Mapping[str, object], row)) for row in connection.execute(query).mappings()]
    if has_view(connection, case, officer) or not any(one.state == "proposed" for one in found):
        return found
    return [one for one in found if one.state != "proposed"]


def words_of(of: Decision, unseal: Unseal, *, may_read_restricted: bool) -> str | None:
    """The officer's own words; None: there are none, or whom they are about was erased.

    Raises:
        NotAllowedError: they protect somebody, and are not for this reader.
    """
    if of.reason is None:
        return None
    restricted = _is_restricted(of.reason_code)
    if restricted and not may_read_restricted:
        raise NotAllowedError("These words protect somebody, and are read by those alone who may.")
    row = {"case_file": of.case, "reason_code": of.reason_code, "sealed_as": of.sealed_as}
    return unseal(of.reason, decision.c.reason, row)


def put_in_force(connection: Connection, case: Case, of: Decision, second: str | None, at: dt.datetime) -> Decision:
    """Settle a decision, do what it says, and close its case. What it is allowed to do its caller has checked."""
    _settle(connection, of, "in_force", second, at)
    if case.entitlement is not None:
        by = By(Actor.OFFICER, of.officer, second, case.id, of.id, of.reason_code, of.reason, of.sealed_as)
        entitlement = read_entitlement(connection, case.entitlement)
        carry_out(connection, entitlement, of.verdict, of.amount_minor, by, at)
    close_case(connection, case, (Actor.OFFICER, second or of.officer), at, "decided")
    return _read(connection, of.id)


def propose_for_bulk(
    connection: Connection, case: Case, officer: str, verdict: Verdict, bulk: int, at: dt.datetime
) -> Decision:
    """The decision on one of many cases: its act on many has been agreed to."""
    recommended = recommendation_for(connection, case).verdict
    if recommended not in (None, verdict):
        raise NotAllowedError(f"Case {case.id} would be decided otherwise than recommended: decide it by itself.")
    return _insert(connection, case, {
        "case_file": case.id, "officer": officer, "verdict": verdict, "overrides": False, "needs_second": True,
        "proposed_at": at, "bulk_act": bulk, "recommended": recommended,
    })  # fmt: skip


def _check_verdict(connection: Connection, case: Case, judgement: Judgement) -> bool:
    """Does the verdict fit the case, and does it need a second person?"""
    has_amount = judgement.verdict in (Verdict.REDUCE, Verdict.RECLAIM)
    if has_amount != (judgement.amount_minor is not None):
        raise NotAllowedError(f"`{judgement.verdict}` comes {'with' if has_amount else 'without'} an amount.")
    if case.entitlement is None:
        if judgement.verdict is not Verdict.CLOSE:
            raise NotAllowedError("The case is about no entitlement: it can be closed, or another one opened.")
        return False
    of = read_entitlement(connection, case.entitlement)
    seen = judgement.seen
    if seen is not None and (seen.id, seen.revision, seen.amount_minor) != (of.id, of.revision, of.amount_minor):
        done = moves_since(connection, of.id, seen.revision)
        raise ConflictError("entitlement", of.id, seen.revision, of.revision, done)
    way_of(judgement.verdict, of, arrived=has_arrived(connection, of.id))
    pays = judgement.verdict in (Verdict.GRANT, Verdict.REINSTATE)
    return judgement.verdict in TAKING_AWAY or (of.over_cap and pays)


def _propose(
    connection: Connection,
    case: Case,
    officer: str,
    judgement: Judgement,
    seal: Seal,
    needs_second: bool,
    at: dt.datetime,
) -> Decision:
    recommended = recommendation_for(connection, case).verdict
    overrides = recommended is not None and recommended is not judgement.verdict
    if overrides or judgement.verdict in TAKING_AWAY or judgement.reason_code is not None:
        check_reason(judgement.reason_code, judgement.words, judgement.clause)
    row: dict[str, object] = {
        "case_file": case.id, "officer": officer, "verdict": judgement.verdict, "overrides": overrides,
        "reason_code": judgement.reason_code, "clause": judgement.clause,
        "amount_minor": judgement.amount_minor, "needs_second": needs_second, "proposed_at": at,
        "recommended": recommended,
    }  # fmt: skip
    if judgement.words:
        row = OwnWords(judgement.words, seal).in_new_row(decision.c.reason, row)
    return _insert(connection, case, row)


def _insert(connection: Connection, case: Case, values: dict[str, object]) -> Decision:
    with refusals("case", case.id, case.revision, lambda: (), connection):
        number = connection.execute(insert(decision).values(values).returning(decision.c.id)).scalar_one()
    return _read(connection, number)


def _check_second(connection: Connection, case: Case, of: Decision, officer: str, at: dt.datetime) -> None:
    check_revision(connection, case)
    if of.case != case.id or _read(connection, of.id).state != "proposed":
        raise NotAllowedError(f"Nothing like it is proposed for case {case.id} any more.")
    if of.officer == officer:
        raise NotAllowedError("Whoever proposes does not agree to it: ask a colleague.")
    if case.is_in_hand(at) and case.lease_holder != officer:
        raise NotAllowedError(f"Case {case.id} is in another officer's hands.")
    if not has_view(connection, case.id, officer):
        raise NotAllowedError(f"First record your own view of case {case.id}.")


def _settle(connection: Connection, of: Decision, state: str, second: str | None, at: dt.datetime) -> None:
    entitlement = _entitlement_of(connection, of.case)
    with refusals(
        "entitlement" if entitlement else "case", entitlement or of.case, of.of_revision or 0,
        lambda: moves_since(connection, entitlement or 0, of.of_revision or 0), connection,
    ):  # fmt: skip
        connection.execute(
            update(decision).where(decision.c.id == of.id).values(state=state, second=second, settled_at=at)
        )


def _entitlement_of(connection: Connection, case: int) -> int | None:
    found = connection.execute(select(case_file.c.entitlement).where(case_file.c.id == case)).scalar_one()
    return None if found is None else int(found)


def _is_restricted(code: str | None) -> bool:
    return code is not None and reasons()[code].restricted


def _read(connection: Connection, number: int) -> Decision:
    row = connection.execute(select(decision).where(decision.c.id == number)).mappings().one()
    return _decision(cast(Mapping[str, object], row))


def _decision(row: Mapping[str, object]) -> Decision:
    found = {name: row[name] for name in Decision.__slots__ if name != "case"}
    found |= {"case": row["case_file"], "verdict": Verdict(str(row["verdict"]))}
    return Decision(**found)  # type: ignore[arg-type]
