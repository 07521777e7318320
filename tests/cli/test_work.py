"""`applyfree work`: what an installation does by itself between two sweeps."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from serving import clock
from serving.access.login.attempts import keep_attempt
from serving.access.login.flow import Attempt
from serving.casework.bulk import agree_to_bulk, open_singly, propose_bulk
from serving.casework.bulk_acts import read_bulk
from serving.casework.bulk_preview import preview
from serving.casework.clocks import Kind
from serving.casework.review import Verdict
from serving.casework.states import State
from serving.commands.ledger import LEDGER_KEY
from serving.outbox.subscribers import note_change
from serving.security.secrets import DCI_SIGNING, open_secrets
from serving.store.server import EmbeddedServer
from tests.cases_world import ANN, BEN, a_case, in_review
from tests.casework_world import MORNING, an_entitlement, casework_database, count, moved
from tests.cli.shell import applyfree
from tests.delivery_sink import Sink, served, states
from tests.subscribers_world import in_force, subscribe


@pytest.fixture
def engine(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    monkeypatch.setenv("APPLYFREE_DATABASE_URL", server.url)
    monkeypatch.setenv("APPLYFREE_LOG", str(tmp_path / "log.jsonl"))
    with casework_database(server) as engine:
        yield engine


def test_what_time_brings_about_is_done(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        offers = {"p0": "advanced_age_allowance", "p1": "childcare_subsidy", "p2": "a_benefit_of_last_year"}
        for subject, benefit in offers.items():
            offered = moved(connection, an_entitlement(connection, subject, benefit=benefit), State.OFFERED)
            connection.execute(
                text("UPDATE entitlement SET next_step_at = :at WHERE id = :id"), {"at": MORNING, "id": offered.id}
            )
        a_case(connection, kind=Kind.REVIEW)
        began = MORNING - dt.timedelta(minutes=10)
        keep_attempt(connection, Attempt("s" * 43, "n" * 43, "v" * 43, MORNING), began)
    done = applyfree("work", "--once")
    assert done.status == 0
    with engine.connect() as connection:
        # As the operating terms say: nobody need answer for the one, the other stays open.
        assert count(connection, "entitlement", "state = 'review' AND subject = 'p0'") == 1
        assert count(connection, "entitlement", "state = 'silent' AND subject = 'p1'") == 1
        # Of what the catalogue does not have any more nothing is assumed: it waits, and does not stop the others.
        assert count(connection, "entitlement", "state = 'offered' AND subject = 'p2'") == 1
        assert count(connection, "case_file", "escalation >= 1") == 1
        assert count(connection, "login_attempt") == 0
    events = (tmp_path / "log.jsonl").read_text()
    assert "task_failed" not in events
    assert all(event in events for event in ("time_passed", "cases_escalated"))


def test_departments_on_the_list_are_told_of_another_catalogue(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_secrets(tmp_path / "secrets", makes_missing=True, also=[DCI_SIGNING])
    sink = Sink()
    with served(sink) as url:
        monkeypatch.setenv("APPLYFREE_OUTBOUND", url.rstrip("/"))
        in_force(engine, "1")
        with engine.begin() as connection:
            note_change(connection, clock.now())
            subscribe(connection, url)
        in_force(engine, "2")
        assert applyfree("work", "--once").status == 0
    assert list(sink.effects.values()) == [1]
    assert states(engine) == {"sent": 1}
    monkeypatch.setenv("APPLYFREE_OUTBOUND", "somebody@a.place:443")
    refused = applyfree("work", "--once")
    assert (refused.status, "APPLYFREE_OUTBOUND" in refused.err) == (2, True)


def test_what_two_people_agreed_to_for_many_is_carried_out_half_an_hour_later(engine: Engine, tmp_path: Path) -> None:
    now = clock.now()
    with engine.begin() as connection:
        acts = [an_agreed_act(connection, name, now - dt.timedelta(minutes=ago)) for name, ago in (("a", 31), ("b", 5))]
    assert applyfree("work", "--once").status == 0
    with engine.connect() as connection:
        assert [read_bulk(connection, number).state for number in acts] == ["carried_out", "agreed"]
        assert count(connection, "entitlement", "state = 'offered'") == 3
    assert "many_carried_out" in (tmp_path / "log.jsonl").read_text()


def an_agreed_act(connection: Connection, name: str, at: dt.datetime) -> int:
    numbers = [a_case(connection, in_review(connection, f"{name}{one}"), at=at).id for one in range(3)]
    act = propose_bulk(connection, preview(connection, numbers, Verdict.OFFER, at), ANN, random.Random(1), at)
    for case in act.drawn:
        open_singly(connection, act, case, ANN, at)
    return agree_to_bulk(connection, act, BEN, at).id


def test_with_a_database_of_its_own_it_makes_its_key_and_seals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    monkeypatch.delenv("APPLYFREE_DATABASE_URL", raising=False)
    monkeypatch.delenv("APPLYFREE_SECRETS", raising=False)
    for _ in range(2):
        done = applyfree("work", "--once")
        assert (done.status, done.err) == (0, "")
    folder = tmp_path / "secrets"
    assert (folder / LEDGER_KEY).stat().st_mode & 0o777 == 0o600
    assert LEDGER_KEY in open_secrets(folder, makes_missing=False).names()
    checkpoints = (tmp_path / "ledger" / "checkpoints.jsonl").read_text().splitlines()
    assert len(checkpoints) == 1


def test_help_says_that_citizens_are_sent_nothing() -> None:
    done = applyfree("work", "--help")
    assert "To citizens nothing is sent" in done.out
