"""Cases to work on, for tests: officers, districts, and words that are really sealed."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Connection

from serving.casework.cases import Case, Subject, open_case, read_case
from serving.casework.clocks import Kind, shipped_clocks
from serving.casework.decisions import Decision, Judgement, agree_as_second, decide
from serving.casework.leases import claim
from serving.casework.moves import Entitlement, make_move, read_entitlement
from serving.casework.queues import Desk
from serving.casework.review import View, record_view
from serving.casework.sealing import OwnWords
from serving.casework.states import Actor, State
from serving.security.fields.cipher import Place
from tests.casework_world import MORNING, SYSTEM, an_entitlement

CLOCKS = shipped_clocks()
DISTRICT = "110101"
DESK = Desk(frozenset({DISTRICT}))
ANN, BEN, CAI, SUE = "officer-ann", "officer-ben", "officer-cai", "supervisor-sue"
REGISTER_OFFICE = (Actor.SYSTEM, "test")
_KEY = AESGCM(bytes(range(32)))


def seal(text: str, column: Column[Any], row: Mapping[str, Any]) -> bytes:
    """AES-GCM, for one place."""
    nonce = os.urandom(12)
    return nonce + _KEY.encrypt(nonce, text.encode(), str(Place.of(column, row)).encode())


def unseal(sealed: bytes, column: Column[Any], row: Mapping[str, Any]) -> str:
    """The other way."""
    return _KEY.decrypt(sealed[:12], sealed[12:], str(Place.of(column, row)).encode()).decode()


SAID = OwnWords("这是我说的", seal)
"""What a citizen said."""


def later(at: dt.datetime = MORNING, **span: float) -> dt.datetime:
    """So long afterwards."""
    return at + dt.timedelta(**span)


def in_review(connection: Connection, subject: str = "p1", **of: object) -> Entitlement:
    """An entitlement that a human judges."""
    found = an_entitlement(connection, subject, **of)  # type: ignore[arg-type]
    return make_move(connection, found, State.REVIEW, SYSTEM, MORNING)


def a_case(
    connection: Connection,
    of: Entitlement | None = None,
    *,
    kind: Kind = Kind.REVIEW,
    at: dt.datetime = MORNING,
    subject: str = "p1",
    district: str = DISTRICT,
    hardship: bool = False,
    priority: float | None = None,
    benefit: str | None = "advanced_age_allowance",
) -> Case:
    """A case, about an entitlement or about none."""
    if of is None:
        whose = Subject("person", subject, district, benefit)
    else:
        whose = Subject(of.kind, of.subject, of.district, of.benefit, of.id)
    why = [{"code": "discretion_full"}]
    return open_case(connection, kind, whose, why, REGISTER_OFFICE, at, CLOCKS, hardship=hardship, priority=priority)


def taken_up(connection: Connection, case: Case, officer: str = ANN, view: View = View.UNSURE) -> Case:
    """In an officer's hands, their view recorded."""
    case = claim(connection, read_case(connection, case.id), officer, MORNING)
    record_view(connection, case, officer, view, MORNING)
    return case


def decided(connection: Connection, case: Case, judgement: Judgement, officer: str = ANN) -> Decision:
    """Taken up and decided by one officer."""
    found = taken_up(connection, case, officer)
    return decide(connection, found, officer, judgement, seal, CLOCKS, MORNING)


def agreed(connection: Connection, made: Decision, officer: str = BEN) -> Decision:
    """A second person looks for themself, and agrees."""
    case = taken_up(connection, read_case(connection, made.case), officer)
    return agree_as_second(connection, case, made, officer, MORNING)


def state_of(connection: Connection, of: Entitlement) -> State:
    """Where it stands now."""
    return read_entitlement(connection, of.id).state
