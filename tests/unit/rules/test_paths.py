"""Relations followed from few subjects lead where they lead from many."""

from __future__ import annotations

import numpy as np
import pytest

from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.subjects import PERSON
from rules import paths
from rules.paths import Links, Step
from tests import sweep_world


@pytest.fixture
def links() -> Links:
    subjects = sweep_world.cn_rulebook().vocabulary.subjects
    tables = sweep_world.made_tables(400)
    people = tables[PERSON]
    # Some households and mothers are on no list, and nobody is anybody's household.
    tables["household"] = tables["household"].head(100)
    assert (people["spouse_id"] == NONE).any()
    kept = {
        kind: table.select(ID, *(n for n in subjects.links if n in table.columns)) for kind, table in tables.items()
    }
    return Links({**kept, PERSON: kept[PERSON].head(350)}, subjects)


def steps(links: Links) -> list[Step]:
    groups = [Step(way, name) for name in links.subjects.groups for way in ("to_group", "members")]
    relations = [Step(way, name) for name in links.subjects.relations for way in ("related", "named_by")]
    return [*groups, *relations]


def test_few_lead_where_many_lead(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    reached = 0
    for step in steps(links):
        start = step.reversed().arrives_at
        rows = np.flatnonzero(rng.random(links.tables.count(start)) < 0.3)
        monkeypatch.setattr(paths, "FEW", 0)
        by_id = links.arrive(step, rows)
        monkeypatch.setattr(paths, "FEW", 10**9)
        by_index = links.arrive(step, rows)
        assert by_id.tolist() == by_index.tolist(), step
        reached += len(by_id)
    assert reached > 100
