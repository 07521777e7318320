"""Logins against the local provider over a real socket: one way in, and everything that must not be one."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import html
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection
from starlette.types import Receive, Scope, Send

from serving.access.actions import Action, Purpose
from serving.access.actors import Target
from serving.access.errors import LoginRefusedError, ProviderError
from serving.access.gate import Gate
from serving.access.limits import PASSWORD, Limiter
from serving.access.login.attempts import keep_attempt, take_attempt
from serving.access.login.flow import ATTEMPT_OPEN, Attempt, begin_login, finish_login
from serving.access.login.local.accounts import AccountsFileError, LocalAccount, keep_accounts, make_account
from serving.access.login.local.app import build_provider
from serving.access.login.local.demonstration import CITIZEN_LOGIN, LOGINS, Place, install_demonstration
from serving.access.login.local.issuing import Issuing
from serving.access.login.provider import Client, Provider
from serving.access.login.tokens import read_id_token
from serving.access.sessions import find_session, open_session
from serving.store.database import connect
from serving.store.engine import open_engine
from serving.store.migrate import migrate
from serving.store.server import EmbeddedServer
from tests.unit.serving.access.requests_at_random import AREAS, NOW

CITIZEN = make_account("citizen", second_factor=False)
OFFICER = make_account("officer", second_factor=True)
NONCE = "the nonce of this login"


class Clock:
    """The moment, as a test sets it."""

    now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@dataclass
class World:
    """A provider that runs, and us."""

    client: Client
    issuing: Issuing
    clock: Clock
    http: httpx.Client

    @property
    def provider(self) -> Provider:
        return Provider(self.client, self.http)

    def token(self, **changes: object) -> str:
        """A right token, but for the changes; a claim that is None is left out."""
        now = int(self.clock().timestamp())
        claims: dict[str, object] = {
            "iss": self.client.issuer, "sub": "somebody", "aud": self.client.client_id, "iat": now, "exp": now + 300,
            "nonce": NONCE, **changes,
        }  # fmt: skip
        return self.issuing.sign({name: claim for name, claim in claims.items() if claim is not None})

    def visit(self, address: str, account: LocalAccount, code: str | None = None) -> dict[str, str]:
        """Fill in the provider's forms, as a browser without scripts would; the query it is sent back with."""
        page = self.http.get(address)
        page = self._submit(page, login=account.login, password=account.password)
        if account.totp_key is not None:
            page = self._submit(page, code=code or account.code_at(int(self.clock().timestamp())))
        assert page.status_code == 303, page.status_code
        assert page.headers["location"].startswith(self.client.redirect_uri + "?")
        return {name: found[0] for name, found in parse_qs(urlsplit(page.headers["location"]).query).items()}

    def _submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        return self.http.post(*a_form(page, self.client.issuer), data={**a_visit(page), **fields})


def a_form(page: httpx.Response, issuer: str) -> tuple[str]:
    found = re.search(r'action="([^"]+)"', page.text)
    assert found is not None
    return (issuer + found[1],)


def a_visit(page: httpx.Response) -> dict[str, str]:
    found = re.search(r'name="visit" value="([^"]+)"', page.text)
    assert found is not None
    return {"visit": html.unescape(found[1])}


class Door:
    """What the server serves: each test puts a provider of its own behind it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.app: FastAPI = FastAPI()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        door = Door(f"http://127.0.0.1:{listening.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(door, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield door
        server.should_exit = True
        thread.join()


@pytest.fixture
def world(door: Door) -> Iterator[World]:
    client = Client(door.address, "applyfree", "between the two of us", "http://localhost:8000/login/back")
    clock = Clock()
    door.app, issuing = build_provider(client, [CITIZEN, OFFICER], Limiter(None, b"k"), clock)
    with httpx.Client(trust_env=False) as http:
        yield World(client, issuing, clock, http)


@pytest.mark.parametrize(("account", "strong"), [(CITIZEN, False), (OFFICER, True)], ids=["citizen", "officer"])
def test_a_login(world: World, account: LocalAccount, strong: bool) -> None:
    provider = world.provider
    attempt, address = begin_login(provider, NOW)
    answer = world.visit(address, account)
    found = finish_login(provider, attempt, answer, world.clock())
    assert (found.issuer, found.subject, found.strong) == (world.client.issuer, account.subject, strong)


def test_a_code_is_redeemed_once(world: World) -> None:
    attempt, address = begin_login(world.provider, NOW)
    answer = world.visit(address, CITIZEN)
    finish_login(world.provider, attempt, answer, NOW)
    with pytest.raises(LoginRefusedError, match=r"\(code\)"):
        finish_login(world.provider, attempt, answer, NOW)


ANSWERS: list[tuple[str, Callable[[dict[str, str]], dict[str, str]]]] = [
    ("state", lambda answer: {**answer, "state": "another"}),
    ("state", lambda answer: {name: it for name, it in answer.items() if name != "state"}),
    ("issuer of the answer", lambda answer: {**answer, "iss": "http://127.0.0.1:9"}),
    ("issuer of the answer", lambda answer: {name: it for name, it in answer.items() if name != "iss"}),
    ("no code", lambda answer: {name: it for name, it in answer.items() if name != "code"}),
    ("no code", lambda answer: {**answer, "error": "access_denied"}),
    ("code", lambda answer: {**answer, "code": "made up"}),
]


@pytest.mark.parametrize(("why", "change"), ANSWERS, ids=[f"{why} {n}" for n, (why, _) in enumerate(ANSWERS)])
def test_an_answer_that_is_not_this_attempts_is_refused(
    world: World, why: str, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    attempt, address = begin_login(world.provider, NOW)
    answer = world.visit(address, CITIZEN)
    with pytest.raises(LoginRefusedError) as caught:
        finish_login(world.provider, attempt, change(answer), NOW)
    assert caught.value.why == why
    assert finish_login(world.provider, attempt, answer, NOW).subject == CITIZEN.subject


def test_a_code_is_worth_nothing_without_its_verifier(world: World) -> None:
    attempt, address = begin_login(world.provider, NOW)
    answer = world.visit(address, CITIZEN)
    with pytest.raises(LoginRefusedError, match=r"\(code\)"):
        finish_login(world.provider, replace(attempt, verifier="a" * 43), answer, NOW)


def test_a_code_that_waited_too_long_and_an_attempt_that_did_are_refused(world: World) -> None:
    attempt, address = begin_login(world.provider, NOW)
    answer = world.visit(address, CITIZEN)
    with pytest.raises(LoginRefusedError, match=r"\(too late\)"):
        finish_login(world.provider, attempt, answer, NOW + ATTEMPT_OPEN)
    world.clock.pass_by(61)
    with pytest.raises(LoginRefusedError, match=r"\(code\)"):
        finish_login(world.provider, attempt, answer, world.clock())


def test_a_stolen_code_is_refused_for_its_nonce(world: World) -> None:
    """Somebody else's answer, put into one's own attempt with that other's verifier: the nonce differs."""
    theirs, address = begin_login(world.provider, NOW)
    answer = world.visit(address, CITIZEN)
    mine, _ = begin_login(world.provider, NOW)
    mixed = Attempt(theirs.state, mine.nonce, theirs.verifier, mine.until)
    with pytest.raises(LoginRefusedError, match=r"\(claim nonce\)"):
        finish_login(world.provider, mixed, answer, NOW)


CLAIMS: list[tuple[str, dict[str, object]]] = [
    ("claim nonce", {"nonce": "another"}),
    ("claim nonce", {"nonce": None}),
    ("claim nonce", {"nonce": 7}),
    ("claim aud", {"aud": "another application"}),
    ("claim aud", {"aud": ["another application"]}),
    ("claim aud", {"aud": None}),
    ("claim azp", {"aud": ["applyfree", "another application"]}),
    ("claim azp", {"aud": ["applyfree", "another application"], "azp": "another application"}),
    ("claim azp", {"azp": "another application"}),
    ("claim iss", {"iss": "http://127.0.0.1:9"}),
    ("claim iss", {"iss": None}),
    ("claim exp", {"exp": int(NOW.timestamp()) - 6}),
    ("claim exp", {"exp": None}),
    ("claim exp", {"exp": "never"}),
    ("claim iat", {"iat": int(NOW.timestamp()) + 60}),
    ("claim iat", {"iat": int(NOW.timestamp()) - 301}),
    ("claim iat", {"iat": None}),
    ("claim nbf", {"nbf": int(NOW.timestamp()) + 60}),
    ("claim sub", {"sub": None}),
    ("claim sub", {"sub": ""}),
    ("claim sub", {"sub": 7}),
]


@pytest.mark.parametrize(("why", "changes"), CLAIMS, ids=[f"{why} {n}" for n, (why, _) in enumerate(CLAIMS)])
def test_a_token_that_says_something_else_is_refused(world: World, why: str, changes: dict[str, object]) -> None:
    with pytest.raises(LoginRefusedError) as caught:
        read_id_token(world.token(**changes), world.provider, NONCE, NOW)
    assert caught.value.why == why


def test_a_right_token_is_believed(world: World) -> None:
    assert read_id_token(world.token(), world.provider, NONCE, NOW).subject == "somebody"
    for_two = world.token(aud=["applyfree", "another"], azp="applyfree", amr=["pwd", "otp"])
    assert read_id_token(for_two, world.provider, NONCE, NOW).strong


def test_a_token_that_others_signed_or_nobody_is_refused(world: World) -> None:
    head, claims, signature = world.token().split(".")
    public = world.issuing.published_keys().keys[0]
    assert isinstance(public, ECKey)
    key_id = public.kid
    # By hand: the library refuses to sign with a public key.
    by_hmac = f"{_encoded({'alg': 'HS256', 'kid': key_id})}.{claims}"
    made = hmac.new(public.as_pem(private=False), by_hmac.encode(), hashlib.sha256).digest()
    by_the_public_key = f"{by_hmac}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
    other = ECKey.generate_key("P-256", private=True)
    by_another = jwt.encode({"alg": "ES256", "kid": key_id}, json.loads(_decoded(claims)), other)
    its_own = jwt.encode({"alg": "ES256", "jwk": other.as_dict(private=False)}, json.loads(_decoded(claims)), other)
    nobody = _encoded({"alg": "none", "kid": key_id})
    changed = _encoded({**json.loads(_decoded(claims)), "sub": "somebody else"})
    forged = {
        "none": f"{nobody}.{claims}.", "None": f"{_encoded({'alg': 'None'})}.{claims}.{signature}",
        "HS256": by_the_public_key, "another key": by_another, "a key of its own": its_own,
        "changed": f"{head}.{changed}.{signature}", "cut": f"{head}.{claims}.", "empty": "", "one part": "abc",
    }  # fmt: skip
    for name, token in forged.items():
        with pytest.raises(LoginRefusedError) as caught:
            read_id_token(token, world.provider, NONCE, NOW)
        assert caught.value.why == "signature", name


def test_new_keys_are_fetched_when_a_token_names_one_and_not_more_often_than_that(world: World) -> None:
    provider = world.provider
    asked: list[str] = []
    world.http.event_hooks["request"].append(lambda request: asked.append(request.url.path))
    before = world.token()
    read_id_token(before, provider, NONCE, NOW)
    world.issuing.rotate()
    world.clock.pass_by(31)
    assert read_id_token(world.token(), provider, NONCE, world.clock()).subject == "somebody"
    assert read_id_token(before, provider, NONCE, world.clock()).subject == "somebody"  # signed before, still good
    assert asked.count("/keys") == 2
    for number in range(20):
        made_up = _encoded({"alg": "ES256", "kid": f"made up {number}"}) + "." + world.token().split(".", 1)[1]
        with pytest.raises(LoginRefusedError, match="signature"):
            read_id_token(made_up, provider, NONCE, world.clock())
    assert asked.count("/keys") == 2
    world.issuing.rotate()
    world.clock.pass_by(31)
    read_id_token(world.token(), provider, NONCE, world.clock())
    with pytest.raises(LoginRefusedError, match="signature"):  # its key was taken away
        read_id_token(before, provider, NONCE, world.clock())


def test_a_provider_that_is_somebody_else_or_away_lets_nobody_in(world: World) -> None:
    with pytest.raises(ProviderError, match="another issuer"):
        begin_login(Provider(replace(world.client, issuer=world.client.issuer + "/"), world.http), NOW)
    with pytest.raises(ProviderError, match="without TLS"):
        begin_login(Provider(replace(world.client, issuer="http://id.example.org"), world.http), NOW)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = replace(world.client, issuer=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(ProviderError, match="cannot be reached"):
            begin_login(Provider(gone, world.http), NOW)


def test_a_second_factor_works_once_and_a_wrong_one_never(world: World) -> None:
    _, address = begin_login(world.provider, NOW)
    right = OFFICER.code_at(int(NOW.timestamp()))
    world.visit(address, OFFICER, right)
    for code in (right, OFFICER.code_at(int(NOW.timestamp()) + 3600), "", "abcdef"):
        page = world._submit(world.http.get(address), login=OFFICER.login, password=OFFICER.password)
        answer = world._submit(page, code=code or " ")
        assert answer.status_code in (401, 422, 429)


def test_guessing_is_slowed_down_and_says_nothing(world: World) -> None:
    _, address = begin_login(world.provider, NOW)
    page = world.http.get(address)
    tried = [world._submit(page, login="citizen", password=f"guess {n}") for n in range(PASSWORD.amount + 2)]
    assert [answer.status_code for answer in tried] == [401] * PASSWORD.amount + [429] * 2
    assert world._submit(page, login="citizen", password=CITIZEN.password).status_code == 429
    nobody = world._submit(page, login="nobody", password="guess")
    assert re.sub(r'value="[^"]+"', "", nobody.text) == re.sub(r'value="[^"]+"', "", tried[0].text)


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/back"}, {"client_id": "another"}, {"code_challenge_method": "plain"},
        {"response_type": "token"}, {"scope": "profile"},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_the_local_provider_sends_nobody_elsewhere(world: World, changes: dict[str, str]) -> None:
    _, address = begin_login(world.provider, NOW)
    asked = {name: found[0] for name, found in parse_qs(urlsplit(address).query).items()}
    answer = world.http.get(f"{world.client.issuer}/authorize", params={**asked, **changes})
    assert answer.status_code == 400
    assert "重新登录" in answer.text
    assert "<form" not in answer.text
    assert "location" not in answer.headers


def test_the_local_provider_gives_tokens_to_its_application_alone(world: World) -> None:
    attempt, address = begin_login(world.provider, NOW)
    answer = world.visit(address, CITIZEN)
    other = Provider(replace(world.client, secret="a guess"), world.http)
    with pytest.raises(LoginRefusedError, match=r"\(code\)"):
        finish_login(other, attempt, answer, NOW)


def test_the_local_provider_refuses_to_be_reached_from_elsewhere() -> None:
    client = Client("https://id.example.org", "applyfree", "s", "https://example.org/login/back")
    with pytest.raises(ProviderError, match="this machine only"):
        build_provider(client, [], Limiter(None, b"k"), Clock())


def test_an_attempt_is_the_browsers_that_began_it_and_is_taken_once(connection: Connection, world: World) -> None:
    attempt, _ = begin_login(world.provider, NOW)
    cookie = keep_attempt(connection, attempt, NOW)
    for other in (None, "", "another browser's"):
        with pytest.raises(LoginRefusedError, match=r"\(browser\)"):
            take_attempt(connection, other)
    assert take_attempt(connection, cookie) == attempt
    with pytest.raises(LoginRefusedError, match=r"\(browser\)"):
        take_attempt(connection, cookie)


def test_demonstration_accounts_are_made_by_chance_and_kept_to_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    made = keep_accounts(path, [("anna", False), ("worker", True)])
    assert path.stat().st_mode & 0o777 == 0o600
    assert keep_accounts(path, [("anna", False), ("new", False)])[:2] == made
    assert keep_accounts(tmp_path / "others.json", [("anna", False)])[0].password != made[0].password
    assert made[0].password not in repr(made)
    path.chmod(0o644)
    with pytest.raises(AccountsFileError, match="others than its owner"):
        keep_accounts(path, [])


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[Connection]:
    """A database of its own, without any account."""
    with connect(server.url) as session:
        session.execute("CREATE DATABASE demonstration")
    url = make_conninfo(server.url, dbname="demonstration")
    with connect(url) as session:
        migrate(session)
    engine = open_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
    with connect(server.url) as session:
        session.execute("DROP DATABASE demonstration WITH (FORCE)")


def test_a_whole_demonstration_from_the_form_to_the_gate(
    empty: Connection, door: Door, world: World, tmp_path: Path
) -> None:
    accounts = keep_accounts(tmp_path / "accounts.json", LOGINS)
    clock, connection = world.clock, empty
    door.app, _ = build_provider(world.client, accounts, Limiter(None, b"k"), clock)
    install_demonstration(connection, world.client.issuer, accounts, Place("11", "区民政局", "p1", "e1"), clock())
    gate = Gate(AREAS)
    case = Target("person:p1", "111", "b1", is_open=True)
    for account in accounts:
        provider = Provider(world.client, world.http)
        attempt, address = begin_login(provider, clock())
        cookie = keep_attempt(connection, attempt, clock())
        answer = world.visit(address, account)
        identity = finish_login(provider, take_attempt(connection, cookie), answer, clock())
        session = find_session(connection, open_session(connection, identity, clock()), clock())
        assert session is not None
        moment = (clock(), clock().date())
        reads = gate.check(connection, session, Action.CASE_READ, case, Purpose.CASEWORK, *moment).allowed
        assert reads == account.login.startswith("caseworker")
        own = gate.check(connection, session, Action.OWN_READ, case, Purpose.OWN_AFFAIRS, *moment).allowed
        assert own == (account.login == CITIZEN_LOGIN)


def _encoded(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
