"""三员: accounts are made by the first, given rights by the second, and the third watches both."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import select, text

from serving.access import accounts
from serving.access.accounts import Login, Posting
from serving.access.actions import Action
from serving.access.actors import Assignment, Target
from serving.access.errors import RolesClashError
from serving.access.roles import Role
from serving.access.sessions import end_sessions_of
from serving.api.pages import CursorQuery, LimitQuery, cursor_of, read_cursor
from serving.api.problems import ProblemError, not_found
from serving.api.routes.citizen_offers import Number
from serving.api.schemas.administration import (
    AccountIn,
    AccountOut,
    AccountsOut,
    AdminEventOut,
    AdminLogOut,
    AlarmOut,
    AlarmsOut,
    AssignmentIn,
    AssignmentOut,
    PostingIn,
    StateIn,
)
from serving.api.schemas.answers import Done
from serving.api.visits import IdempotencyKey, Visit, Visiting, serve
from serving.store.tables.access import assignment, read_alarm, staff_account

router = APIRouter(prefix="/admin", tags=["administration"])
AccountPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9._@-]{1,100}$", examples=["officer-ann"])]


@serve(router, "GET", "/accounts", AccountsOut, personal=False)
def all_accounts(visit: Visiting, limit: LimitQuery = 20, cursor: CursorQuery = None) -> AccountsOut:
    """Accounts of staff: their office and rights, not who they are."""
    visit.allow(Action.ACCOUNT_READ)
    place = read_cursor(cursor, str)
    after = "" if place is None else str(place[0])
    of = staff_account.c
    rows = visit.connection.execute(select(staff_account).where(of.id > after).order_by(of.id).limit(limit)).all()
    told = [
        AccountOut(
            account=row.id, roles=[Role(role) for role in row.roles], district=row.district,
            programmes=row.programmes, office=row.office, state=row.state,
        )
        for row in rows
    ]  # fmt: skip
    return AccountsOut(accounts=told, next=cursor_of(told[-1].account) if len(told) == limit else None)


@serve(router, "POST", "/accounts", Done, personal=False, status=201)
def make(visit: Visiting, body: AccountIn, key: IdempotencyKey) -> Done:
    """A new account without any right: those the security administrator gives."""
    visit.allow(Action.ACCOUNT_MAKE, Target(account=body.account))
    taken = select(staff_account.c.id).where(
        (staff_account.c.id == body.account)
        | ((staff_account.c.issuer == body.issuer) & (staff_account.c.login_subject == body.login))
    )
    if visit.connection.execute(taken).first() is not None:
        raise ProblemError(409, "account_taken", "There is an account of this name, or with this login.")
    login = Login(body.issuer, body.login)
    by = visit.actor.account
    accounts.make_staff(visit.connection, body.account, login, body.office, body.district, by, visit.now)
    return Done(done="made")


@serve(router, "PUT", "/accounts/{account}/state", Done, personal=False)
def set_state(visit: Visiting, account: AccountPath, body: StateIn, key: IdempotencyKey) -> Done:
    """Take an account out of service, or back: its sessions die with it at once."""
    _known(visit, account, Action.ACCOUNT_DISABLE)
    accounts.set_in_service(visit.connection, account, visit.actor.account, visit.now, active=body.active)
    return Done(done="in_service" if body.active else "out_of_service")


@serve(router, "PUT", "/accounts/{account}/posting", Done, personal=False)
def post(visit: Visiting, account: AccountPath, body: PostingIn, key: IdempotencyKey) -> Done:
    """Roles, district and programmes; they hold from the next request on."""
    _known(visit, account, Action.ROLES_CHANGE)
    posting = Posting(frozenset(body.roles), body.district, frozenset(body.programmes), body.person)
    try:
        accounts.post_staff(visit.connection, account, posting, visit.actor.account, visit.now)
    except RolesClashError as error:
        raise ProblemError(422, "roles_clash", str(error)) from error
    return Done(done="posted")


@serve(router, "POST", "/accounts/{account}/assignments", AssignmentOut, personal=False, status=201)
def assign(visit: Visiting, account: AccountPath, body: AssignmentIn, key: IdempotencyKey) -> AssignmentOut:
    """Give work to an officer."""
    _known(visit, account, Action.ASSIGNMENT_CHANGE)
    of = assignment.c
    held = (of.officer == account, of.district == body.district, of.programme == body.programme, of.ended_at.is_(None))
    if visit.connection.execute(select(of.id).where(*held)).first() is not None:
        raise ProblemError(409, "assigned_already", "The officer has this work already.")
    work = Assignment(body.district, body.programme)
    return AssignmentOut(assignment=accounts.assign(visit.connection, account, work, visit.actor.account, visit.now))


@serve(router, "DELETE", "/assignments/{number}", Done, personal=False)
def end_assignment(visit: Visiting, number: Number, key: IdempotencyKey) -> Done:
    """Take work from an officer."""
    of = assignment.c
    query = select(of.officer).where(of.id == number, of.ended_at.is_(None))
    officer = visit.connection.execute(query).scalar_one_or_none()
    visit.allow(Action.ASSIGNMENT_CHANGE, Target(account=officer or "nobody"))
    if officer is None:
        raise not_found()
    accounts.end_assignment(visit.connection, number, visit.actor.account, visit.now)
    return Done(done="ended")


@serve(router, "DELETE", "/accounts/{account}/sessions", Done, personal=False)
def end_sessions(visit: Visiting, account: AccountPath, key: IdempotencyKey) -> Done:
    """End every session of an account."""
    _known(visit, account, Action.SESSION_END)
    end_sessions_of(visit.connection, account, visit.now)
    return Done(done="ended")


@serve(router, "GET", "/log", AdminLogOut, personal=False)
def log(visit: Visiting, limit: LimitQuery = 20, cursor: CursorQuery = None) -> AdminLogOut:
    """What administrators did with accounts and work, newest first."""
    visit.allow(Action.ADMIN_LOG_READ)
    place = read_cursor(cursor, int)
    before = 2**62 if place is None else place[0]
    rows = visit.connection.execute(_LOG, {"before": before, "limit": limit}).all()
    told = [
        AdminEventOut(number=row.id, action=row.action, actor=row.actor, object=row.object_id, at=row.at)
        for row in rows
    ]
    return AdminLogOut(events=told, next=cursor_of(told[-1].number) if len(told) == limit else None)


@serve(router, "GET", "/alarms", AlarmsOut, personal=False)
def alarms(visit: Visiting) -> AlarmsOut:
    """Who read too many strangers, newest first."""
    visit.allow(Action.ALARM_READ)
    rows = visit.connection.execute(select(read_alarm).order_by(read_alarm.c.raised_at.desc()).limit(100)).all()
    told = [
        AlarmOut(
            alarm=row.id, account=row.account, strangers=row.strangers, raised_at=row.raised_at,
            answered=row.answered_at is not None,
        )
        for row in rows
    ]  # fmt: skip
    return AlarmsOut(alarms=told)


def _known(visit: Visit, account: str, action: Action) -> None:
    visit.allow(action, Target(account=account))
    found = visit.connection.execute(select(staff_account.c.id).where(staff_account.c.id == account)).first()
    if found is None:
        raise not_found()


_LOG = text("""
    SELECT id, action, actor, object_id, at FROM audit_intent
    WHERE (action LIKE 'account:%' OR action LIKE 'assignment:%') AND id < :before ORDER BY id DESC LIMIT :limit
""")
