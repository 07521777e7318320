"""The whole OpenAPI, asked at random: no answer but those that are described, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from serving.access.cookies import SESSION_COOKIE
from serving.api.application import description, routes
from tests.api_world import ORIGIN, World

PEOPLE = ("alice", "ann", "sue", "pol", "aud", "ops", "sys", "sec", "adm", "firm")
STATUSES = {200, 201, 204, 303, 401, 403, 404, 409, 412, 413, 422, 428, 429, 503}


def _check(world: World, names: tuple[str, ...], examples: int, seed: int) -> int:
    app = routes(world.parts)
    schema = schemathesis.openapi.from_dict(description(app))
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith(("/logout", "/sessions", "/state", "/posting")):
            continue  # they end sessions of those who ask here: G6 asks them

        @settings(
            max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck), derandomize=True,
        )  # fmt: skip
        @given(case=operation.as_strategy(), name=st.sampled_from(names))
        def ask(case: Any, name: str) -> None:
            nonlocal asked
            asked += 1
            token = world.sessions[name]
            with world.client(name) as client:
                answer = case.call(
                    session=client, base_url=ORIGIN, cookies={SESSION_COOKIE: token},
                    headers={"Origin": ORIGIN, "X-CSRF-Token": world.parts.tokens.make(token)},
                )  # fmt: skip
            assert answer.status_code in STATUSES, (case.method, case.path, answer.status_code, answer.text[:300])
            if answer.status_code >= 400 and answer.content:
                assert answer.json()["status"] == answer.status_code
                assert answer.headers["content-type"][0].startswith("application/problem+json")

        ask()
    return asked


def test_a_few_of_each(world: World) -> None:
    assert _check(world, PEOPLE, 6, 1) > 300


@pytest.mark.long
def test_many_of_each(world: World) -> None:
    assert _check(world, PEOPLE, 150, 2) > 7_000
