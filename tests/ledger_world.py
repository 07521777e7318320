"""A ledger in which things happened, for tests."""

from __future__ import annotations

import datetime as dt

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from serving.ledger.intents import intend
from serving.ledger.sealing import Signer
from tests.casework_world import MORNING

SIGNER = Signer("ledger.test", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def things_happen(engine: Engine, many: int, at: dt.datetime = MORNING) -> None:
    """So many events, in one transaction."""
    with engine.begin() as connection:
        for number in range(many):
            intend(connection, "offer:shown", "system", "test", "entitlement", str(number), {"number": number}, at)
