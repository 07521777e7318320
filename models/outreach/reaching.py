"""The whole queue of a day: everybody who waits for a fact, in order, with the one fact to ask for and whom."""

from __future__ import annotations

import datetime as dt

import polars as pl

from features.facts.encoding import Tables
from features.facts.vocabulary import Vocabulary
from models.outreach.objective import Objective
from models.outreach.queue import in_order, needs_of
from models.outreach.worth import KEY, expected_entitlements, facts_to_ask

COLUMNS = (
    "place", *KEY, "fact", "ask", "register", "unlocks", "worth_minor", "settles_minor", "expected_minor",
    "need_percent", "deadline",
)  # fmt: skip


def reach(
    determinations: pl.DataFrame,
    tables: Tables,
    vocabulary: Vocabulary,
    objective: Objective,
    on_date: dt.date,
    *,
    probabilities: pl.DataFrame | None = None,
    not_held: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Everybody of whom an answer or an amount is open, first to be reached first.

    Args:
        determinations: as `rules.evaluate.output` writes them; they are read, and come back in nothing but their order.
        tables: facts, for what the objective calls need.
        vocabulary: says who holds a fact.
        objective: the order.
        on_date: deadlines are counted from here.
        probabilities: see :func:`models.outreach.worth.expected_entitlements`; None: the rules alone order.
        not_held: see :func:`models.outreach.worth.facts_to_ask`.

    Returns:
        One row for each subject, with :data:`COLUMNS`; `place` counts from 1.
    """
    expected = expected_entitlements(determinations, probabilities, objective)
    asked = facts_to_ask(expected, vocabulary, not_held)
    by_subject = expected.group_by(KEY).agg(
        pl.col("expected_minor").sum(), pl.col("next_change").min().alias("deadline")
    )
    waiting = asked.join(by_subject, on=KEY, how="left", maintain_order="left")
    ordered = in_order(waiting, needs_of(tables, objective, vocabulary), objective, on_date)
    return ordered.with_row_index("place", offset=1).select(COLUMNS)
