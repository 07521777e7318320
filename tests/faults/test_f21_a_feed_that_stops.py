"""Fault F21: a department's feed stops. What it said grows too old; nothing is granted or refused on it any more."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from features.facts.values import Gap, Known, Unknown
from features.history.history import History
from features.made.by_type import tables_by_type
from rules.catalogue import load_catalogue
from rules.evaluate.batch import UNDETERMINED, BatchEvaluator
from rules.rulebook import Rulebook
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from tests.gates.gappy_city import SECOND_SUFFIX, completed, deliver, register_views

FROZEN = "disabled_persons_federation"
FIRST = dt.date(2025, 1, 10)
LATER = dt.date(2026, 2, 10)
PERSONS = 400


def test_what_a_stopped_feed_said_is_unknown_with_its_source_and_age(tmp_path: Path) -> None:
    rulebook = sound_rulebook(load_catalogue(shipped_catalogues() / "cn"))
    history = _fed_until_one_stops(tmp_path, rulebook)
    now = dt.datetime.combine(LATER, dt.time(9), tzinfo=dt.UTC)
    frozen = [f.id for f in rulebook.vocabulary.dictionary.facts.values() if f.register == FROZEN]
    aged = [f for f in frozen if 0 < (rulebook.vocabulary.dictionary.facts[f].maximum_age_months or 0) <= 12]
    before = history.holdings("person", "7", FIRST, now)
    after = history.holdings("person", "7", LATER, now)
    was_known = [fact for fact in aged if isinstance(before.get(fact), Known)]
    assert was_known
    for fact in was_known:
        assert after[fact] == Unknown(Gap.STALE)
        (said,) = history.statements("person", "7", LATER, now)[fact]
        assert (said.register, said.attested_on) == (FROZEN, FIRST)
    _nothing_rests_on_it(history, rulebook, now, set(aged))


def _nothing_rests_on_it(history: History, rulebook: Rulebook, now: dt.datetime, aged: set[str]) -> None:
    tables = history.as_of(LATER, now)
    evaluator = BatchEvaluator(rulebook, LATER)
    answers = evaluator.evaluate(tables)
    fuller = evaluator.evaluate(completed(tables, rulebook.vocabulary, LATER, (3, 3)))
    waiting = 0
    for benefit, answer in answers.items():
        names = evaluator.plans[benefit].names
        bits = pl.Series([sum(1 << i for i, name in enumerate(names) if name in aged)], dtype=pl.UInt64)[0]
        asks = (answer["missing"].cast(pl.UInt64) & bits) != 0
        waiting += int(asks.sum())
        decided = answer["outcome"] != UNDETERMINED
        assert answer["outcome"].filter(decided).equals(fuller[benefit]["outcome"].filter(decided)), benefit
    assert waiting > 0


def _fed_until_one_stops(folder: Path, rulebook: Rulebook) -> History:
    tables = tables_by_type(rulebook.vocabulary, PERSONS, (9, 9), share_unknown=0, share_true=0.4)
    views = [v for v in register_views(rulebook.vocabulary, tables) if not v.id.endswith(SECOND_SUFFIX)]
    history = History(folder, rulebook.vocabulary, views)
    for view in history.views.values():
        table = tables[view.kind]
        status = pl.Series(["stated"]).new_from_index(0, table.height)
        deliver(history, view, table, FIRST, status)
        if view.register != FROZEN:
            deliver(history, view, table, LATER, status)
    return history
