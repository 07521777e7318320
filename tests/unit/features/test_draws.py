"""Draws for what the survey does not say."""

from __future__ import annotations

import numpy as np

from features.cps.draws import Draws

KEYS = np.arange(20_000, dtype=np.int64)


def test_a_draw_depends_on_seed_key_and_word_alone() -> None:
    first, again = Draws(KEYS, 7).share("rent"), Draws(KEYS[::-1].copy(), 7).share("rent")[::-1]
    assert (first == again).all()
    assert (first != Draws(KEYS, 8).share("rent")).mean() > 0.99
    assert (first != Draws(KEYS, 7).share("phone")).mean() > 0.99


def test_shares_are_evenly_spread() -> None:
    share = Draws(KEYS, 7).share("rent")
    assert share.min() >= 0
    assert share.max() < 1
    assert np.allclose(np.quantile(share, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.02)


def test_whole_numbers_reach_both_ends() -> None:
    drawn = Draws(KEYS, 7).whole("age", 3, 5)
    assert sorted(set(drawn.tolist())) == [3, 4, 5]
