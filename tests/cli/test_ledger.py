"""`applyfree ledger` and `applyfree work`, as a person meets them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import text

from serving.ledger.checkpoints import read_published
from serving.ledger.intents import record_sweep
from serving.security.secrets import DCI_SIGNING, open_secrets
from serving.store.database import connect
from serving.store.engine import Role, open_engine
from serving.store.server import EmbeddedServer
from tests.casework_world import casework_database
from tests.cli.shell import applyfree

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@pytest.fixture
def home(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with a key, and a database in which three things happened."""
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    monkeypatch.setenv("APPLYFREE_DATABASE_URL", server.url)
    monkeypatch.setenv("APPLYFREE_LOG", "")
    key = Ed25519PrivateKey.generate()
    open_secrets(tmp_path / "secrets", makes_missing=True, also=[DCI_SIGNING])
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "secrets" / "ledger-pem").write_bytes(pem)
    (tmp_path / "secrets" / "ledger-pem").chmod(0o600)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    with casework_database(server) as engine:
        with engine.begin() as connection:
            for sweep in range(3):
                record_sweep(connection, sweep, "0" * 64, {"subjects": 100 + sweep}, NOW)
        yield tmp_path


def test_what_was_sealed_is_verified_and_an_edit_is_named(home: Path, server: EmbeddedServer) -> None:
    done = applyfree("ledger", "seal")
    assert done.status == 0, done.err
    assert done.out.startswith("3 leaves sealed; checkpoints in ")
    elsewhere = home / "kept_by_others.jsonl"
    elsewhere.write_bytes((home / "ledger" / "checkpoints.jsonl").read_bytes())
    arguments = ("ledger", "verify", "--checkpoints", elsewhere, "--key", home / "public.pem")
    done = applyfree(*arguments)
    assert (done.status, done.err) == (0, "")
    assert "3 leaves, 3 of them vouched for by 1 published checkpoints: nothing was altered." in done.out
    owner = open_engine(server.url, Role.OWNER)
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE audit_intent SET actor = 'nobody' WHERE object_id = '1'"))
    owner.dispose()
    done = applyfree(*arguments)
    assert done.status == 1
    assert "altered at index 1: the event is not what this leaf sealed. The first 0 leaves are sound" in done.err


def test_without_checkpoints_or_key_nothing_is_said(home: Path) -> None:
    done = applyfree("ledger", "verify")
    assert done.status == 2
    assert "holds no checkpoint" in done.err
    assert applyfree("ledger", "seal").status == 0
    (home / "secrets" / "ledger-pem").write_text("no key")
    done = applyfree("ledger", "verify")
    assert done.status == 2
    assert "holds no Ed25519 key" in done.err
    (home / "secrets" / "ledger-pem").unlink()
    done = applyfree("ledger", "verify")
    assert done.status == 2
    assert "openssl genpkey" in done.err


def test_work_that_is_due_seals_the_ledger(home: Path) -> None:
    done = applyfree("work", "--once")
    assert (done.status, done.err) == (0, "")
    assert [one.size for one in read_published(home / "ledger" / "checkpoints.jsonl")] == [3]


def test_without_a_key_work_says_what_follows(home: Path) -> None:
    (home / "secrets" / "ledger-pem").unlink()
    done = applyfree("work", "--once")
    assert done.status == 0
    assert "nothing is sealed" in done.err


def test_a_database_that_was_set_back_delivers_nothing_more(home: Path, server: EmbeddedServer) -> None:
    assert applyfree("work", "--once").status == 0
    with casework_database(server):
        applyfree("work", "--once")
        with connect(server.url) as session:
            pressed = session.execute("SELECT scope, cause, pressed_by FROM stop WHERE released_at IS NULL").fetchall()
    assert pressed == [("all", "breaker", "ledger")]
