"""Who is asked for which benefits: written down, read again, and answered for no more than that."""

from __future__ import annotations

import copy

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from features.facts.encoding import ID
from rules.evaluate.batch import BatchEvaluator
from serving.sweep.asking import Asked, spelled_mask
from tests import sweep_world
from tests.sweep_world import ON_DATE

NAMES = [f"benefit_{number}" for number in range(70)]


def test_choices_come_back_as_they_were_written() -> None:
    mask = np.random.default_rng(1).random((40, len(NAMES))) < 0.5
    mask[3], mask[4], mask[5:9] = True, False, mask[5]
    asked = Asked(np.arange(100, 140), mask)
    words = asked.spelled(NAMES)
    assert words[3] is None
    assert words[4] == ""
    assert (spelled_mask(words, NAMES) == mask).all()
    assert sorted(place for _, places in asked.alike() for place in places.tolist()) == list(range(40))
    assert len(list(asked.alike())) == 37
    whole = Asked.everything(np.arange(5), len(NAMES))
    assert whole.spelled(NAMES).null_count() == 5
    assert spelled_mask(whole.spelled(NAMES), NAMES).all()
    assert asked.at(np.array([103, 139])).benefits.tolist() == mask[[3, 39]].tolist()


def test_some_rows_are_answered_as_among_all() -> None:
    evaluator = BatchEvaluator(sweep_world.cn_rulebook(), ON_DATE)
    tables = sweep_world.made_tables(300)
    whole = evaluator.evaluate(tables)
    rng = np.random.default_rng(2)
    some = {kind: [rng.random(table.height) < share for share in (0.1, 1.0)] for kind, table in tables.items()}
    chosen = {
        benefit: some[plan.benefit.subject][number % 2]
        for number, (benefit, plan) in enumerate(evaluator.plans.items())
    }
    answered = 0
    for benefit, frame in evaluator.stream_some(tables, chosen):
        assert_frame_equal(frame, whole[benefit].filter(pl.Series(chosen[benefit])))
        answered += frame.height
    assert answered == sum(int(mask.sum()) for mask in chosen.values())


def test_a_rulebook_that_travels_to_a_worker_gives_the_same_answers() -> None:
    book = sweep_world.cn_rulebook()
    tables = sweep_world.made_tables(200)
    travelled = copy.deepcopy(book)  # by the protocol by which it is handed to a process
    assert travelled.content_hash == book.content_hash
    for day in (ON_DATE, ON_DATE.replace(year=2027)):  # one that was planned before it left, and one that was not
        here, there = (BatchEvaluator(one, day).evaluate(tables) for one in (book, travelled))
        assert here.keys() == there.keys()
        for benefit, frame in here.items():
            assert_frame_equal(frame, there[benefit])
    assert tables["person"][ID].n_unique() == 200
