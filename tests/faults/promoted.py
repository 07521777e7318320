"""A model that was trained, recorded and promoted for real, and a small queue that it orders."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from features.documents import Findings
from features.facts.vocabulary import load_vocabulary
from models.lifecycle.limits import load_limits
from models.lifecycle.loading import LocalModels, Standing, load_champion
from models.lifecycle.promoting import promote
from models.lifecycle.registry import Registry
from models.lifecycle.settings import read_settings
from models.lifecycle.training import train
from models.observed.inputs import why_banned
from models.outreach.objective import load_objective
from models.outreach.queue import in_order, needs_of
from models.outreach.worth import PROBABILITY, expected_entitlements
from tests.unit.models.offers import SMALL, made_offers

DAY = dt.date(2026, 3, 1)


@dataclass(frozen=True)
class Life:
    """Where everything of it is."""

    folder: Path
    registry: Registry
    local: LocalModels
    sha256: str
    rows: pl.DataFrame
    waiting: pl.DataFrame

    def standing(self) -> Standing:
        """What may be used today."""
        return load_champion("take_up", self.registry, self.local)

    def queue(self, *, with_model: bool) -> pl.DataFrame:
        """The queue in order, with the champion's scores or by the rules alone."""
        objective = load_objective()
        scores = None
        if with_model:
            model = self.standing().model
            assert model is not None
            found = pl.Series(PROBABILITY, model.score(self.rows))
            scores = self.waiting.select("subject", "id", "benefit").with_columns(found)
        expected = expected_entitlements(self.waiting, scores, objective).with_columns(deadline=pl.col("next_change"))
        vocabulary = load_vocabulary("cn", Findings())
        return in_order(expected, needs_of({}, objective, vocabulary), objective, DAY)


def promoted_life(folder: Path) -> Life:
    """Train on made-up offers, record in a local MLflow, promote."""
    rows = made_offers(5_000)
    registry, local, limits = Registry(read_settings(folder, {})), LocalModels(folder / "verified"), load_limits()
    trained = train(rows, limits, folder / "new", folder / "rows", DAY, SMALL)
    registry.record(trained)
    done = promote("take_up", registry, local, folder / "rows", limits, why_banned, rows.directions)
    some = rows.frame.head(40)
    return Life(folder, registry, local, done.sha256, some, determinations(some.height))


def determinations(n: int) -> pl.DataFrame:
    """Answers that wait for a fact each."""
    amounts = [Decimal(100 + 10 * (i % 7)) for i in range(n)]
    return pl.DataFrame(
        {
            "subject": ["person"] * n, "id": [f"p{i:02}" for i in range(n)], "benefit": ["dibao"] * n,
            "outcome": ["undetermined"] * n, "amount": [None] * n, "amount_low": amounts, "amount_high": amounts,
            "per": ["month"] * n, "unit": ["CNY"] * n, "missing": [["household_income_month"]] * n,
            "next_change": [None] * n,
        },
        schema_overrides={"amount": pl.Decimal(38, 2), "amount_low": pl.Decimal(38, 2),
                          "amount_high": pl.Decimal(38, 2), "next_change": pl.Date},
    )  # fmt: skip
