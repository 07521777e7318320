"""Training rows of `take_up`: offers whose window has ended, whose people nobody helped, weighted for those helped."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import polars as pl

from models.observed.exploration import Floats, effective_size, inverse_weights
from models.observed.inputs import Inputs, load_inputs

SCHEMA = {
    "offered_on": pl.Date(),
    "confirmed_on": pl.Date(),  # null: not confirmed so far
    "help_drawn": pl.Boolean(),  # chosen for help when the offer was made, whether or not help came to be needed
    "help_propensity": pl.Float64(),  # the chance with which that was decided, as recorded then
    "helped_on": pl.Date(),  # null: nobody helped
    "because_of_model": pl.Boolean(),
}
"""What is recorded of an offer besides the inputs."""


def inputs() -> Inputs:
    """What the model reads."""
    return load_inputs(Path(str(resources.files("models") / "take_up" / "inputs.yaml")))


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows to learn from.

    Attributes:
        rows: of the inputs, with what else was recorded.
        label: 1 where it happened.
        weight: what each row counts.
        left_out: how many rows were left out, by reason.
    """

    rows: pl.DataFrame
    label: pl.Series
    weight: Floats
    left_out: dict[str, int]

    @property
    def effective(self) -> float:
        """How many equal rows these are worth."""
        return effective_size(self.weight)


def label_offers(offers: pl.DataFrame, window_days: int, on_date: dt.date) -> Labelled:
    """Decide of each offer what it teaches.

    An offer whose person was drawn for help teaches nothing about acting unaided, also where they acted before the help
    came (to keep only those would keep the quick and drop the slow). Its place is taken by the weight of those who
    could have been drawn and were not. Help that came by itself ends what can be observed likewise.

    Args:
        offers: the columns of :data:`SCHEMA` and the inputs; one row for each offer that was made.
        window_days: within which one confirms or not.
        on_date: what is known today; later dates are not looked at.

    Raises:
        NoExplorationError: somebody was left without help who was certain to get it.
    """
    window = pl.duration(days=window_days)
    end = pl.col("offered_on") + window
    confirmed, helped = pl.col("confirmed_on"), pl.col("helped_on")
    seen = offers.with_columns(
        (end >= on_date).alias("open"),
        ((confirmed <= end) & (confirmed < on_date)).fill_null(False).alias("acted"),
        (pl.col("help_drawn").fill_null(False) | (helped <= pl.min_horizontal(confirmed, end)).fill_null(False)).alias(
            "aided"
        ),
    )
    still_open = seen.filter("open")
    aided = seen.filter(~pl.col("open") & pl.col("aided"))
    rows = seen.filter(~pl.col("open") & ~pl.col("aided"))
    unaided_chance = 1 - rows.get_column("help_propensity").fill_null(0.0).to_numpy()
    weight = inverse_weights(unaided_chance, np.ones(rows.height, dtype=np.bool_))
    left_out = {"window still open": still_open.height, "drawn for help, or helped": aided.height}
    return Labelled(rows.drop("open", "acted", "aided"), rows.get_column("acted").cast(pl.Int8), weight, left_out)
