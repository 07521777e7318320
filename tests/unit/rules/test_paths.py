"""Relations are followed alike from few subjects and from many, and through whom only links name."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.subjects import PERSON
from rules import paths
from rules.paths import Links, Step, needed, touched
from tests import sweep_world

HOME = (Step("to_group", "household"), Step("members", "household"))
SIBLINGS = (Step("related", "parents"), Step("related", "children"))


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


def test_relations_lead_through_whom_only_links_name() -> None:
    people = pl.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "household_id": ["h", "h", "x", None],
            "mother_id": ["m", None, "n", "m"],
            "father_id": pl.Series([None] * 4, dtype=pl.String),
            "spouse_id": pl.Series([None] * 4, dtype=pl.String),
            "guardian_id": pl.Series([None] * 4, dtype=pl.String),
        }
    )
    links = Links({"person": people}, sweep_world.cn_rulebook().vocabulary.subjects)
    for way, found in ((HOME, [0, 1]), (SIBLINGS, [0, 3])):
        chains = frozenset({(), way[:1], way})
        reach = needed(links, {"person": np.array([0])}, {"person": chains})
        assert reach["person"].tolist() == found
        assert reach.get("household", np.zeros(0)).tolist() == []
        assert touched(links, {"person": np.array([found[1]])}, "person", chains).tolist() == found
