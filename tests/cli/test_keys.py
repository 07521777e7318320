"""`applyfree keys`: a service does not start with unsafe secrets, and keys are replaced by one command."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.senders import read_senders
from serving.security.fields.cipher import FieldCipher, Place
from serving.security.fields.keyring import KeyRing, Owner
from serving.security.secrets import DCI_SIGNING, make_key, open_secrets
from serving.security.signing import signed
from serving.store import migrate
from serving.store.database import connect
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.cli.shell import applyfree

NOBODY = "postgresql://nobody@localhost:1/none"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    monkeypatch.setenv("APPLYFREE_SECRETS", str(tmp_path / "secrets"))
    return tmp_path / "secrets"


def test_the_embedded_home_makes_its_keys_and_finds_them_safe(secrets: Path) -> None:
    done = applyfree("keys", "check")
    assert (done.status, done.out.splitlines()[0]) == (0, "blind-index: safe")
    assert (secrets / "field-kek.1").read_text().strip() not in done.out


def test_departments_are_given_the_public_half_of_the_key_that_signs(secrets: Path) -> None:
    done = applyfree("keys", "public")
    assert applyfree("keys", "public").out == done.out
    key = Ed25519PrivateKey.from_private_bytes(open_secrets(secrets, makes_missing=False).key(DCI_SIGNING))
    named = secrets.parent / "senders.yaml"
    (secrets.parent / "applyfree.pem").write_text(done.out)
    named.write_text("senders:\n  - sender: applyfree\n    key: applyfree.pem\n")
    message = signed(key, {"header": {"sender_id": "applyfree"}, "message": {"said": 1}})
    assert read_senders(named).why_refused("applyfree", message) is None


def test_a_service_of_a_named_server_refuses_default_keys(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    applyfree("keys", "check")
    monkeypatch.setenv("APPLYFREE_DATABASE_URL", NOBODY)
    assert applyfree("keys", "check").status == 0
    default = base64.b64encode(b"applyfree-default-secret-key-001").decode()
    (secrets / "csrf").write_text(default)
    (secrets / "session").chmod(0o644)
    (secrets / "blind-index").unlink()
    done = applyfree("keys", "check")
    assert done.status == 1
    for told in ("csrf: it was not made by chance", "session: others may read", "blind-index: it is missing"):
        assert told in done.err
    assert default not in done.err
    assert not (secrets / "blind-index").exists()


def test_keys_are_replaced(secrets: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    held = open_secrets(secrets, makes_missing=True).versions("field-kek")
    with connect(server.url) as session:
        migrate.migrate(session)
    engine = open_engine(server.url)
    place = Place("contact", "phone", (1,))
    with engine.begin() as connection:
        stored = FieldCipher(KeyRing(held)).encrypt(connection, Owner("person", "p-mei"), place, "13800138000")
    monkeypatch.setenv("APPLYFREE_DATABASE_URL", server.url)
    make_key(secrets, "field-kek.2")
    done = applyfree("keys", "rotate", "kek")
    assert "1 data keys are wrapped anew. Still needed: field-kek.2." in done.out
    assert "1 data keys are replaced, 0 fields encrypted anew" in applyfree("keys", "rotate", "data").out
    (secrets / "field-kek.1").unlink()
    newest = FieldCipher(KeyRing(open_secrets(secrets, makes_missing=False).versions("field-kek")))
    with engine.begin() as connection:
        assert newest.decrypt(connection, place, stored) == "13800138000"
    engine.dispose()
