"""Training rows of `second_look`: cases somebody looked at, weighted by their chance to be; the rest is unlabelled."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from pathlib import Path

import polars as pl

from models.observed.exploration import inverse_weights
from models.observed.inputs import Inputs, load_inputs
from models.take_up.target import Labelled

SCHEMA = {
    "awarded_on": pl.Date(),
    "looked_on": pl.Date(),  # null: nobody looked
    "look_propensity": pl.Float64(),  # the chance with which a look was drawn (blind sample, model, or both)
    "because_of_model": pl.Boolean(),
    "fact_was_wrong": pl.Boolean(),  # what the look, or an override, return or correction, found; null: nothing
    "found_by": pl.String(),  # blind_sample | model | override | return | correction
}
"""What is recorded of an awarded case besides the inputs."""
DRAWN = ("blind_sample", "model")
CAME_BY_ITSELF = ("override", "return", "correction")


def inputs() -> Inputs:
    """What the model reads."""
    return load_inputs(Path(str(resources.files("models") / "second_look" / "inputs.yaml")))


def label_cases(cases: pl.DataFrame, on_date: dt.date) -> Labelled:
    """Decide of each case what it teaches.

    A case that was drawn for a look is right or wrong, as the look found, and weighs the inverse of its chance. An
    error that came to light by itself is no row of its own: nobody knows the chance of that, and such errors are found
    among the drawn cases in their true share. It is counted, so that the card can tell.

    Args:
        cases: the columns of :data:`SCHEMA` and the inputs.
        on_date: what is known today.

    Raises:
        NoExplorationError: a case was drawn that had no chance to be.
    """
    drawn = pl.col("looked_on").is_not_null() & (pl.col("looked_on") < on_date) & pl.col("found_by").is_in(DRAWN)
    usable = drawn & pl.col("fact_was_wrong").is_not_null()
    rows = cases.filter(usable.fill_null(False))
    rest = cases.filter(~usable.fill_null(False))
    by_itself = rest.filter(pl.col("found_by").is_in(CAME_BY_ITSELF)).height
    propensity = rows.get_column("look_propensity").fill_null(0.0).to_numpy()
    weight = inverse_weights(propensity, (rows.get_column("looked_on").is_not_null()).to_numpy())
    left_out = {"nobody looked": rest.height - by_itself, "came to light by itself": by_itself}
    return Labelled(rows, rows.get_column("fact_was_wrong").cast(pl.Int8), weight, left_out)
