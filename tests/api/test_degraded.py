"""G15, F19: what an answer stands on is really taken away, part by part: nobody's answer changes, nothing opens."""

from __future__ import annotations

import datetime as dt
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from serving import clock
from serving.access.accounts import Login, make_citizen
from serving.access.cookies import SESSION_COOKIE
from serving.access.login.tokens import Identity
from serving.access.sessions import open_session
from serving.app import Opened, open_app
from serving.store.engine import Role, open_engine
from tests.online_servers import redis_server

ORIGIN = "https://applyfree.test"
ISSUER = "https://provider.test"


@dataclass(slots=True)
class Standing:
    """The application with all it stands on, and a citizen's browser."""

    opened: Opened
    browser: TestClient

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 (what httpx takes)
        """One request, for which everything is looked at anew."""
        self.opened.parts.health._looked = self.opened.parts.health._asked = None
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer: httpx.Response = self.browser.request(method, f"/api/v1{path}", headers=headers, **more)
        return answer

    def banners(self) -> list[str]:
        return [one["code"] for one in self.ask("GET", "/me/benefits").json()["banners"]]

    def benefits(self) -> object:
        answer = self.ask("GET", "/me/benefits")
        assert answer.status_code == 200, answer.text
        return answer.json()["benefits"]


@contextmanager
def a_redis(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis to be killed."""
    place = folder / "redis.sock"
    command = [redis_server(), "--port", "0", "--unixsocket", str(place), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while not place.exists():
        assert process.poll() is None
        time.sleep(0.01)
    try:
        yield f"unix://{place}", process
    finally:
        process.kill()
        process.wait()


@contextmanager
def standing(home: Path, account: str) -> Iterator[Standing]:
    """As `applyfree serve` puts it together."""
    with open_app(home, [ORIGIN]) as opened:
        with opened.parts.engine.begin() as connection:
            person = connection.execute(text("SELECT min(id) FROM standing WHERE kind = 'person'")).scalar_one()
            make_citizen(connection, account, Login(ISSUER, account), "person", person)
            session = open_session(connection, Identity(ISSUER, account, False), clock.now())
        with TestClient(opened.app, base_url=ORIGIN, raise_server_exceptions=False) as browser:
            browser.cookies.set(SESSION_COOKIE, session)
            browser.headers["X-CSRF-Token"] = opened.parts.tokens.make(session)
            browser.headers["Origin"] = ORIGIN
            yield Standing(opened, browser)


@pytest.fixture
def home(swept_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APPLYFREE_HOME", str(swept_home))
    for name in ("APPLYFREE_DATABASE_URL", "APPLYFREE_ISSUER", "APPLYFREE_LOCAL_ISSUER", "APPLYFREE_SECRETS"):
        monkeypatch.delenv(name, raising=False)
    return swept_home


def test_the_models_are_away(home: Path) -> None:
    (home / "models" / "verified" / "one").mkdir(parents=True)
    with standing(home, "m") as of:
        before = of.benefits()
        assert of.banners() == []
        (home / "models").rename(home / "models.away")
        try:
            assert of.banners() == ["model_registry_down"]
            assert of.benefits() == before
        finally:
            (home / "models.away").rename(home / "models")
        assert of.banners() == []


def test_redis_is_killed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are counted in this process from then on: nobody may ask without limit."""
    with a_redis(tmp_path) as (url, process):
        monkeypatch.setenv("APPLYFREE_REDIS_URL", url)
        with standing(home, "r") as of:
            before = of.benefits()
            assert of.banners() == []
            process.kill()
            process.wait()
            assert of.banners() == ["redis_down"]
            assert of.benefits() == before
            said = [of.ask("GET", "/me/wishes").status_code for _ in range(125)]
            assert said[0] == 200
            assert said[-1] == 429


def test_the_online_stores_server_is_away(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_redis(tmp_path) as (url, process):
        monkeypatch.setenv("APPLYFREE_ONLINE_STORE", url)
        with standing(home, "o") as of:
            before = of.benefits()
            assert of.banners() == []
            process.kill()
            process.wait()
            assert of.banners() == ["feature_store_down"]
            assert of.benefits() == before


def test_nothing_is_sealed(home: Path) -> None:
    """Everything can be read and nothing changed, but for asking for a person; no case, move or limit comes of it."""
    with standing(home, "l") as of:
        before = of.benefits()
        owner = open_engine(of.opened.server.url, Role.OWNER)
        with owner.begin() as connection:
            query = (
                "INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at) "
                "VALUES ('test:old', 'system', 'test', 'test', '1', '{}', :at)"
            )
            connection.execute(text(query), {"at": clock.now() - dt.timedelta(minutes=16)})
            moves = connection.execute(text("SELECT count(*) FROM move")).scalar_one()
        refused = of.ask("POST", "/me/offers/1/confirm")
        assert refused.status_code == 503, refused.text
        assert refused.json()["type"].endswith("read_only")
        assert of.banners() == ["ledger_down"]
        assert of.benefits() == before
        assert of.ask("POST", "/me/person", json={}).status_code == 200
        with owner.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM move")).scalar_one() == moves
        owner.dispose()
