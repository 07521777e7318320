"""What citizens read and do: their own, their helpers', nobody else's."""

from __future__ import annotations

from sqlalchemy import text

from tests.api_world import World


def test_every_answer_is_told_with_its_outcome(world: World) -> None:
    found = world.ask("alice", "GET", "/me/benefits")
    assert found.status_code == 200, found.text
    benefits = found.json()["benefits"]
    with world.owner.connect() as connection:
        query = text("SELECT count(*) FROM current_determination WHERE subject || ':' || id = ANY(:mine)")
        mine = [world.people["alice"], *_household(world, "alice")]
        assert len(benefits) == connection.execute(query, {"mine": mine}).scalar_one() > 20
    assert {one["outcome"] for one in benefits} >= {"ineligible"}


def test_each_answer_explains_itself_in_both_languages(world: World) -> None:
    for one in world.ask("alice", "GET", "/me/benefits").json()["benefits"]:
        for language in ("zh", "en"):
            found = world.ask("alice", "GET", f"/me/benefits/{one['benefit']}?lang={language}")
            assert found.status_code == 200, found.text
            assert found.json()["outcome"] == one["outcome"]
            assert found.json()["sections"]


def test_a_yes_needs_the_revision_that_was_read_and_has_one_effect(world: World) -> None:
    path = f"/me/offers/{world.offers['alice']}"
    shown = world.ask("alice", "GET", path)
    assert shown.json()["state"] == "offered"
    tag = shown.headers["ETag"]
    assert world.ask("alice", "POST", f"{path}/confirm").status_code == 428
    assert world.ask("alice", "POST", f"{path}/confirm", headers={"If-Match": '"r0"'}).status_code == 412
    said = [world.ask("alice", "POST", f"{path}/confirm", headers={"If-Match": tag}, key="yes-alice-1") for _ in "ab"]
    assert [one.status_code for one in said] == [200, 200], said[0].text
    assert said[0].content == said[1].content
    assert said[0].json()["state"] == "confirmed"
    stale = world.ask("alice", "POST", f"{path}/refuse", headers={"If-Match": tag})
    assert stale.status_code == 412
    assert stale.json()["changes"][0]["action"] == "confirmed"


def test_what_is_anothers_is_not_there(world: World) -> None:
    assert world.ask("bob", "GET", f"/me/offers/{world.offers['alice']}").status_code == 404
    assert world.ask("bob", "GET", "/me/offers/999999999").status_code == 404


def test_a_helper_sees_the_one_offer_and_may_answer_it(world: World) -> None:
    found = world.ask("alice", "GET", "/helping").json()["offers"]
    assert [one["entitlement"] for one in found] == [world.offers["bob"]]
    assert world.ask("alice", "GET", f"/me/offers/{world.offers['bob']}").status_code == 200
    assert world.ask("alice", "GET", f"/me/offers/{world.offers['notice']}").status_code == 404


def test_wishes_objections_and_people(world: World) -> None:
    assert world.ask("cleo", "PUT", "/me/wishes/no-pushes").json()["no_pushes"] is True
    assert world.ask("cleo", "DELETE", "/me/wishes/no-pushes").json()["no_pushes"] is False
    made = world.ask("cleo", "POST", "/me/person", json={"words": "请打电话给我。"})
    assert made.status_code == 200, made.text
    objected = world.ask(
        "cleo", "POST", "/me/objections", json={"benefit": "advanced_age_allowance", "words": "我已经八十岁。"}
    )
    assert objected.status_code == 200, objected.text
    noticed = world.ask(
        "cleo", "POST", f"/public-notices/{world.offers['notice']}/objection", json={"words": "不是这样。"}
    )
    assert noticed.status_code == 200, noticed.text


def test_who_looked_at_my_data_is_told(world: World) -> None:
    world.ask("alice", "GET", "/me/benefits")
    looks = world.ask("alice", "GET", "/me/reads").json()["looks"]
    assert looks
    assert {one["tie"] for one in looks} <= {"own", "grant"}
    page = world.ask("alice", "GET", "/me/reads?limit=1").json()
    assert page["next"] is not None
    assert world.ask("alice", "GET", "/me/reads", params={"cursor": page["next"]}).status_code == 200


def test_my_data_are_my_own(world: World) -> None:
    found = world.ask("alice", "GET", "/me/data")
    assert found.status_code == 200, found.text
    assert found.json()["facts"]


def test_what_could_i_get_is_what_the_engine_acts_upon(world: World) -> None:
    """Row 3: whoever asks learns the same as whoever is told."""
    for name in ("alice", "bob", "cleo", "firm"):
        asked = world.ask(name, "GET", "/me/possibilities").json()
        pulled = {(one["of"], one["benefit"]) for one in asked["eligible"]}
        mine = [world.people[name], *_household(world, name)]
        query = text("""SELECT subject, benefit FROM current_tier
                        WHERE subject || ':' || id = ANY(:mine) AND outcome = 'eligible'""")
        with world.owner.connect() as connection:
            pushed = {(row.subject, row.benefit) for row in connection.execute(query, {"mine": mine})}
        assert pulled == pushed


def _household(world: World, name: str) -> list[str]:
    with world.parts.engine.connect() as connection:
        found = world.parts.gate.kin.subjects_of(connection, world.people[name], world.clock.now)
    return sorted(found)
