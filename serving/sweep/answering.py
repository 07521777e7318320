"""Answers of the batch evaluator as ids of stored answers: each distinct answer is spelt out and stored once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.benefits import IN_AREA
from rules.evaluate.batch import INELIGIBLE, BatchEvaluator
from rules.evaluate.output import determinations_in, stated_answers
from rules.plan import DAY_HIGH
from serving.store.answers import Answer, intern, plain_figure, spelled
from serving.store.database import Session
from serving.store.standings import NEVER, Codes, Days

_KEY = ["version", "outcome", "amount_low", "amount_high", "unmet", "missing"]
"""What the evaluator says beside `next_change`. Some 20,000 combinations for a million answers."""


class AnswerIds:
    """Finds the id of each answer, for one evaluator; remembers those it has seen.

    Args:
        evaluator: whose answers they are.
    """

    def __init__(self, evaluator: BatchEvaluator) -> None:
        self.evaluator = evaluator
        self._known: dict[str, pl.DataFrame] = {}
        self._spelled: dict[int, Answer] = {}

    def of(self, session: Session, benefit: str, answers: pl.DataFrame) -> Codes:
        """The ids of some answers of one benefit, in their order."""
        keys = answers.select(_KEY)
        found = self._look_up(benefit, keys)
        lacking = found.is_null()
        if lacking.any():
            self._learn(session, benefit, keys.filter(lacking).unique(maintain_order=True))
            found = self._look_up(benefit, keys)
        return found.to_numpy()

    def words(self, session: Session, ids: Sequence[int]) -> Iterator[Answer]:
        """What ids stand for."""
        strange = [number for number in ids if number not in self._spelled]
        if strange:
            self._spelled |= spelled(session, strange)
        return (self._spelled[number] for number in ids)

    def _look_up(self, benefit: str, keys: pl.DataFrame) -> pl.Series:
        known = self._known.get(benefit)
        if known is None:
            return pl.Series([None], dtype=pl.Int32).new_from_index(0, keys.height)
        found = keys.join(known, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
        return found.get_column("code")

    def _learn(self, session: Session, benefit: str, keys: pl.DataFrame) -> None:
        words = spell(self.evaluator, benefit, keys.with_columns(next_change=pl.lit(DAY_HIGH, dtype=pl.Int32)))
        ids = intern(session, words)
        self._spelled |= dict(zip(ids, words, strict=True))
        fresh = keys.with_columns(code=pl.Series(ids, dtype=pl.Int32))
        known = self._known.get(benefit)
        self._known[benefit] = fresh if known is None else pl.concat([known, fresh])


def spell(evaluator: BatchEvaluator, benefit: str, answers: pl.DataFrame) -> list[Answer]:
    """Answers of one benefit in words and figures."""
    nobody = pl.Series(["-"], dtype=pl.String).new_from_index(0, answers.height)
    return [
        Answer(
            d.benefit, d.version, d.outcome.value, plain_figure(d.amount), plain_figure(d.amount_low),
            plain_figure(d.amount_high), d.per, d.unit, d.unmet, d.missing,
        )
        for d in determinations_in(stated_answers(evaluator, benefit, nobody, answers))
    ]  # fmt: skip


def next_changes(answers: pl.DataFrame) -> Days:
    """The days of `next_change`; NEVER where there is none."""
    return _days(answers, "next_change")


def look_again(answers: pl.DataFrame) -> Days:
    """The days on which the answers are to be made again, for their reasons too; NEVER where there is none."""
    return _days(answers, "look_again")


def outside_until(answers: pl.DataFrame) -> Days:
    """The days until which whoever is outside of the benefit's area stays so; NEVER where that is for ever."""
    return np.minimum(_days(answers, "outside_until"), _days(answers, "next_change"))


def _days(answers: pl.DataFrame, name: str) -> Days:
    days = answers.get_column(name).to_numpy()
    return np.where(days >= DAY_HIGH, NEVER, days).astype(np.int32)


def does_not_apply(evaluator: BatchEvaluator, benefit: str, answers: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Where the benefit is one of an area in which the subject certainly is not."""
    names = evaluator.clause_names(benefit)
    if IN_AREA not in names:
        return np.full(answers.height, False)
    bit = np.uint64(1 << names.index(IN_AREA))
    outside = (answers.get_column("unmet").to_numpy() & bit) != 0
    found: npt.NDArray[np.bool_] = outside & (answers.get_column("outcome").to_numpy() == INELIGIBLE)
    return found
