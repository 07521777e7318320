"""Whom a chunk needs: also the persons of a household, or the children of a mother, whom no register describes."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.paths import Links, Step, needed, touched
from tests.sweep_world import cn_rulebook

HOME = (Step("to_group", "household"), Step("members", "household"))
SIBLINGS = (Step("related", "parents"), Step("related", "children"))


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
    links = Links({"person": people}, cn_rulebook().vocabulary.subjects)
    for way, found in ((HOME, [0, 1]), (SIBLINGS, [0, 3])):
        chains = frozenset({(), way[:1], way})
        reach = needed(links, {"person": np.array([0])}, {"person": chains})
        assert reach["person"].tolist() == found
        assert reach.get("household", np.zeros(0)).tolist() == []
        assert touched(links, {"person": np.array([found[1]])}, "person", chains).tolist() == found
