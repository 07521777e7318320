"""Acting on many cases at once: to grant or to send on, never to take away.

Preview, propose, open singly what was drawn, a second person, half an hour in which it can be undone, and only then are
the decisions made: until that moment nothing has moved, so that undoing leaves nothing to call back.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, cast

from sqlalchemy import Connection, Engine, Row, insert, select, update

from serving.casework.carrying_out import way_of
from serving.casework.cases import CLEARED, Case, change_case, check_revision, read_case
from serving.casework.decisions import propose_for_bulk, put_in_force
from serving.casework.errors import CaseworkError, NotAllowedError, NotFoundError
from serving.casework.leases import tell_officer
from serving.casework.moves import Entitlement, read_entitlement, refusals
from serving.casework.review import Verdict, View, has_arrived, has_view, recommendation_for
from serving.casework.states import Actor
from serving.store.tables.cases import bulk_act, bulk_item
from serving.store.tables.casework import provisional_view

MOST_CASES = 200
TIME_TO_UNDO = dt.timedelta(minutes=30)
ONE_IN = 20
"""One in so many is drawn, and opened by itself."""
_FAR = 3
"""An amount so many median absolute deviations away from the median is an outlier."""
ALLOWED = frozenset({Verdict.GRANT, Verdict.OFFER, Verdict.ASK})
BulkState = Literal["proposed", "agreed", "returned", "undone", "carried_out"]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an act on many cases would do.

    Attributes:
        verdict: of all of them.
        cases: those that it can be about, as they were read.
        totals: by unit, the sum of the amounts in minor units.
        by_benefit: how many of each.
        unmeasured: how many have no certain amount.
        outliers: cases whose amount is far from the others' of their benefit.
        left_out: by case, why it is decided by itself.
    """

    verdict: Verdict
    cases: tuple[Case, ...]
    totals: dict[str, int]
    by_benefit: dict[str, int]
    unmeasured: int
    outliers: tuple[int, ...]
    left_out: dict[int, str]


@dataclass(frozen=True, slots=True)
class Bulk:
    """An act on many cases, as it stands.

    Attributes:
        drawn: the cases that its author opens by themselves.
        unopened: those of them that they have not opened.
    """

    id: int
    verdict: Verdict
    size: int
    officer: str
    state: BulkState
    second: str | None
    agreed_at: dt.datetime | None
    cases: tuple[int, ...]
    drawn: frozenset[int]
    unopened: frozenset[int]


def preview(connection: Connection, numbers: Sequence[int], verdict: Verdict, at: dt.datetime) -> Preview:
    """What an act on some cases would do; it does nothing.

    Raises:
        NotAllowedError: the verdict takes something away, or there are none or more than 200.
    """
    if verdict not in ALLOWED:
        raise NotAllowedError(f"`{verdict}` is decided case by case: many at once are granted, offered or asked about.")
    if not 1 <= len(set(numbers)) <= MOST_CASES:
        raise NotAllowedError(f"An act is on 1 to {MOST_CASES} cases, these are {len(set(numbers))}.")
    kept: list[tuple[Case, Entitlement]] = []
    left_out: dict[int, str] = {}
    for number in sorted(set(numbers)):
        case = read_case(connection, number)
        try:
            kept.append((case, _fits(connection, case, verdict, at)))
        except NotAllowedError as error:
            left_out[number] = str(error)
    totals: Counter[str] = Counter()
    for _, of in kept:
        totals[of.unit] += of.amount_minor or 0
    return Preview(
        verdict,
        tuple(case for case, _ in kept),
        dict(totals),
        dict(Counter(of.benefit for _, of in kept)),
        sum(of.amount_minor is None for _, of in kept),
        _outliers(kept),
        left_out,
    )


def _fits(connection: Connection, case: Case, verdict: Verdict, at: dt.datetime) -> Entitlement:
    if case.state != "open" or case.is_in_hand(at):
        raise NotAllowedError(f"Case {case.id} is {'in hand' if case.state == 'open' else case.state}.")
    if case.entitlement is None:
        raise NotAllowedError(f"Case {case.id} is about no entitlement.")
    of = read_entitlement(connection, case.entitlement)
    if of.over_cap:
        raise NotAllowedError(f"Case {case.id} is above its cap: it is decided by itself.")
    way_of(verdict, of, arrived=has_arrived(connection, of.id))
    if recommendation_for(connection, case).verdict not in (None, verdict):
        raise NotAllowedError(f"Case {case.id} would be decided otherwise than recommended: decide it by itself.")
    return of


def _outliers(kept: Sequence[tuple[Case, Entitlement]]) -> tuple[int, ...]:
    amounts: dict[tuple[str, str], list[int]] = {}
    for _, of in kept:
        if of.amount_minor is not None:
            amounts.setdefault((of.benefit, of.unit), []).append(of.amount_minor)
    found = []
    for case, of in kept:
        if of.amount_minor is None:
            continue
        others = amounts[of.benefit, of.unit]
        middle = median(others)
        spread = median(abs(amount - middle) for amount in others)
        # Where most amounts are the same, any other one is looked at.
        if abs(of.amount_minor - middle) > _FAR * spread:
            found.append(case.id)
    return tuple(found)


def propose_bulk(connection: Connection, seen: Preview, officer: str, draw: random.Random, at: dt.datetime) -> Bulk:
    """Propose an act on the cases of a preview; one in twenty is drawn, to be opened by itself.

    Args:
        connection: in a transaction.
        seen: what the officer saw: if a case has changed since, nothing happens.
        officer: who proposes it.
        draw: chance that the officer cannot foresee.
        at: the moment.

    Raises:
        ConflictError: a case has changed since the preview.
        NotAllowedError: none is left of the cases.
    """
    if not seen.cases:
        raise NotAllowedError("None of these cases can be decided together with others.")
    count = -(-len(seen.cases) // ONE_IN)
    drawn = set(draw.sample([case.id for case in seen.cases], count))
    with refusals("case", seen.cases[0].id, seen.cases[0].revision, lambda: (), connection):
        number = connection.execute(
            insert(bulk_act)
            .values(verdict=seen.verdict, size=len(seen.cases), officer=officer, proposed_at=at)
            .returning(bulk_act.c.id)
        ).scalar_one()
    for case in seen.cases:
        check_revision(connection, case)
        _fits(connection, case, seen.verdict, at)
        values = {"state": "proposed", **CLEARED}
        changed = change_case(connection, case, "proposed", (Actor.OFFICER, officer), at, values, {"bulk": number})
        connection.execute(
            insert(bulk_item).values(
                bulk_act=number, case_file=case.id, revision=changed.revision, must_open=case.id in drawn
            )
        )
    return read_bulk(connection, number)


def read_bulk(connection: Connection, number: int) -> Bulk:
    """One act.

    Raises:
        NotFoundError: there is none.
    """
    row = connection.execute(select(bulk_act).where(bulk_act.c.id == number)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"There is no act {number} on many cases.")
    items = _items(connection, number)
    return Bulk(
        number, Verdict(row["verdict"]), row["size"], row["officer"], cast(BulkState, row["state"]), row["second"],
        row["agreed_at"], tuple(item.case_file for item in items),
        frozenset(item.case_file for item in items if item.must_open),
        frozenset(item.case_file for item in items if item.must_open and item.opened_at is None),
    )  # fmt: skip


def open_singly(connection: Connection, act: Bulk, case: int, officer: str, at: dt.datetime) -> Case:
    """Its author opens a case of an act by itself.

    Raises:
        NotAllowedError: it is not one of them, or the act is not theirs, or no proposal any more.
    """
    if officer != act.officer or act.state != "proposed" or case not in act.cases:
        raise NotAllowedError(f"Case {case} is not in a proposal of yours.")
    connection.execute(
        update(bulk_item).where(bulk_item.c.bulk_act == act.id, bulk_item.c.case_file == case).values(opened_at=at)
    )
    return read_case(connection, case)


def agree_to_bulk(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> Bulk:
    """A second person agrees; half an hour later it is done.

    Raises:
        NotAllowedError: it is their own, it is no proposal any more, or what was drawn is not opened.
    """
    if officer == act.officer:
        raise NotAllowedError("Whoever proposes does not agree to it: ask a colleague.")
    return _settle(connection, act, at, state="agreed", second=officer, agreed_at=at)


def return_bulk(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> Bulk:
    """Say no to a proposal, or take one's own back: its cases are open again."""
    found = _settle(connection, act, at, state="returned", settled_at=at)
    _reopen(connection, act, officer, at)
    return found


def undo_bulk(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> Bulk:
    """Undo an act that was agreed to, within its half hour: its cases are open again, and nothing was delivered.

    Raises:
        NotAllowedError: it is too late, or it is not one that was agreed to.
    """
    if act.agreed_at is None or at >= act.agreed_at + TIME_TO_UNDO:
        raise NotAllowedError(f"Act {act.id} can no longer be undone: open a review of each case that is wrong.")
    found = _settle(connection, act, at, state="undone", settled_at=at)
    _reopen(connection, act, officer, at)
    tell_officer(connection, act.officer, act.cases[0], "undone", officer, at)
    return found


def carry_out_agreed(engine: Engine, now: dt.datetime) -> dict[int, tuple[int, int]]:
    """Make the decisions of every act whose half hour is over: run often; by act, how many were done and were left.

    A case that changed meanwhile (its citizen said no, its amount is another one) is left: it is open again, for one
    officer to look at.
    """
    with engine.begin() as connection:
        over = (bulk_act.c.state == "agreed") & (bulk_act.c.agreed_at <= now - TIME_TO_UNDO)
        numbers = connection.execute(select(bulk_act.c.id).where(over).order_by(bulk_act.c.id)).scalars().all()
    done: dict[int, tuple[int, int]] = {}
    for number in numbers:
        with engine.begin() as connection:
            mine = select(bulk_act.c.id).where(bulk_act.c.id == number, bulk_act.c.state == "agreed")
            if connection.execute(mine.with_for_update(skip_locked=True)).first() is None:
                continue
            act = read_bulk(connection, number)
            outcomes = [_carry_out(connection, act, item, now) for item in _items(connection, number)]
            _settle(connection, act, now, state="carried_out", settled_at=now)
            done[number] = (sum(outcomes), len(outcomes) - sum(outcomes))
    return done


def _carry_out(connection: Connection, act: Bulk, item: Row[tuple[object, ...]], now: dt.datetime) -> bool:
    case = read_case(connection, item.case_file)
    done = False
    if case.state == "proposed" and case.revision == item.revision and act.second is not None:
        savepoint = connection.begin_nested()
        try:
            for officer in (act.officer, act.second):
                _note_view(connection, case, officer, act.verdict, now)
            made = propose_for_bulk(connection, case, act.officer, act.verdict, act.id, now)
            put_in_force(connection, case, made, act.second, now)
            savepoint.commit()
            done = True
        except CaseworkError:
            savepoint.rollback()
    if not done:
        _reopen_one(connection, case, (Actor.SYSTEM, "bulk"), now)
    connection.execute(
        update(bulk_item)
        .where(bulk_item.c.bulk_act == act.id, bulk_item.c.case_file == case.id)
        .values(outcome="done" if done else "left")
    )
    return done


def _note_view(connection: Connection, case: Case, officer: str, verdict: Verdict, at: dt.datetime) -> None:
    """Both looked at all of them as one: that is their view of each, and no recommendation was shown for any."""
    if not has_view(connection, case.id, officer):
        view = View.ASK if verdict is Verdict.ASK else View.GRANT
        connection.execute(insert(provisional_view).values(case_file=case.id, officer=officer, view=view, at=at))


def _settle(connection: Connection, act: Bulk, at: dt.datetime, **values: object) -> Bulk:
    with refusals("case", act.cases[0], 0, lambda: (), connection):
        connection.execute(update(bulk_act).where(bulk_act.c.id == act.id).values(values))
    return read_bulk(connection, act.id)


def _reopen(connection: Connection, act: Bulk, officer: str, at: dt.datetime) -> None:
    for number in act.cases:
        _reopen_one(connection, read_case(connection, number), (Actor.OFFICER, officer), at)


def _reopen_one(connection: Connection, case: Case, by: tuple[Actor, str], at: dt.datetime) -> None:
    if case.state == "proposed":
        change_case(connection, case, "reopened", by, at, {"state": "open", **CLEARED})


def _items(connection: Connection, number: int) -> Sequence[Row[tuple[object, ...]]]:
    query = select(bulk_item).where(bulk_item.c.bulk_act == number).order_by(bulk_item.c.case_file)
    return cast(Sequence[Row[tuple[object, ...]]], connection.execute(query).all())
