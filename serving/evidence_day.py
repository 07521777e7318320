"""The end of the sample city's day: whom to reach first, learned from its own history and rated by its truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from models.catalogue_evidence.scores import DONOR_SHARE, open_cases
from models.errors import ModelsError
from models.lifecycle.promotion import Verdict
from models.lifecycle.training import Trained
from models.missing_evidence.training import NAME
from models.outreach.objective import load_objective
from models.outreach.reaching import reach
from models.outreach.worth import KEY, PROBABILITY
from serving import model_life
from serving.evidence import Queue, latest_sweep, order_cases, queue_of, train
from serving.scoring.queues import Value, true_answers, value_of
from serving.scoring.truths import open_truth

Tell = Callable[[str], None]
BY_SCORES, BY_DONORS, BY_RULES, BY_LOT = "scores", "donors only", "rules alone", "by lot"
CHANCE_SCORES, CHANCE_DONORS = "scores, without money and need", "donors, without money and need"
LOT_SEED = 7


@dataclass(frozen=True)
class EvidenceDay:
    """What became of the model, the queue and its value.

    Attributes:
        trained: the run; None: there was too little to learn from, which `why` tells.
        cases: by benefit, how many it learned from.
        left: by benefit without enough cases, how many it had.
        verdicts: of the gates.
        promoted: is it the champion now?
        queue: whom to reach first.
        value: what the order is worth, by the truth.
        ordered: cases of caseworkers that have another place now.
        why: why nothing was trained.
    """

    trained: Trained | None
    cases: dict[str, int]
    left: dict[str, int]
    verdicts: Sequence[Verdict]
    promoted: bool
    queue: Queue
    value: Value
    ordered: int = 0
    why: str = ""


def run_evidence(home: Path, on_date: dt.date, tell: Tell) -> EvidenceDay:
    """Train on the city's history, ask every gate, order the queue, and compare it with the truth below `home/city`.

    Raises:
        ServingError: nothing was swept.
        ModelsError: the registry is away.
    """
    swept = latest_sweep(home, None)
    trained, cases, left, verdicts, promoted, why = None, dict[str, int](), dict[str, int](), [], False, ""
    try:
        trained, _, found = train(home, swept, on_date, tell)
        cases, left = found.benefits, found.left_to_donors
        tell("asking every gate")
        said, champion = model_life.promote(home, NAME, swept.inputs.directions)
        verdicts, promoted = list(said), champion is not None
    except ModelsError as problem:
        why = str(problem)
    tell("ordering the queue")
    objective = load_objective()
    queue = queue_of(home, swept, objective)
    ordered = order_cases(home, None, queue, objective)
    tell("comparing the queue with the truth")
    rulebook = swept.inputs.rulebook
    truth = true_answers(open_truth(home / "city" / "truth", rulebook.vocabulary), rulebook)
    donors = queue.scores.with_columns(pl.col(DONOR_SHARE).alias(PROBABILITY)).drop_nulls(PROBABILITY)
    orders = {
        name: reach(swept.determinations, queue.tables, rulebook.vocabulary, objective, on_date, probabilities=given)
        for name, given in ((BY_DONORS, donors), (BY_RULES, None))
    }
    lot = queue.rows.sample(fraction=1, shuffle=True, seed=LOT_SEED)
    orders = {
        BY_SCORES: queue.rows, **orders, BY_LOT: lot,
        CHANCE_SCORES: by_chance(lot, queue.scores), CHANCE_DONORS: by_chance(lot, donors),
    }  # fmt: skip
    value = value_of(queue.scores, open_cases(swept.determinations, swept.inputs), orders, truth)
    return EvidenceDay(trained, cases, left, verdicts, promoted, queue, value, ordered, why)


def by_chance(queue: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """The same people by the highest chance of any of their open answers alone; nobody is reached in this order."""
    best = scores.group_by(KEY).agg(pl.col(PROBABILITY).max())
    ranked = queue.select(KEY).join(best, on=KEY, how="left", maintain_order="left")
    return ranked.sort(PROBABILITY, descending=True, nulls_last=True, maintain_order=True)
