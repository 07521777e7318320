"""Every answer carries the headers: pages, files, refusals and mistakes of ours alike."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from serving.security.http import content_security_policy, strict_cookie
from tests.unit.serving.security.browser_world import ORIGIN, protected


@pytest.fixture
def browser() -> TestClient:
    return TestClient(protected([]), base_url=ORIGIN, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status"), [("/page", 200), ("/static/site.css", 200), ("/nowhere", 404), ("/broken", 500), ("/form", 405)]
)
def test_every_answer_carries_the_headers(browser: TestClient, path: str, status: int) -> None:
    answer = browser.get(path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    age = re.match(r"max-age=(\d+); includeSubDomains", answer.headers["strict-transport-security"])
    assert age is not None
    assert int(age[1]) >= 365 * 86_400
    assert answer.headers["cache-control"] == ("public, max-age=60" if path.startswith("/static") else "no-store")


def test_a_refusal_carries_them_too(browser: TestClient) -> None:
    answer = browser.post("/form")
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" in answer.headers


def test_a_plain_connection_is_told_nothing_of_transport_security() -> None:
    answer = TestClient(protected([]), base_url="http://service.example.gov.cn").get("/page")
    assert "strict-transport-security" not in answer.headers


def test_each_page_has_a_nonce_of_its_own_and_the_policy_names_it(browser: TestClient) -> None:
    nonces = set()
    for _ in range(20):
        answer = browser.get("/page")
        found = re.search(r'nonce="([^"]+)"', answer.text)
        assert found is not None
        assert f"script-src 'nonce-{found[1]}';" in answer.headers["content-security-policy"]
        assert len(found[1]) >= 22  # 128 bits
        nonces.add(found[1])
    assert len(nonces) == 20


def test_the_policy_allows_nothing_inline_and_nobody_else() -> None:
    policy = content_security_policy("n")
    assert policy.startswith("default-src 'none'")
    for word in ("unsafe-inline", "unsafe-eval", "unsafe-hashes", "*", "http:", "https:"):
        assert word not in policy
    assert "'self'" not in policy.partition("script-src")[2].partition(";")[0]


def test_an_answer_with_a_cookie_is_never_kept(browser: TestClient) -> None:
    assert browser.get("/static/counted").headers["cache-control"] == "no-store"


def test_every_cookie_is_strict(browser: TestClient) -> None:
    cookies = browser.get("/login").headers.get_list("set-cookie")
    assert cookies == [
        "__Host-session=abc; Path=/; HttpOnly; Secure; SameSite=Lax",
        "other=1; Secure; HttpOnly; SameSite=Lax",
    ]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("a=1", "a=1; HttpOnly; Secure; SameSite=Lax"),
        ("a=1; samesite=strict; secure; httponly", "a=1; samesite=strict; secure; httponly"),
        ("a=1; SameSite = None", "a=1; HttpOnly; Secure; SameSite=Lax"),
        ("a=1; Max-Age=3;", "a=1; Max-Age=3; HttpOnly; Secure; SameSite=Lax"),
    ],
)
def test_what_a_cookie_forgot_is_added(written: str, sent: str) -> None:
    assert strict_cookie(written) == sent
