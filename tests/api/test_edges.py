"""What goes wrong at the edge: problems for every error, limits, fail closed, forged requests, names nobody knows."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

from features.canonical_json import canonical_json
from serving.access.limits import Limiter
from serving.api import routing, visits
from serving.api.application import build, description, routes
from tests.api_world import DEPARTMENT, NOW, ORIGIN, World


def test_every_error_is_a_problem(world: World) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404), ("DELETE", "/me/benefits", 405), ("GET", "/me/offers/none", 422),
        ("GET", "/me/offers/1?x=1&limit=2", 404), ("GET", "/cases?limit=9999", 422),
    ):  # fmt: skip
        answer = world.ask("ann" if "cases" in path else "firm", method, path)
        assert answer.status_code == status, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert uuid.UUID(answer.json()["request"]) == uuid.UUID(answer.headers["X-Request-Id"])


def test_personal_answers_are_kept_nowhere_and_the_description_is_not_public(world: World) -> None:
    assert world.ask("alice", "GET", "/me/benefits").headers["cache-control"] == "no-store"
    with world.client(None) as client:
        for path in ("/docs", "/redoc", "/openapi.json", "/metrics", "/api/v1/docs"):
            assert client.get(path).status_code == 404


def test_what_is_too_large_is_refused(world: World) -> None:
    body = json.dumps({"words": "x" * 300_000}).encode()
    headers = {"content-type": "application/json"}
    assert world.ask("alice", "POST", "/me/person", content=body, headers=headers).status_code == 413


def test_a_changing_request_needs_our_page_and_our_token(world: World) -> None:
    """Every unsafe route, without the token and with a foreign origin."""
    paths = description(routes(world.parts))["paths"]
    unsafe = [(m.upper(), p) for p, ways in paths.items() for m in ways if m not in ("get", "head")]
    assert len(unsafe) > 40
    for method, path in unsafe:
        if "/dci/" in path:
            continue
        url = path.replace("{number}", "1").replace("{which}", "no-pushes").replace("{account}", "spare")
        with world.client("alice") as client:
            del client.headers["X-CSRF-Token"]
            assert client.request(method, url, json={}).status_code == 403
        with world.client("alice") as client:
            assert client.request(method, url, json={}, headers={"Origin": "https://other.test"}).status_code == 403


def test_names_that_nobody_knows_are_refused(world: World) -> None:
    """S13: on each route with a body an unknown name and a privileged one."""
    paths = description(routes(world.parts))["paths"]
    asked = 0
    for path, ways in paths.items():
        for method, operation in ways.items():
            if "requestBody" not in operation or "/dci/" in path:
                continue
            url = path.removeprefix("/api/v1").replace("{number}", "1").replace("{account}", "spare")
            for name in ("state", "is_admin"):
                answer = world.ask("alice", method.upper(), url, json={name: True})
                asked += 1
                assert answer.status_code == 422, (path, answer.text)
                assert name not in answer.text.replace("/state", "")
    assert asked > 20


def test_too_many_requests_are_told_when_to_come_back(world: World) -> None:
    few = replace(world.parts, limiter=Limiter(None, bytes(range(32)), world.clock))
    app, world.app = world.app, build(few, [ORIGIN])
    try:
        said = [world.ask("cleo", "GET", "/me/wishes") for _ in range(125)]
    finally:
        world.app = app
    assert said[0].status_code == 200
    assert said[-1].status_code == 429
    assert int(said[-1].headers["Retry-After"]) >= 1


def _raise(*_: object, **__: object) -> Any:  # noqa: ANN401
    raise RuntimeError("a dependency is broken")


@pytest.mark.parametrize(
    ("holder", "broken"),
    [(routing, "find_session"), (visits, "decide"), (visits, "record_reads"), (routing, "once")],
    ids=["find_session", "decide", "record_reads", "once"],
)
def test_whatever_breaks_lets_nobody_in(
    world: World, monkeypatch: pytest.MonkeyPatch, holder: ModuleType, broken: str
) -> None:
    """S20: each dependency made to raise; no 2xx on what is protected."""
    monkeypatch.setattr(holder, broken, _raise)
    asked: list[tuple[str, str, dict[str, Any]]] = [("POST", "/me/person", {"json": {}})]
    if broken != "once":
        asked += [("GET", path, {}) for path in ("/me/benefits", "/me/reads", "/me/data", "/me/wishes")]
    for method, path, more in asked:
        answer = world.ask("alice", method, path, **more)
        assert answer.status_code >= 400
        assert "benefits" not in answer.text


def test_without_a_ledger_everything_is_read_and_nothing_changed(world: World) -> None:
    with world.owner.begin() as connection:
        query = (
            "INSERT INTO audit_intent (action, actor_kind, actor, object, object_id, payload, at) "
            "VALUES ('test:old', 'system', 'test', 'test', '1', '{}', :at)"
        )
        connection.execute(text(query), {"at": NOW})
    world.clock.now = NOW + dt.timedelta(minutes=16)
    try:
        refused = world.ask("cleo", "POST", f"/me/offers/{world.offers['alice']}/confirm", headers={"If-Match": '"r1"'})
        shown = world.ask("cleo", "GET", "/me/wishes")
        asked = world.ask("cleo", "POST", "/me/person", json={})
    finally:
        world.clock.now = NOW
        world.parts.health._asked = None
    assert refused.status_code == 503
    assert refused.json()["type"].endswith("read_only")
    assert [one["code"] for one in shown.json()["banners"]] == ["ledger_down"]
    assert asked.status_code == 200


def test_what_is_down_is_told_and_takes_nothing_away(world: World) -> None:
    """G15, F19: every part that may be away is away; answers are the same but for the banner."""
    before = world.ask("bob", "GET", "/me/benefits").json()
    down = dict.fromkeys(("model_registry", "feature_store", "redis", "notices"), _raise)
    health = replace(world.parts.health, probes=down, _looked=None, _down=(), _unsealed=False)
    app, world.app = world.app, build(replace(world.parts, health=health), [ORIGIN])
    try:
        after = world.ask("bob", "GET", "/me/benefits").json()
    finally:
        world.app = app
    assert [one["code"] for one in after["banners"]] == [f"{name}_down" for name in down]
    assert after["benefits"] == before["benefits"]


def _message(world: World, **header: str) -> dict[str, Any]:
    content = {
        "header": {
            "message_id": header.pop("message_id", str(uuid.uuid4())), "message_ts": NOW.isoformat(),
            "action": "search", "sender_id": DEPARTMENT, **header,
        },
        "message": {
            "transaction_id": "t1",
            "search_request": [
                {"reference_id": "r1", "search_criteria": {"reg_record_type": "applyfree:benefits:1"}}
            ],
        },
    }  # fmt: skip
    signature = base64.b64encode(world.key.sign(canonical_json(content))).decode()
    return {"signature": signature, **content}


def test_a_department_is_answered_once_and_signed(world: World) -> None:
    message = _message(world)
    said = [world.ask(None, "POST", "/dci/registry/search", json=message) for _ in "ab"]
    assert [one.status_code for one in said] == [200, 200], said[0].text
    assert said[0].json() == said[1].json()
    answer = said[0].json()
    content = canonical_json({"header": answer["header"], "message": answer["message"]})
    key = world.parts.departments.key.public_key()
    key.verify(base64.b64decode(answer["signature"]), content)
    assert len(answer["message"]["search_response"][0]["data"]["reg_records"]) > 10


def test_forged_old_and_reused_messages_are_refused(world: World) -> None:
    """F18: ten minutes later nothing of it is taken."""
    forge: list[tuple[Callable[[dict[str, Any]], object], int]] = [
        (lambda m: m["message"].update(transaction_id="other"), 401),
        (lambda m: m.update(signature="AAAA"), 401),
        (lambda m: m["header"].update(sender_id="nobody"), 401),
    ]
    for change, status in forge:
        message = _message(world)
        change(message)
        assert world.ask(None, "POST", "/dci/registry/search", json=message).status_code == status
    old = _message(world, message_ts=(NOW - dt.timedelta(minutes=10)).isoformat())
    assert world.ask(None, "POST", "/dci/registry/search", json=old).status_code == 403
    first, second = _message(world, message_id="same"), _message(world, message_id="same", receiver_id="x")
    assert world.ask(None, "POST", "/dci/registry/search", json=first).status_code == 200
    assert world.ask(None, "POST", "/dci/registry/search", json=second).status_code == 409
