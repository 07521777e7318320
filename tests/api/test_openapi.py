"""The whole OpenAPI, asked at random: no answer but those that are described, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.api.application import description, routes
from tests.api_world import ORIGIN, World

PEOPLE = ("alice", "ann", "sue", "pol", "aud", "ops", "sys", "sec", "adm", "firm")
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip


def _check(world: World, names: tuple[str, ...], examples: int, seed: int) -> int:
    app = routes(world.parts)
    schema = schemathesis.openapi.from_dict(description(app))
    asked = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        if operation.path.endswith(("/logout", "/sessions", "/state", "/posting")):
            continue  # they end sessions of those who ask here: G6 asks them

        @settings(
            max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), derandomize=True,
        )  # fmt: skip
        @given(case=operation.as_strategy(), name=st.sampled_from(names))
        def ask(case: Any, name: str) -> None:  # noqa: ANN401 (schemathesis names no type)
            nonlocal asked
            asked += 1
            kwargs = case.as_transport_kwargs(base_url=ORIGIN)
            sent = {k: v for k, v in kwargs.items() if k in ("params", "json", "data", "headers") and v is not None}
            sent["headers"] = {k: v for k, v in dict(sent.get("headers") or {}).items() if v is not None}
            sent["content"] = sent.pop("data", None)
            with world.client(name) as client:
                answer = client.request(kwargs["method"], kwargs["url"], **sent)
            if answer.status_code >= 400 and answer.content:
                assert answer.json()["status"] == answer.status_code
                assert answer.headers["content-type"].startswith("application/problem+json")
            case.validate_response(schemathesis.Response.from_httpx(answer, verify=True), checks=CHECKS)

        ask()
    return asked


def test_a_few_of_each(world: World) -> None:
    assert _check(world, PEOPLE, 6, 1) > 300


@pytest.mark.long
def test_many_of_each(world: World) -> None:
    assert _check(world, PEOPLE, 150, 2) > 7_000
