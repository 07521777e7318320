"""Many cases at once over HTTP: nothing is done but what was seen, and two people saw it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from serving.access.login.tokens import Identity
from serving.access.sessions import open_session
from serving.api.application import description, routes
from serving.api.edge import REQUEST_ID
from serving.casework.bulk import carry_out_agreed
from serving.casework.cases import read_case
from serving.casework.leases import claim
from serving.casework.review import TAKING_AWAY
from serving.ledger.sealing import seal
from tests.api_world import ISSUER, NOW, World, a_case_for_many

PEOPLE = ("bob", "cleo", "away")
HALF_AN_HOUR = dt.timedelta(minutes=30)
TABLES = ("bulk_act", "bulk_item", "decision", "move", "outbox")


def some_cases(world: World, year: int, count: int, **of: object) -> list[int]:
    """Of several people, where ann, ben and sue work."""
    with world.parts.engine.begin() as connection:
        return [
            a_case_for_many(
                connection, world, PEOPLE[one % 3], f"{year}-{one // 12 + 1:02d}-{one % 12 + 1:02d}", world.here, **of
            )
            for one in range(count)
        ]


def look(world: World, numbers: list[int], name: str = "ann", verdict: str = "offer") -> httpx.Response:
    return world.ask(name, "GET", "/bulk-acts/preview", params={"verdict": verdict, "case": numbers})


def said(seen: dict[str, Any]) -> dict[str, Any]:
    """A proposal of what a preview shows."""
    return {
        "verdict": seen["verdict"], "size": seen["size"], "seen": seen["picture"]["seen"],
        "cases": [{"case": one["case"], "revision": one["revision"]} for one in seen["picture"]["lines"]],
    }  # fmt: skip


def proposed(world: World, numbers: list[int], name: str = "ann") -> dict[str, Any]:
    made = world.ask(name, "POST", "/bulk-acts", json=said(look(world, numbers, name).json()))
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def opened(world: World, act: dict[str, Any], name: str = "ann") -> None:
    for case in act["unopened"]:
        answer = world.ask(name, "POST", f"/bulk-acts/{act['act']}/cases/{case}/open")
        assert answer.status_code == 200, answer.text


def agree(world: World, number: int, name: str = "sue") -> httpx.Response:
    shown = world.ask(name, "GET", f"/bulk-acts/{number}").json()
    return world.ask(
        name, "POST", f"/bulk-acts/{number}/agree", json={"seen": shown["picture"]["seen"], "size": shown["size"]}
    )


def recorded(world: World, answer: httpx.Response) -> set[str]:
    """Whom the records of a request name."""
    query = text("SELECT kind || ':' || subject FROM read_record WHERE request = :request")
    with world.owner.connect() as connection:
        return set(connection.execute(query, {"request": uuid.UUID(answer.headers[REQUEST_ID])}).scalars())


def counted(world: World, table: str) -> int:
    with world.owner.connect() as connection:
        return int(connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one())


def states(world: World, numbers: list[int]) -> list[str]:
    query = text("SELECT e.state FROM entitlement e JOIN case_file c ON c.entitlement = e.id WHERE c.id = ANY(:cases)")
    with world.owner.connect() as connection:
        return list(connection.execute(query, {"cases": numbers}).scalars())


def another_amount(world: World, case: int, amount_minor: int) -> None:
    change = text("UPDATE entitlement SET amount_minor = :amount WHERE id = :id")
    with world.parts.engine.begin() as connection:
        of = read_case(connection, case).entitlement
        connection.execute(change, {"amount": amount_minor, "id": of})


@contextmanager
def moment(world: World, at: dt.datetime) -> Iterator[None]:
    """Another time of day, up to which the ledger was sealed and two officers were at work: their sessions go on."""
    try:
        while world.clock.now < at:
            with world.parts.engine.begin() as connection:
                while seal(connection):
                    pass
            world.clock.now = min(world.clock.now + dt.timedelta(minutes=10), at)
            for name in ("ann", "sue"):
                assert world.ask(name, "GET", "/session").status_code == 200
        yield
    finally:
        world.clock.now = NOW


def waiting(world: World, name: str, which: str = "waiting") -> list[int]:
    return [one["act"] for one in world.ask(name, "GET", "/bulk-acts", params={"which": which}).json()["acts"]]


def test_a_preview_shows_totals_outliers_and_who_is_left_out_and_changes_nothing(world: World) -> None:
    usual = some_cases(world, 2001, 6)
    odd = some_cases(world, 2002, 1, amount_minor=900_000)[0]
    capped = some_cases(world, 2003, 1, over_cap=True)[0]
    in_kind = some_cases(world, 2004, 1, amount_minor=None)[0]
    automatic = some_cases(world, 2005, 1, tier="automatic")[0]
    held = some_cases(world, 2006, 1)[0]
    with world.parts.engine.begin() as connection:
        claim(connection, read_case(connection, held), "ben", NOW)
    before = [counted(world, table) for table in TABLES]
    answer = look(world, [*usual, odd, capped, in_kind, automatic, held, world.cases["there"], 999_999])
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    picture = seen["picture"]
    assert (seen["size"], seen["drawn"], picture["unmeasured"]) == (8, 1, 1)
    assert [one["case"] for one in picture["lines"]] == sorted([*usual, odd, in_kind])
    assert picture["totals"] == [{"unit": "CNY", "amount_minor": 6 * 20_000 + 900_000}]
    assert picture["by_benefit"] == [{"benefit": "advanced_age_allowance", "cases": 8}]
    assert picture["outliers"] == [one["case"] for one in picture["lines"] if one["is_outlier"]] == [odd]
    # Elsewhere and nowhere read the same.
    assert {one["case"]: one["why"] for one in picture["left_out"]} == {
        capped: "above_cap", automatic: "by_itself", held: "in_hand", world.cases["there"]: "not_there",
        999_999: "not_there",
    }  # fmt: skip
    assert all(one["says"]["zh"] and one["says"]["en"] for one in picture["left_out"])
    assert recorded(world, answer) == {world.people[name] for name in PEOPLE}
    assert not any(world.people[name] in answer.text for name in PEOPLE), "what for and how much, not whose"
    assert [counted(world, table) for table in TABLES] == before
    assert look(world, [world.cases["there"]]).status_code == 404


def test_from_the_preview_to_the_delivery(world: World) -> None:
    numbers = some_cases(world, 2010, 21)
    act = proposed(world, numbers)
    path = f"/bulk-acts/{act['act']}"
    assert (act["size"], len(act["drawn"]), act["unopened"]) == (21, 2, act["drawn"])
    assert (act["state"], act["waits_for"], act["undo_until"]) == ("proposed", "author", None)
    assert act["act"] in waiting(world, "ann")
    assert act["act"] not in waiting(world, "sue")
    early = agree(world, act["act"])
    assert (early.status_code, early.json()["type"]) == (409, "urn:applyfree:problem:not_opened")

    other = world.ask("sue", "POST", f"{path}/cases/{act['drawn'][0]}/open")
    assert other.status_code == 403, "whoever proposes opens"
    single = world.ask("ann", "POST", f"{path}/cases/{act['drawn'][0]}/open")
    assert single.status_code == 200, single.text
    assert single.json()["sections"], "all of the case"
    assert not {"recommendation", "verdict"} & set(single.json())
    assert recorded(world, single) == {single.json()["subject"]}
    opened(world, {**act, "unopened": act["drawn"][1:]})
    assert act["act"] not in waiting(world, "ann")
    assert act["act"] in waiting(world, "sue")

    shown = world.ask("sue", "GET", path)
    assert shown.json()["picture"]["totals"] == [{"unit": "CNY", "amount_minor": 21 * 20_000}]
    assert len(shown.json()["picture"]["lines"]) == 21
    assert recorded(world, shown) == {world.people[name] for name in PEOPLE}
    miscounted = world.ask("sue", "POST", f"{path}/agree", json={"seen": shown.json()["picture"]["seen"], "size": 20})
    assert miscounted.status_code == 422
    agreed = agree(world, act["act"]).json()
    assert (agreed["state"], agreed["second"], agreed["waits_for"]) == ("agreed", "sue", "time")
    assert dt.datetime.fromisoformat(agreed["undo_until"]) == NOW + HALF_AN_HOUR

    assert carry_out_agreed(world.parts.engine, NOW + dt.timedelta(minutes=29)) == {}
    assert set(states(world, numbers)) == {"review"}
    assert carry_out_agreed(world.parts.engine, NOW + HALF_AN_HOUR)[act["act"]] == (21, 0)
    assert set(states(world, numbers)) == {"offered"}
    done = world.ask("ann", "GET", path)
    assert (done.json()["state"], done.json()["picture"], done.json()["left"]) == ("carried_out", None, [])
    assert recorded(world, done) == set()
    assert act["act"] not in waiting(world, "ann", "all") + waiting(world, "sue", "all")
    late = world.ask("sue", "POST", f"{path}/undo")
    assert late.status_code == 409


def test_it_takes_two_and_a_colleague_who_is_no_second_sees_nothing(world: World) -> None:
    act = proposed(world, some_cases(world, 2011, 3))
    opened(world, act)
    path = f"/bulk-acts/{act['act']}"
    seen = world.ask("ann", "GET", path).json()["picture"]["seen"]
    for name, status in (("ann", 403), ("ben", 404), ("far", 404), ("aud", 403), ("alice", 403)):
        body = {"seen": seen, "size": 3}
        assert world.ask(name, "POST", f"{path}/agree", json=body).status_code == status, name
    for name in ("ben", "far"):
        assert world.ask(name, "GET", path).status_code == 404
        assert act["act"] not in waiting(world, name, "all")
        assert world.ask(name, "POST", f"{path}/return").status_code == 404
    # A supervisor's own waits for another supervisor, whatever they call themselves.
    own = proposed(world, some_cases(world, 2012, 2), "sue")
    opened(world, own, "sue")
    assert agree(world, own["act"]).status_code == 403


@pytest.mark.parametrize("minutes", [0, 29])
def test_it_is_undone_within_half_an_hour_by_either(world: World, minutes: int) -> None:
    numbers = some_cases(world, 2013 + minutes, 4)
    act = proposed(world, numbers)
    opened(world, act)
    assert agree(world, act["act"]).status_code == 200
    with moment(world, NOW + dt.timedelta(minutes=minutes)):
        undone = world.ask("ann" if minutes else "sue", "POST", f"/bulk-acts/{act['act']}/undo")
    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    assert carry_out_agreed(world.parts.engine, NOW + dt.timedelta(hours=2)) == {}
    assert set(states(world, numbers)) == {"review"}
    assert look(world, numbers).json()["size"] == 4, "they are open again"


def test_after_half_an_hour_it_is_too_late(world: World) -> None:
    act = proposed(world, some_cases(world, 2014, 2))
    opened(world, act)
    assert agree(world, act["act"]).status_code == 200
    with moment(world, NOW + HALF_AN_HOUR):
        assert world.ask("sue", "POST", f"/bulk-acts/{act['act']}/undo").status_code == 409
    assert carry_out_agreed(world.parts.engine, NOW + HALF_AN_HOUR)[act["act"]] == (2, 0)


def test_what_is_proposed_is_what_was_seen(world: World) -> None:
    numbers = some_cases(world, 2015, 4)
    seen = look(world, numbers).json()
    acts = counted(world, "bulk_act")
    wrong = [
        ({**said(seen), "seen": "0" * 64}, 409),
        ({**said(seen), "verdict": "ask"}, 409),
        ({**said(seen), "size": 3}, 422),
        ({**said(seen), "cases": said(seen)["cases"][1:], "size": 3}, 409),
        ({**said(seen), "cases": [*said(seen)["cases"], said(seen)["cases"][0]], "size": 4}, 422),
        ({**said(seen), "cases": [*said(seen)["cases"], {"case": world.cases["there"], "revision": 0}]}, 404),
    ]
    for body, status in wrong:
        assert world.ask("ann", "POST", "/bulk-acts", json=body).status_code == status, body

    another_amount(world, numbers[1], 20_001)
    changed = world.ask("ann", "POST", "/bulk-acts", json=said(seen))
    assert (changed.status_code, changed.json()["type"]) == (409, "urn:applyfree:problem:changed_since")

    seen = look(world, numbers).json()
    with world.parts.engine.begin() as connection:
        claim(connection, read_case(connection, numbers[2]), "ben", NOW)
    taken = world.ask("ann", "POST", "/bulk-acts", json=said(seen))
    assert taken.status_code == 409, taken.text
    assert [one["action"] for one in taken.json()["changes"]] == ["leased"]
    assert counted(world, "bulk_act") == acts
    assert world.ask("ann", "POST", "/bulk-acts", json=said(look(world, numbers).json())).json()["size"] == 3


def test_what_is_agreed_to_is_what_was_seen(world: World) -> None:
    act = proposed(world, some_cases(world, 2016, 4))
    opened(world, act)
    path = f"/bulk-acts/{act['act']}"
    seen = world.ask("sue", "GET", path).json()["picture"]
    case = seen["lines"][0]["case"]
    another_amount(world, case, 5_000_000)
    late = world.ask("sue", "POST", f"{path}/agree", json={"seen": seen["seen"], "size": 4})
    assert (late.status_code, late.json()["type"]) == (409, "urn:applyfree:problem:changed_since")
    now = world.ask("sue", "GET", path).json()["picture"]
    assert [(one["case"], one["why"]) for one in now["left_out"]] == [(case, "changed")]
    assert now["totals"] == [{"unit": "CNY", "amount_minor": 3 * 20_000}]
    assert agree(world, act["act"]).status_code == 200
    assert carry_out_agreed(world.parts.engine, NOW + HALF_AN_HOUR)[act["act"]] == (3, 1)
    assert world.ask("ann", "GET", path).json()["left"] == [case]


def test_a_proposal_is_returned_or_taken_back(world: World) -> None:
    for name in ("sue", "ann"):
        numbers = some_cases(world, 2017 if name == "ann" else 2018, 2)
        act = proposed(world, numbers)
        back = world.ask(name, "POST", f"/bulk-acts/{act['act']}/return")
        assert (back.status_code, back.json()["state"]) == (200, "returned")
        assert agree_again(world, act["act"]).status_code == 409
        assert look(world, numbers).json()["size"] == 2


def agree_again(world: World, number: int) -> httpx.Response:
    return world.ask("sue", "POST", f"/bulk-acts/{number}/agree", json={"seen": "0" * 64, "size": 2})


def test_nothing_is_taken_away_from_many_and_no_more_than_200(world: World) -> None:
    numbers = some_cases(world, 2019, 2)
    body = said(look(world, numbers).json())
    for verdict in sorted(TAKING_AWAY):
        assert look(world, numbers, verdict=verdict.value).status_code == 422
        assert world.ask("ann", "POST", "/bulk-acts", json={**body, "verdict": verdict.value}).status_code == 422
    assert look(world, list(range(1, 202))).status_code == 422
    many = [{"case": one, "revision": 0} for one in range(1, 202)]
    assert world.ask("ann", "POST", "/bulk-acts", json={**body, "cases": many}).status_code == 422
    paths = description(routes(world.parts))["paths"]
    verdicts = next(
        one["schema"]["enum"]
        for one in paths["/api/v1/bulk-acts/preview"]["get"]["parameters"]
        if one["name"] == "verdict"
    )
    assert set(verdicts) == {"grant", "offer", "ask"}


def test_nobody_acts_on_their_own_file_among_many(world: World) -> None:
    numbers = some_cases(world, 2020, 3)
    act = proposed(world, some_cases(world, 2021, 3))
    opened(world, act)
    posted_as(world, "sue", world.people["cleo"])
    try:
        seen = look(world, numbers, "sue").json()
        assert [one["why"] for one in seen["picture"]["left_out"]] == ["not_there"]
        assert seen["size"] == 2
        assert world.ask("sue", "GET", f"/bulk-acts/{act['act']}").status_code == 404
        assert act["act"] not in waiting(world, "sue")
    finally:
        posted_as(world, "sue", None)
    assert world.ask("sue", "GET", f"/bulk-acts/{act['act']}").status_code == 200


def posted_as(world: World, name: str, person: str | None) -> None:
    """The security administrator notes who a supervisor is; their sessions end, and they log in again."""
    posting = {"roles": ["supervisor"], "district": world.here, "programmes": ["*"], "person": person}
    assert world.ask("sec", "PUT", f"/admin/accounts/{name}/posting", json=posting).status_code == 200
    with world.parts.engine.begin() as connection:
        world.sessions[name] = open_session(connection, Identity(ISSUER, name, True), NOW)


@pytest.mark.parametrize("name", ["ann", "sue"])
def test_whoever_is_taken_out_of_service_carries_nothing_out(world: World, name: str) -> None:
    """An account closed within the half hour: what it proposed or agreed to is open again, for others to look at."""
    numbers = some_cases(world, 2024 if name == "ann" else 2025, 2)
    act = proposed(world, numbers)
    opened(world, act)
    assert agree(world, act["act"]).status_code == 200
    state = f"/admin/accounts/{name}/state"
    assert world.ask("sys", "PUT", state, json={"active": False}).status_code == 200
    assert carry_out_agreed(world.parts.engine, NOW + HALF_AN_HOUR)[act["act"]] == (0, 2)
    assert world.ask("sys", "PUT", state, json={"active": True}).status_code == 200
    with world.parts.engine.begin() as connection:
        assert {read_case(connection, one).state for one in numbers} == {"open"}
        world.sessions[name] = open_session(connection, Identity(ISSUER, name, True), NOW)


def test_twice_the_same_proposal_is_one_act(world: World) -> None:
    body = said(look(world, some_cases(world, 2022, 2)).json())
    made = [world.ask("ann", "POST", "/bulk-acts", key="many-once-1", json=body) for _ in "ab"]
    assert made[0].content == made[1].content
    assert made[0].status_code == made[1].status_code == 201
