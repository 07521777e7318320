"""Queues are kept in a promoted model's order by themselves; without one they stay, and nothing else moves."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.catalogue_evidence.inputs import CatalogueInputs
from models.fitted import FittedModel
from models.lifecycle.loading import Mode, Standing
from models.trees import grow
from serving import case_order, evidence
from serving.case_order import CaseOrder
from serving.casework.queues import desk_in, waiting
from serving.commands.periodic import ordering_tasks
from tests.day_world import AT, City

EVERYTHING = (
    "SELECT kind, subject, benefit, period, state, tier, revision, amount_minor FROM entitlement ORDER BY id",
    "SELECT kind, subject, benefit, state, revision, due_at, escalation FROM case_file ORDER BY id",
    "SELECT count(*) FROM move", "SELECT count(*) FROM case_event",
)  # fmt: skip


def a_champion(city: City, *, foreign: bool = False) -> Standing:
    """Real trees over what the swept catalogue reads; too few people live here to be learned from in earnest."""
    inputs: CatalogueInputs = evidence.latest_sweep(city.home, city.server.url).inputs
    rng = np.random.default_rng(1)
    answers = rng.integers(0, 2, 400)
    columns = {one.name: rng.random(400) + answers for one in inputs.listed if one.name != "benefit_code"}
    if foreign:
        columns["a_fact_of_another_catalogue"] = rng.random(400)
    trees = grow(pl.DataFrame(columns), answers, dict.fromkeys(columns, 0))
    return Standing(Mode.CHAMPION, FittedModel("missing_evidence", trees, {}, {}), "ab" * 32)


def queue(city: City) -> list[int]:
    areas = city.ground().pinned.rulebook.vocabulary.areas
    (country,) = (code for code, area in areas.by_code.items() if area.parent is None)
    with city.engine.connect() as connection:
        return [case.id for case in waiting(connection, desk_in(areas, country), limit=1_000_000)]


def figures(city: City) -> list[tuple[object, ...]]:
    return city.rows("SELECT id, priority FROM case_file ORDER BY id")


def test_without_a_model_queues_are_left_alone(city: City) -> None:
    city.deliver()
    before = queue(city)
    assert len(before) > 5
    (task,) = ordering_tasks(city.home, city.server.url, None)
    task.work(city.engine, AT)
    assert CaseOrder(city.home, city.server.url).refresh(city.engine, AT) == 0  # an empty registry names no champion
    assert queue(city) == before
    assert {priority for _, priority in figures(city)} == {None}


def test_with_a_promoted_model_queues_follow_it_and_nothing_else_does(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.deliver()
    before, everything = queue(city), [city.rows(query) for query in EVERYTHING]
    standing = a_champion(city)
    monkeypatch.setattr(case_order, "champion_of", lambda home: standing)
    order = CaseOrder(city.home, city.server.url)
    assert order.refresh(city.engine, AT) > 0
    by_model, given = queue(city), figures(city)
    assert (sorted(by_model), by_model != before) == (sorted(before), True)
    # Nothing is new: nothing is reckoned again, not even to find that nothing changes.
    monkeypatch.setattr(case_order, "latest_sweep", lambda *_: pytest.fail("it was reckoned again"))
    assert order.refresh(city.engine, AT) == 0
    # The model is taken away: the last order stays.
    standing = Standing(Mode.RULES_ONLY, None)
    assert CaseOrder(city.home, city.server.url).refresh(city.engine, AT) == 0
    assert (queue(city), figures(city)) == (by_model, given)
    assert [city.rows(query) for query in EVERYTHING] == everything


def test_a_model_of_another_catalogue_orders_nothing(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.deliver()
    standing = a_champion(city, foreign=True)
    monkeypatch.setattr(case_order, "champion_of", lambda home: standing)
    assert CaseOrder(city.home, city.server.url).refresh(city.engine, AT) == 0
    assert {priority for _, priority in figures(city)} == {None}
