"""G7: each response with personal data leaves one record of the read per subject; a proxy in between counts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from serving.api.application import description, routes
from serving.api.edge import REQUEST_ID
from tests.api_world import World, api_world, unlimited
from tests.gates.test_g06_access_matrix import ROLES, _ask, _listed


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with api_world(change=unlimited) as made:
        yield made


def test_every_response_with_personal_data_is_recorded(world: World) -> None:
    """Every route for every role, as a proxy sees it: what holds data of somebody has a record with its number."""
    personal = {
        f"{method.upper()} {path}": operation["x-personal-data"]
        for path, ways in description(routes(world.parts))["paths"].items()
        for method, operation in ways.items()
        if "x-personal-data" in operation
    }
    names = _values(world)
    counted = {"personal": 0, "other": 0}
    for route in (one for one, (group, _) in _listed().items() if group != "ends"):
        for name in (None, *ROLES.values()):
            answer = _ask(world, name, route, _object(world, name, route))
            recorded = _recorded(world, answer.headers[REQUEST_ID])
            if answer.status_code < 300 and personal.get(route):
                counted["personal"] += 1
                assert recorded, (name, route)
                assert all(name == one["account"] and one["fields"] and one["route"] in route for one in recorded)
            else:
                counted["other"] += 1
                assert recorded == [], (name, route, answer.status_code)
                assert not any(value in answer.text for value in names), (name, route)
    assert counted["personal"] >= 40
    assert counted["other"] > 500


def test_the_same_answer_again_is_another_read(world: World) -> None:
    path = f"/me/offers/{world.offers['alice2']}"
    tag = world.ask("alice", "GET", path).headers["ETag"]
    said = [world.ask("alice", "POST", f"{path}/confirm", key="twice-yes-1", headers={"If-Match": tag}) for _ in "ab"]
    assert said[0].content == said[1].content
    assert [len(_recorded(world, one.headers[REQUEST_ID])) for one in said] == [1, 1]


def test_their_subject_can_see_every_record(world: World) -> None:
    world.ask("ann", "GET", f"/cases/{world.cases['mine']}")
    query = text("SELECT count(*) FROM read_record WHERE kind || ':' || subject = :cleo")
    with world.owner.connect() as connection:
        count = connection.execute(query, {"cleo": world.people["cleo"]}).scalar_one()
    looks: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = world.ask("cleo", "GET", "/me/reads", params={"limit": 100, **more}).json()
        looks += page["looks"]
        cursor = page["next"]
        if cursor is None:
            break
    assert sum(one["of"] == "person" for one in looks) >= count
    assert any(one["role"] == "caseworker" and one["purpose"] == "casework" for one in looks)


def _object(world: World, name: str | None, route: str) -> dict[str, Any]:
    """Something that there is: of a citizen their own offer, of an officer the case in their hands."""
    number = world.offers["alice"] if "/me/" in route or "/counter/offers" in route else world.cases["mine"]
    if "public-notices" in route:
        number = world.offers["notice"]
    return {"number": number, "subject": world.people["alice"]}


def _recorded(world: World, number: str) -> list[Any]:
    with world.owner.connect() as connection:
        query = text("SELECT account, fields, route FROM read_record WHERE request = :request")
        return list(connection.execute(query, {"request": uuid.UUID(number)}).mappings())


def _values(world: World) -> list[str]:
    """What names somebody: ids of persons are too short here to be looked for, so their households' facts stand in."""
    found = json.dumps(world.ask("alice", "GET", "/me/data").json(), ensure_ascii=False)
    return [found] if found else []
