"""Accounts: three administrators who watch each other, and what PostgreSQL refuses whatever a query says."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serving.access.accounts import (
    INSTALLATION,
    Posting,
    assign,
    end_assignment,
    install_staff,
    make_staff,
    move_staff,
    post_staff,
    set_in_service,
)
from serving.access.actors import Assignment
from serving.access.errors import RolesClashError
from serving.access.roles import STAFF, Role
from serving.store.server import EmbeddedServer
from tests.casework_world import owner_engine
from tests.unit.serving.access.conftest import a_login
from tests.unit.serving.access.requests_at_random import NOW


@pytest.mark.parametrize("pair", list(itertools.combinations(sorted(STAFF), 2)), ids="+".join)
def test_code_and_database_refuse_the_same_roles_together(connection: Connection, pair: tuple[Role, Role]) -> None:
    business = {Role.CASEWORKER, Role.SUPERVISOR, Role.POLICY}
    put = text("UPDATE staff_account SET roles = :roles, changed_by = 'security_admin' WHERE id = 'caseworker'")
    if set(pair) <= business:
        post_staff(connection, "caseworker", Posting(frozenset(pair), "11"), "security_admin", NOW)
        return
    with pytest.raises(RolesClashError):
        post_staff(connection, "caseworker", Posting(frozenset(pair), "11"), "security_admin", NOW)
    with pytest.raises(DBAPIError, match="roles_that_stand_alone"):
        connection.execute(put, {"roles": [str(role) for role in pair]})


def test_even_the_owner_of_the_tables_cannot_join_two_administrators(server: EmbeddedServer, engine: Engine) -> None:
    owner = owner_engine(server)
    with owner.connect() as connection, pytest.raises(DBAPIError, match="roles_that_stand_alone"):
        connection.execute(
            text(
                "UPDATE staff_account SET roles = '{system_admin,audit_admin}', changed_by = 'security_admin' "
                "WHERE id = 'system_admin'"
            )
        )
    owner.dispose()


def test_one_administrator_makes_an_account_and_another_gives_it_rights(connection: Connection) -> None:
    make_staff(connection, "new", a_login("new"), "区民政局", "11", "system_admin", NOW)
    post_staff(
        connection, "new", Posting(frozenset({Role.CASEWORKER}), "111", frozenset({"b1"})), "security_admin", NOW
    )
    made = text("SELECT roles, epoch FROM staff_account WHERE id = 'new'")
    assert connection.execute(made).one() == (["caseworker"], 1)
    recorded = text("SELECT action, actor FROM audit_intent WHERE object_id = 'new' ORDER BY id")
    assert connection.execute(recorded).all() == [
        ("account:made", "system_admin"),
        ("account:rights_changed", "security_admin"),
    ]


@pytest.mark.parametrize("by", ["system_admin", "audit_admin", "supervisor", "operator", INSTALLATION, "nobody"])
def test_nobody_else_gives_rights(connection: Connection, by: str) -> None:
    with pytest.raises(DBAPIError, match="given rights by a security administrator"):
        post_staff(connection, "caseworker", Posting(frozenset({Role.SUPERVISOR}), "1"), by, NOW)


@pytest.mark.parametrize("by", ["security_admin", "audit_admin", "supervisor", INSTALLATION])
def test_nobody_else_makes_accounts(connection: Connection, by: str) -> None:
    with pytest.raises(DBAPIError, match="made by a system administrator"):
        make_staff(connection, "new", a_login("new"), "区民政局", "11", by, NOW)


def test_the_installation_makes_no_accounts_once_there_is_a_security_administrator(connection: Connection) -> None:
    with pytest.raises(DBAPIError, match="made by a system administrator"):
        install_staff(connection, [("late", a_login("late"), "区民政局", Posting(frozenset({Role.POLICY}), "1"))], NOW)


def test_nobody_changes_or_assigns_themselves(connection: Connection) -> None:
    with pytest.raises(DBAPIError, match="nobody_changes_their_own"), connection.begin_nested():
        move_staff(connection, "security_admin", "1", "security_admin", NOW)
    with pytest.raises(DBAPIError, match="nobody_assigns_themselves"):
        assign(connection, "supervisor", Assignment("1", "*"), "supervisor", NOW)


def test_two_accounts_in_service_are_not_one_persons(connection: Connection) -> None:
    mine = Posting(frozenset({Role.POLICY}), "11", frozenset({"b1"}), "person:p9")
    post_staff(connection, "policy", mine, "security_admin", NOW)
    with pytest.raises(DBAPIError, match="staff_account_of_person"):
        post_staff(connection, "auditor", Posting(frozenset({Role.AUDITOR}), "1", person="person:p9"),
                   "security_admin", NOW)  # fmt: skip


def test_an_assignment_ends_once_and_is_never_edited(connection: Connection) -> None:
    number = assign(connection, "supervisor", Assignment("11", "b1"), "security_admin", NOW)
    end_assignment(connection, number, "security_admin", NOW)
    end_assignment(connection, number, "system_admin", NOW)
    ended = connection.execute(text("SELECT ended_by FROM assignment WHERE id = :id"), {"id": number}).scalar_one()
    assert ended == "security_admin"
    for column in ("district", "officer", "given_by"):
        with pytest.raises(DBAPIError, match="permission denied"), connection.begin_nested():
            connection.execute(text(f"UPDATE assignment SET {column} = 'x' WHERE id = :id"), {"id": number})


def test_out_of_service_and_back_is_another_epoch(connection: Connection) -> None:
    set_in_service(connection, "caseworker", "system_admin", NOW, active=False)
    set_in_service(connection, "caseworker", "security_admin", NOW, active=True)
    row = connection.execute(text("SELECT state, epoch FROM staff_account WHERE id = 'caseworker'")).one()
    assert row == ("active", 2)
