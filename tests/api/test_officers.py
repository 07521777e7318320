"""What officers do over HTTP, with the real services behind: from the queue to the second person, help, the glass."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from serving.casework.cases import Subject, open_case
from serving.casework.clocks import Kind
from serving.casework.states import Actor, State
from tests.api_world import NOW, World
from tests.casework_world import an_entitlement, moved


def a_case(world: World, period: str, *, over_cap: bool = True) -> tuple[int, int]:
    """A case in nobody's hands, about something above its cap; its number, and the entitlement's."""
    kind, _, number = world.people["cleo"].partition(":")
    with world.parts.engine.begin() as connection:
        found = an_entitlement(
            connection, number, kind=kind, period=period, district=world.here, over_cap=over_cap, tier="automatic",
        )  # fmt: skip
        moved(connection, found, State.REVIEW)
        of = Subject(kind, number, world.here, found.benefit, found.id)
        why = [{"code": "above_cap"}]
        made = open_case(connection, Kind.REVIEW, of, why, (Actor.SYSTEM, "test"), NOW, world.parts.clocks)
    return made.id, found.id


def act(world: World, name: str, case: int, what: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 (JSON)
    """One step on a case as it stands now."""
    tag = world.ask(name, "GET", f"/cases/{case}").headers["ETag"]
    more: dict[str, Any] = {} if body is None else {"json": body}
    answer = world.ask(name, "POST", f"/cases/{case}/{what}", headers={"If-Match": tag}, **more)
    assert answer.status_code == 200, (what, answer.text)
    return answer.json()


def state_of(world: World, entitlement: int) -> str:
    with world.owner.connect() as connection:
        query = text("SELECT state FROM entitlement WHERE id = :id")
        return str(connection.execute(query, {"id": entitlement}).scalar_one())


def test_from_the_queue_to_the_second_person(world: World) -> None:
    case, entitlement = a_case(world, "2025-01")
    waiting = world.ask("ann", "GET", "/cases?limit=100").json()["cases"]
    assert case in [one["case"] for one in waiting]
    assert act(world, "ann", case, "claim")["lease_holder"] == "ann"

    shown = world.ask("ann", "GET", f"/cases/{case}").json()
    assert shown["own_view_recorded"] is False
    assert shown["sections"]
    assert not {"recommendation", "verdict", "priority"} & set(shown)
    early = world.ask("ann", "GET", f"/cases/{case}/recommendation")
    assert early.status_code in (403, 409), early.text
    assert "verdict" not in early.json()

    act(world, "ann", case, "view", {"view": "grant"})
    told = world.ask("ann", "GET", f"/cases/{case}/recommendation")
    assert told.json()["verdict"] == "grant", told.text

    decided = act(world, "ann", case, "decision", {"verdict": "grant"})
    assert (decided["state"], decided["needs_second"], decided["second"]) == ("proposed", True, None)
    assert state_of(world, entitlement) == "review"

    own = world.ask("ann", "GET", f"/cases/{case}").headers["ETag"]
    alone = world.ask("ann", "POST", f"/cases/{case}/second", headers={"If-Match": own}, json={"agree": True})
    assert alone.status_code in (403, 404, 409), alone.text
    assert state_of(world, entitlement) == "review"

    agree(world, "ben", case)
    assert state_of(world, entitlement) == "approved"
    with world.owner.connect() as connection:
        query = text("SELECT count(*) FROM outbox WHERE entitlement = :id")
        assert connection.execute(query, {"id": entitlement}).scalar_one() == 1
    found = world.ask("aud", "GET", f"/audit/cases/{case}/decisions").json()["decisions"]
    assert [(one["officer"], one["second"], one["state"]) for one in found] == [("ann", "ben", "in_force")]


def agree(world: World, name: str, case: int) -> None:
    """A second person looks at a proposal for themself, and agrees."""
    act(world, name, case, "claim")
    hidden = world.ask(name, "GET", f"/cases/{case}/proposal")
    assert hidden.status_code in (403, 409), hidden.text
    act(world, name, case, "view", {"view": "grant"})
    assert world.ask(name, "GET", f"/cases/{case}/proposal").json()["verdict"] == "grant"
    assert act(world, name, case, "second", {"agree": True})["state"] == "in_force"


def test_nothing_is_taken_away_by_one(world: World) -> None:
    case, entitlement = a_case(world, "2025-02", over_cap=False)
    act(world, "ann", case, "claim")
    act(world, "ann", case, "view", {"view": "refuse"})
    tag = world.ask("ann", "GET", f"/cases/{case}").headers["ETag"]
    bare = world.ask("ann", "POST", f"/cases/{case}/decision", headers={"If-Match": tag}, json={"verdict": "deny"})
    assert bare.status_code in (403, 409, 422), bare.text
    why = {
        "verdict": "deny",
        "reason_code": "LAW_EXCEPTION",
        "words": "档案与登记不一致，已当面核实。",
        "clause": "第七条",
    }
    assert act(world, "ann", case, "decision", why)["state"] == "proposed"
    assert state_of(world, entitlement) == "review"


def test_two_officers_who_read_the_same_case(world: World) -> None:
    """The second to act is told what the first did, and nothing of theirs happens."""
    case, _ = a_case(world, "2025-03")
    tags = {name: world.ask(name, "GET", f"/cases/{case}").headers["ETag"] for name in ("ann", "ben")}
    said = {
        name: world.ask(name, "POST", f"/cases/{case}/claim", headers={"If-Match": tag}) for name, tag in tags.items()
    }
    assert said["ann"].status_code == 200, said["ann"].text
    assert said["ben"].status_code in (403, 409, 412), said["ben"].text
    act(world, "ann", case, "release")
    late = world.ask("ben", "POST", f"/cases/{case}/claim", headers={"If-Match": tags["ben"]})
    assert late.status_code == 412, late.text
    assert [one["action"] for one in late.json()["changes"]] == ["leased", "released"]
    assert {one["actor"] for one in late.json()["changes"]} == {"ann"}
    assert late.headers["ETag"] != tags["ben"]
    assert act(world, "ben", case, "claim")["lease_holder"] == "ben"


def test_live_help_shows_what_the_citizen_sees_and_no_more(world: World) -> None:
    code = world.ask("alice", "POST", "/me/help-code").json()["code"]
    helped = world.ask("far", "POST", "/live-help", json={"code": code})
    assert helped.status_code == 200, helped.text
    again = world.ask("ben", "POST", "/live-help", json={"code": code})
    assert again.status_code == 404
    pages = f"/live-help/{helped.json()['help']}"
    shown = world.ask("far", "GET", f"{pages}/benefits").json()["benefits"]
    own = world.ask("alice", "GET", "/me/benefits").json()["benefits"]
    benefits = {one["benefit"] for one in own}
    assert shown
    assert {one["benefit"] for one in shown} <= benefits
    assert world.ask("ben", "GET", f"{pages}/benefits").status_code in (403, 404)
    page = world.ask("far", "GET", f"{pages}/benefits/{shown[0]['benefit']}").json()
    assert page["sections"] == world.ask("alice", "GET", f"/me/benefits/{shown[0]['benefit']}").json()["sections"]
    looks = world.ask("alice", "GET", "/me/reads?limit=50").json()["looks"]
    assert any("Office of far" in str(one) for one in looks)

    later = world.clock.now
    world.clock.now = later.replace(minute=later.minute + 16)
    try:
        assert world.ask("far", "GET", f"{pages}/benefits").status_code in (401, 403, 404)
    finally:
        world.clock.now = later


def test_of_two_who_claim_at_once_one_has_it(world: World) -> None:
    """Both read the same revision and both ask at the same moment: the loser is told who came first."""
    for number in range(1, 6):
        case, _ = a_case(world, f"2024-{number:02d}")
        tag = world.ask("ann", "GET", f"/cases/{case}").headers["ETag"]
        with ThreadPoolExecutor(2) as two:
            sent = [
                two.submit(world.ask, name, "POST", f"/cases/{case}/claim", headers={"If-Match": tag})
                for name in ("ann", "ben")
            ]
        said = sorted((one.result() for one in sent), key=lambda one: one.status_code)
        assert said[0].status_code == 200, said[0].text
        assert said[1].status_code in (403, 409, 412), said[1].text
        if said[1].status_code in (409, 412):
            assert [one["action"] for one in said[1].json()["changes"]] == ["leased"]


def test_a_broken_glass_opens_one_file_and_is_seen(world: World) -> None:
    subject, number = world.people["bob"], world.cases["there"]
    assert world.ask("ann", "GET", f"/cases/{number}").status_code in (403, 404)
    short = world.ask("ann", "POST", "/glass", json={"subject": subject, "reason": "urgent"})
    assert short.status_code == 422
    reason = "老人昏倒在窗口，家属联系不上，需立即核对待遇。"
    broken = world.ask("ann", "POST", "/glass", json={"subject": subject, "reason": reason})
    assert broken.status_code == 200, broken.text
    assert world.ask("ann", "GET", f"/cases/{number}").status_code == 404, (
        "nobody acts in an emergency without saying so"
    )
    read = world.ask("ann", "GET", f"/cases/{number}", headers={"X-Purpose": "emergency"})
    assert read.status_code == 200, read.text
    assert world.ask("ben", "GET", f"/cases/{number}").status_code in (403, 404)
    claimed = world.ask("ann", "POST", f"/cases/{number}/claim", headers={"If-Match": read.headers["ETag"]})
    assert claimed.status_code in (403, 404), "a glass is for reading"
    with world.owner.connect() as connection:
        of = {"id": broken.json()["glass"]}
        kept = connection.execute(text("SELECT reason FROM broken_glass WHERE id = CAST(:id AS uuid)"), of).scalar_one()
        told = connection.execute(text("SELECT supervisor FROM supervisor_told WHERE glass = CAST(:id AS uuid)"), of)
        assert told.scalars().all() == ["sue"]
    assert "昏倒".encode() not in bytes(kept)
    looks = world.ask("bob", "GET", "/me/reads?limit=50").json()["looks"]
    assert any("Office of ann" in str(one) for one in looks)
