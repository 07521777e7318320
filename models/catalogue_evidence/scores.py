"""Scores of open answers: by the champion where it has learned of the benefit, by donors and the rules elsewhere."""

from __future__ import annotations

import polars as pl

from features.facts.encoding import ID, Tables
from models.catalogue_evidence.donors import HotDeck
from models.catalogue_evidence.gaps import pattern_name
from models.catalogue_evidence.inputs import CatalogueInputs
from models.conformal import Leaning
from models.fitted import FittedModel
from models.outreach.worth import KEY, PROBABILITY
from rules.determination import Outcome

SOURCE, DONOR_SHARE = "source", "donor_share"
BY_MODEL, BY_MODEL_ABSTAINING, BY_DONORS = "model", "model, abstaining", "donors"


def open_cases(determinations: pl.DataFrame, inputs: CatalogueInputs) -> pl.DataFrame:
    """The undetermined answers that some record would settle: `subject`, `id`, `benefit`, `missing`."""
    kept = (pl.col("outcome") == Outcome.UNDETERMINED.value) & (pl.col("missing").list.len() > 0)
    return determinations.filter(kept & pl.col("benefit").is_in(list(inputs.reads))).select(*KEY, "benefit", "missing")


def score_open(
    inputs: CatalogueInputs, tables: Tables, determinations: pl.DataFrame, model: FittedModel | None
) -> pl.DataFrame:
    """How likely each open answer would be a yes if its gap were filled.

    Args:
        inputs: the rules and what is read.
        tables: what is known of everybody, encoded.
        determinations: `subject`, `id`, `benefit`, `outcome`, `missing`.
        model: the champion; None: donors alone speak.

    Returns:
        `subject`, `id`, `benefit`, `probability`, `donor_share`, `source`. No row where nobody can say anything: the
        rules alone order those.
    """
    cases = open_cases(determinations, inputs)
    share = HotDeck(inputs).share(tables, cases)
    scored = cases.with_columns(share.alias(DONOR_SHARE))
    learned = set() if model is None else {name.partition(":")[0] for name in model.calibration if name}
    parts = [
        _by_model(inputs, tables, str(benefit), rows, model)
        if model is not None and benefit in learned
        else rows.with_columns(pl.col(DONOR_SHARE).alias(PROBABILITY), pl.lit(BY_DONORS).alias(SOURCE))
        for (benefit,), rows in scored.group_by("benefit", maintain_order=True)
    ]
    columns = [*KEY, "benefit", PROBABILITY, DONOR_SHARE, SOURCE]
    if not parts:
        return scored.with_columns(pl.lit(0.0).alias(PROBABILITY), pl.lit("").alias(SOURCE)).select(columns)
    return pl.concat([part.select(columns) for part in parts]).filter(pl.col(PROBABILITY).is_not_null())


def _by_model(
    inputs: CatalogueInputs, tables: Tables, benefit: str, rows: pl.DataFrame, model: FittedModel
) -> pl.DataFrame:
    missing = rows.get_column("missing")
    frame = inputs.frame(
        tables, benefit, rows.get_column(ID), missing.list.len().to_list(), rows.get_column(DONOR_SHARE)
    )
    own = [pattern_name(benefit, names) for names in missing.to_list()]
    patterns = [name if name in model.calibration else pattern_name(benefit, ()) for name in own]
    leanings = model.leanings(frame, patterns)
    source = [BY_MODEL_ABSTAINING if leaning is Leaning.ABSTAINS else BY_MODEL for leaning in leanings]
    return rows.with_columns(
        pl.Series(PROBABILITY, model.score(frame, patterns)), pl.Series(SOURCE, source, dtype=pl.String)
    )
