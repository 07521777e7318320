"""Doubts: what the history cannot vouch for, and the way it takes along the relations of the rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.facts.encoding import ID
from features.facts.subjects import PERSON
from features.facts.values import Gap, Unknown
from rules.paths import Links, chains_by_kind, needed
from serving.day.doubts import Around
from tests.gates.gappy_city import KNOWN_AT, ON_DATE, cn_vocabulary, gappy_city
from tests.sweep_world import cn_rulebook, made_tables


def test_what_is_unsettled_is_what_each_subject_alone_says(tmp_path: Path) -> None:
    """Of many at once as of one at a time, for every kind of gap; nobody is named of whom something is not held."""
    vocabulary = cn_vocabulary()
    history = gappy_city(tmp_path, vocabulary, 80, 4)
    met: set[Gap] = set()
    for kind in ("person", "household", "enterprise"):
        facts = [fact.id for fact in vocabulary.dictionary.of_subject(kind)]
        ids = history.subjects(kind, KNOWN_AT).head(25).to_list()
        found = set(history.unsettled(kind, ON_DATE, KNOWN_AT, facts, ids).iter_rows())
        expected = {
            (subject, fact, holding.gap.value)
            for subject in ids
            for fact, holding in history.holdings(kind, subject, ON_DATE, KNOWN_AT, facts).items()
            if isinstance(holding, Unknown) and holding.gap is not Gap.NOT_HELD
        }
        assert found == expected
        met |= {Gap(gap) for _, _, gap in found}
        everybody = history.unsettled(kind, ON_DATE, KNOWN_AT, facts)
        assert set(everybody.filter(pl.col(ID).is_in(ids)).iter_rows()) == expected
    assert met == set(Gap) - {Gap.NOT_HELD}


def links_of(persons: int, seed: int) -> Links:
    """Made people by their links alone."""
    subjects = cn_rulebook().vocabulary.subjects
    tables = made_tables(persons, seed)
    named = {kind: [name for name in table.columns if name in subjects.links] for kind, table in tables.items()}
    return Links({kind: table.select(ID, *named[kind]) for kind, table in tables.items()}, subjects)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_doubt_goes_back_the_way_that_the_rules_look(seed: int) -> None:
    """Pair by pair the same subjects as following all of them at once, for every chain of every shipped benefit."""
    links = links_of(300, seed)
    around = Around(links.tables.frames[PERSON], links.subjects)
    rng = np.random.default_rng(seed)
    led = 0
    for kind, chains in chains_by_kind(cn_rulebook().in_force(ON_DATE)).items():
        for chain in sorted((one for one in chains if one), key=str):
            end = links.ids(chain[-1].arrives_at)
            rows = np.sort(rng.choice(len(end), max(1, len(end) // 10), replace=False)).astype(np.int64)
            pairs = around.back(chain, end.gather(rows))
            listed = pairs.filter(pl.col(ID).is_in(links.ids(kind).implode()))
            assert set(listed[ID]) == set(links.ids(kind).gather(links.back(chain, rows))), chain
            led += listed.height
    assert led > 50


def test_a_chunk_holds_everybody_through_whom_a_doubt_may_come() -> None:
    """What is needed for some subjects is enough to find who leads to them."""
    links = links_of(300, 4)
    by_kind = chains_by_kind(cn_rulebook().in_force(ON_DATE))
    asked = {kind: np.arange(0, links.tables.count(kind), 7, dtype=np.int64) for kind in by_kind}
    reach = needed(links, asked, by_kind)
    persons = links.tables.frames[PERSON]
    whole, part = (Around(table, links.subjects) for table in (persons, persons[reach[PERSON]]))
    for kind, chains in by_kind.items():
        mine = pl.col(ID).is_in(links.ids(kind).gather(asked[kind]).implode())
        for chain in (one for one in chains if one):
            end = links.ids(chain[-1].arrives_at)
            pairs = whole.back(chain, end).filter(mine)
            assert set(part.back(chain, end).filter(mine).iter_rows()) == set(pairs.iter_rows()), chain
