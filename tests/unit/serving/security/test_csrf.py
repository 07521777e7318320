"""Nothing is changed on behalf of somebody who did not ask: every unsafe verb, form or JSON, cookie or bearer."""

from __future__ import annotations

import base64

import pytest
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from serving.security.csrf import TOKEN_FIELD, TOKEN_HEADER, CsrfTokens
from serving.security.errors import SecurityError
from tests.unit.serving.security.browser_world import COOKIE, ORIGIN, TOKENS, UNSAFE, application, protected

SESSION = "session-of-a"
OURS = {"Origin": ORIGIN, "Cookie": f"{COOKIE}={SESSION}"}
BEARER = {"Authorization": "Bearer abc"}


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def browser(done: list[str]) -> TestClient:
    return TestClient(protected(done), base_url=ORIGIN)


def token(session: str = SESSION) -> dict[str, str]:
    return {TOKEN_HEADER: TOKENS.make(session)}


def unsafe_routes() -> list[tuple[str, str]]:
    """Every route of the application under each of its verbs that changes something, but for what is signed."""
    return [
        (method, route.path.replace("{thing}", "1"))
        for route in application([]).routes
        if isinstance(route, APIRoute) and route.path != "/dci/notify"
        for method in sorted((route.methods or set()) & set(UNSAFE))
    ]


def test_the_walk_finds_the_routes() -> None:
    assert len(unsafe_routes()) == 6


@pytest.mark.parametrize(("method", "path"), unsafe_routes())
@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Origin": ORIGIN}, OURS, {**OURS, **BEARER}, {**OURS, TOKEN_HEADER: ""}, {**OURS, TOKEN_HEADER: "é"},
        {**OURS, **token("session-of-b")}, {**OURS, TOKEN_HEADER: CsrfTokens(b"x" * 32).make(SESSION)},
        {"Origin": ORIGIN, **token("")}, {"Cookie": OURS["Cookie"], **token()},
        {**OURS, **token(), "Origin": "https://evil.example"}, {**OURS, **token(), "Origin": "null"},
        {**OURS, **token(), "Origin": f"{ORIGIN}.evil.example"}, {**OURS, **token(), "Origin": f"{ORIGIN}:8443"},
        {**OURS, **token(), "Origin": ORIGIN.replace("https", "http")},
        {**OURS, **token(), "Sec-Fetch-Site": "cross-site"}, {**OURS, **token(), "Sec-Fetch-Site": "same-site"},
        {**BEARER, "Origin": "https://evil.example"}, {**BEARER, "Sec-Fetch-Site": "cross-site"},
        {"Authorization": "Basic YTpi", "Origin": ORIGIN},
    ],
)  # fmt: skip
def test_no_route_changes_anything_for_a_foreign_request(
    browser: TestClient, done: list[str], method: str, path: str, headers: dict[str, str]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for body in ({"json": {"amount": 1}}, {"data": {"amount": "1"}}, {"content": b"x"}):
        answer = browser.request(method, path, headers=raw, **body)
        assert answer.status_code == 403
    assert done == []


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("headers", [{**OURS, **token()}, BEARER, {**BEARER, "Origin": ORIGIN}])
def test_our_own_requests_are_let_through_with_their_bodies(
    browser: TestClient, method: str, headers: dict[str, str]
) -> None:
    answer = browser.request(method, "/things/7", headers=headers, content=b'{"a":1}')
    assert answer.json() == {"thing": "7", "body": '{"a":1}'}


def test_a_form_carries_its_token_in_a_field(browser: TestClient) -> None:
    sent = {TOKEN_FIELD: TOKENS.make(SESSION), "amount": "12"}
    assert browser.post("/form", data=sent, headers=OURS).json() == {"amount": 12}
    foreign = browser.post("/form", data=sent, headers={**OURS, "Origin": "https://evil.example"})
    assert foreign.status_code == 403


def test_a_form_with_a_file_does_too(browser: TestClient, done: list[str]) -> None:
    sent = {TOKEN_FIELD: TOKENS.make(SESSION)}
    file = {"file": ("a.txt", b"x" * 50_000)}
    assert browser.post("/upload", data=sent, files=file, headers=OURS).json() == {"size": 50_000}
    assert browser.post("/upload", files=file, headers=OURS).status_code == 403
    assert browser.post("/upload", data=sent, files={"file": ("a", b"x" * 200_000)}, headers=OURS).status_code == 413
    assert done == ["/upload"]


def test_two_tokens_in_one_form_are_none(browser: TestClient) -> None:
    mine = TOKENS.make(SESSION)
    body = f"{TOKEN_FIELD}=x&{TOKEN_FIELD}={mine}&amount=1"
    headers = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/form", content=body, headers=headers).status_code == 403


def test_a_form_that_is_none_is_told_so(browser: TestClient) -> None:
    headers = {**OURS, "Content-Type": "multipart/form-data"}
    assert browser.post("/upload", content=b"nonsense", headers=headers).status_code == 400


def test_a_signed_message_needs_no_token_but_no_other_origin_either(browser: TestClient) -> None:
    assert browser.post("/dci/notify", content=b"signed").json() == {"body": "signed"}
    assert browser.post("/dci/notify", headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.post("/dci/notify/").status_code == 403


def test_reading_needs_nothing(browser: TestClient) -> None:
    assert browser.get("/page").status_code == 200
    assert browser.get("/page", headers={"Origin": "https://evil.example"}).status_code == 200


def test_a_live_connection_has_our_origin(browser: TestClient) -> None:
    with browser.websocket_connect("/live", headers={"Origin": ORIGIN}) as socket:
        assert socket.receive_text() == "hello"
    for headers in ({}, {"Origin": "https://evil.example"}):
        with pytest.raises(WebSocketDisconnect), browser.websocket_connect("/live", headers=headers):
            pass


@given(st.text(min_size=1, max_size=40), st.integers(0, 47), st.integers(1, 255))
def test_a_token_holds_for_its_session_alone_and_unaltered(session: str, at: int, change: int) -> None:
    try:
        session.encode()
    except UnicodeEncodeError:
        return
    made = TOKENS.make(session)
    assert TOKENS.holds(session, made)
    assert not TOKENS.holds(session + "x", made)
    raw = bytearray(base64.urlsafe_b64decode(made))
    raw[at] ^= change
    assert not TOKENS.holds(session, base64.urlsafe_b64encode(raw).decode())
    assert TOKENS.make(session) != made


@given(st.text())
def test_no_nonsense_is_a_token(nonsense: str) -> None:
    assert not TOKENS.holds(SESSION, nonsense)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SecurityError, match="too short"):
        CsrfTokens(b"short")
