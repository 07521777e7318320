"""Which case first: what the objective of queues makes of each, written beside it. It changes an order, nothing else.

Need comes before it, and the day a case is due (`serving.casework.queues`); without a model, and without this step,
cases of one day stand in the order in which they were opened.
"""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
from sqlalchemy import Engine, text

from features.facts.encoding import Tables
from features.facts.vocabulary import Vocabulary
from models.outreach.objective import Objective
from models.outreach.queue import in_order, needs_of
from models.outreach.worth import KEY, expected_of
from rules.determination import Outcome

BATCH = 2_000
"""So many figures per transaction: an officer who takes a case waits for no more than that."""


def case_priorities(
    determinations: pl.DataFrame,
    tables: Tables,
    vocabulary: Vocabulary,
    objective: Objective,
    on_date: dt.date,
    probabilities: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The objective's figure for whatever a case may be about.

    Args:
        determinations: as `rules.evaluate.output` writes them.
        tables: facts, for what the objective calls need.
        vocabulary: of them.
        objective: the order: money, need and deadline.
        on_date: deadlines are counted from here.
        probabilities: `subject`, `id`, `benefit`, `probability` that an open answer is a yes; None: the rules alone.

    Returns:
        `subject`, `id`, `benefit`, `priority`, first to be worked on first.
    """
    found = determinations.filter(pl.col("outcome") != Outcome.INELIGIBLE.value)
    expected = expected_of(found, determinations, probabilities, objective)
    rows = expected.rename({"next_change": "deadline"})
    ordered = in_order(rows, needs_of(tables, objective, vocabulary), objective, on_date)
    return ordered.select(*KEY, "benefit", pl.col("priority").cast(pl.Float64))


def write_priorities(engine: Engine, priorities: pl.DataFrame) -> int:
    """Write figures beside the cases that are not closed; a case that somebody is just changing keeps its own.

    Args:
        engine: with the rights of :attr:`serving.store.engine.Role.ORDER`.
        priorities: of :func:`case_priorities`.

    Returns:
        How many cases have another figure now.
    """
    changed = 0
    for rows in priorities.iter_slices(BATCH):
        with engine.begin() as connection:
            written = connection.execute(text(_WRITE), {"rows": json.dumps(rows.to_dicts())})
            changed += len(written.all())
    return changed


_WRITE = """
WITH given AS (
    SELECT c.id, x.priority
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(subject text, id text, benefit text, priority double precision)
    JOIN case_file c ON c.subject_kind = x.subject AND c.subject = x.id AND c.benefit = x.benefit
    WHERE c.state <> 'closed' AND c.priority IS DISTINCT FROM x.priority
    FOR UPDATE OF c SKIP LOCKED)
UPDATE case_file c SET priority = given.priority FROM given WHERE c.id = given.id
RETURNING c.id
"""
