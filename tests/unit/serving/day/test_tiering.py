"""The tier step over real sweeps: everybody, once, by what changed; and what is in doubt never goes on by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from features.history.withholding import CITIZEN
from serving.day.tiering import count_tiers
from serving.delivery.errors import DeliveryError, NotSweptError, TermsMissingError
from serving.delivery.terms import load_programmes
from serving.delivery.tier import Tier
from serving.store.server import EmbeddedServer
from serving.sweep.account import Check
from tests import sweep_world
from tests.sweep_world import ON_DATE, emptied
from tests.tier_world import World, current_tiers, made_world
from tests.village_world import FOLDER

KEY = ["subject", "id", "benefit"]


@pytest.fixture
def world(server: EmbeddedServer, tmp_path: Path) -> Iterator[World]:
    session = emptied(server, tmp_path)
    yield made_world(server, session, tmp_path)
    session.close()


def anew(world: World) -> pl.DataFrame:
    """The tiers that a step makes of the whole last sweep, whatever was there before."""
    world.session.execute("ALTER TABLE tiering DISABLE TRIGGER USER")
    world.session.execute("ALTER TABLE tiering_run DISABLE TRIGGER USER")
    world.session.execute("DELETE FROM tiering")
    world.session.execute("DELETE FROM tiering_run")
    assert world.tier().run.is_full
    return current_tiers(world.session)


def test_every_determination_gets_a_tier_and_a_reason_once(world: World) -> None:
    with pytest.raises(NotSweptError):
        world.tier()
    swept = world.sweep()
    assert set(current_tiers(world.session)["tier"]) == {None}  # nothing may go on before its tier is computed
    done = world.tier(chunk=60)
    assert (done.was_done, done.subjects) == (False, swept.written)
    found = current_tiers(world.session)
    assert found.height == swept.determinations
    assert found["tier"].null_count() == found["reasons"].null_count() == 0
    tiers = dict(found.group_by("outcome").agg(pl.col("tier").unique()).iter_rows())
    assert set(tiers["ineligible"]) == {"none"}
    assert set(tiers["undetermined"]) <= {"ask", "review"}
    assert set(tiers["eligible"]) == {"automatic", "confirm", "ask", "review"}
    assert count_tiers(world.session).total() == found.height
    again = world.tier()
    assert (again.was_done, again.subjects) == (True, done.subjects)
    assert_frame_equal(current_tiers(world.session), anew(world))


def test_a_step_that_was_interrupted_goes_on_where_it_stopped(world: World) -> None:
    world.sweep()

    class KilledError(Exception):
        pass

    def kill(done: int, _total: int) -> None:
        if done > 100:
            raise KilledError

    from_here = world.session.execute("SELECT count(*) FROM tiering").fetchone()
    with pytest.raises(KilledError):
        world.tier(chunk=60, tell=kill)
    there = world.session.execute("SELECT count(*) FROM tiering").fetchone()
    assert from_here is not None
    assert there is not None
    assert int(str(there[0])) > int(str(from_here[0]))
    done = world.tier(chunk=45)  # other chunks than before
    assert done.subjects == world.session.execute("SELECT count(*) FROM standing").fetchone()[0]  # type: ignore[index]
    assert_frame_equal(current_tiers(world.session), anew(world))


def test_two_do_not_compute_at_once(world: World, server: EmbeddedServer) -> None:
    world.sweep()
    with psycopg.connect(server.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (0x4146544C,))
        with pytest.raises(DeliveryError, match="Another process"):
            world.tier()
    assert not world.tier().was_done


def granted(world: World) -> tuple[str, str]:
    """A person and a benefit that goes on automatically."""
    found = current_tiers(world.session).filter((pl.col("tier") == "automatic") & (pl.col("subject") == "person"))
    return str(found["id"][0]), str(found["benefit"][0])


def test_a_fact_that_is_disputed_changes_the_tier_though_it_changes_no_answer(world: World) -> None:
    """Only whom it touches is looked at, and all is as if everybody had been."""
    world.sweep()
    world.tier()
    before = current_tiers(world.session)
    person, benefit = granted(world)
    plan = sweep_world.cn_rulebook().in_force(ON_DATE)[benefit]
    answered = before.filter((pl.col("id") == person) & (pl.col("benefit") == benefit))
    moments = 0
    for fact in (name for name in plan.names if name in world.views[0].facts):
        moments += 1
        world.now += dt.timedelta(hours=1)
        world.history.tickets.open("person", person, fact, "test", "DATA_WRONG", world.now, ON_DATE)
        world.sweep()
        done = world.tier()
        assert not done.run.is_full
        now = current_tiers(world.session)
        touched = now.join(before, on=[*KEY, "tier"], how="anti", nulls_equal=True)
        assert touched.height < before.height / 10
        mine = now.filter((pl.col("id") == person) & (pl.col("benefit") == benefit))
        assert mine["tier"].to_list() == ["review"]
        assert fact in mine["reasons"][0]
        if mine["outcome"].to_list() == answered["outcome"].to_list():
            break
    assert moments
    assert_frame_equal(current_tiers(world.session), anew(world))


@pytest.mark.long
def test_what_is_withheld_asks_for_a_confirmation_where_the_answer_stands_without_it(world: World) -> None:
    world.sweep()
    world.tier()
    person, benefit = granted(world)
    names = sweep_world.cn_rulebook().in_force(ON_DATE)[benefit].names
    for fact in (name for name in names if name in world.views[0].facts):
        world.now += dt.timedelta(hours=1)
        world.history.withholding.withhold("person", person, fact, CITIZEN, world.now)
        world.sweep()
        world.tier()
        mine = current_tiers(world.session).filter((pl.col("id") == person) & (pl.col("benefit") == benefit))
        stands = mine["outcome"][0] == "eligible" and not mine["missing"][0].to_list()
        assert mine["tier"][0] == ("confirm" if stands else "review")
        world.history.withholding.release("person", person, fact, CITIZEN, world.now)
    world.sweep()
    world.tier()
    assert granted(world) == (person, benefit)


@pytest.mark.long
def test_days_of_news_end_as_a_whole_look_ends(world: World) -> None:
    world.sweep()
    world.tier()
    tables = sweep_world.made_tables(150)
    for day in range(1, 4):
        changed = sweep_world.changed_tables(tables, 0.02, day)
        for kind, table in changed.items():
            old = tables[kind]
            world.tell(kind, table.join(old, on=old.columns, how="anti", nulls_equal=True))
        tables = changed
        world.sweep(ON_DATE + dt.timedelta(days=day))
        done = world.tier()
        assert not done.run.is_full
        assert 0 < done.subjects < tables["person"].height
        assert current_tiers(world.session)["tier"].null_count() == 0
    assert_frame_equal(current_tiers(world.session), anew(world))


def test_a_sweep_whose_check_did_not_pass_grants_nothing_automatically(world: World) -> None:
    world.sweep(guard=lambda _sweep: Check(passed=False, said=("The stores have parted.",)))
    world.tier()
    found = current_tiers(world.session)
    assert "automatic" not in set(found["tier"])
    assert (
        found.filter(pl.col("reasons").str.contains("check_failed"))["tier"].is_in(["confirm", "review", "ask"]).all()
    )
    world.sweep(ON_DATE + dt.timedelta(days=1), guard=lambda _sweep: Check(passed=True, said=()))
    assert world.tier().run.is_full  # what was held back for the check's sake is ruled on anew
    assert "automatic" in set(current_tiers(world.session)["tier"])


def test_other_terms_rule_on_everybody_anew(world: World) -> None:
    world.sweep()
    world.tier()
    person, benefit = granted(world)
    programmes = load_programmes()
    careful = replace(programmes.of(benefit), reversible=False)
    changed = replace(programmes, terms={**programmes.terms, benefit: careful})
    world.sweep(ON_DATE + dt.timedelta(days=1))
    assert world.tier(changed).run.is_full
    mine = current_tiers(world.session).filter((pl.col("id") == person) & (pl.col("benefit") == benefit))
    assert mine["tier"].to_list() == [Tier.CONFIRM.value]


def test_a_benefit_without_terms_stops_the_step(world: World) -> None:
    world.sweep()
    with pytest.raises(TermsMissingError):
        world.tier(load_programmes(FOLDER / "programmes.yaml"))


def test_a_ceiling_holds_for_what_is_less_careful_and_for_nothing_else(world: World) -> None:
    world.sweep()
    world.tier()
    person, benefit = granted(world)
    world.session.execute(
        "INSERT INTO demotion (benefit, register, cause, detail, ceiling, since) "
        "VALUES (%s, 'test', 'delivery_refused', '', 'confirm', now())",
        (benefit,),
    )
    found = current_tiers(world.session)
    demoted = found.filter(pl.col("tier") != pl.col("effective_tier"))
    assert set(demoted["benefit"]) == {benefit}
    assert set(zip(demoted["tier"], demoted["effective_tier"], strict=True)) == {("automatic", "confirm")}
    assert person in demoted["id"].to_list()
