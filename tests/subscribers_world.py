"""A catalogue in force, and departments that subscribed to its changes."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, Engine, insert, text

from serving.store.tables.api import subscription
from serving.store.tables.dossiers import dossier_state
from tests.casework_world import MORNING


def in_force(engine: Engine, rulebook: str) -> int:
    """Another sweep is complete and served, under a rulebook of this digit."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL ROLE NONE"))
        values = {"of": rulebook * 64, "at": MORNING}
        connection.execute(text("INSERT INTO rulebook VALUES (:of, 'cn', '{}') ON CONFLICT DO NOTHING"), values)
        number = connection.execute(
            text(
                "INSERT INTO sweep (jurisdiction, on_date, known_at, rulebook, is_full, base, state, subjects, "
                "population, started_at, completed_at) SELECT 'cn', '2026-03-02', :at, :of, true, max(id), 'complete',"
                "1, 1, :at, :at FROM sweep RETURNING id"
            ),
            values,
        ).scalar_one()
        connection.execute(text("DELETE FROM dossier_state"))
        row = {"sweep": number, "on_date": MORNING.date(), "known_at": MORNING, "rulebook": rulebook * 64}
        connection.execute(insert(dossier_state).values(**row, is_complete=True))
        return int(number)


def subscribe(connection: Connection, url: str, sender: str = "civil_affairs") -> uuid.UUID:
    number = uuid.uuid4()
    row = {"id": number, "sender": sender, "event": "catalogue_changed", "notify_url": url, "made_at": MORNING}
    connection.execute(insert(subscription).values(row))
    return number
