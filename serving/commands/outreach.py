"""`applyfree outreach`: whom to reach first, and the one fact to ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from features.facts.units import MINOR_UNITS
from models.outreach.objective import load_objective
from models.outreach.reaching import reach
from models.outreach.worth import CITIZEN, DEPARTMENT
from serving import screen
from serving.catalogues import open_catalogues
from serving.commands.options import CatalogueOption, DayOption, FactsOption, read_day
from serving.errors import ServingError
from serving.evaluation import pose

_SHOWN = ("place", "subject", "id", "fact", "ask", "register", "worth", "need", "deadline")


def outreach(
    facts: FactsOption,
    answers: Annotated[
        Path, typer.Option("--answers", metavar="FILE.parquet", help="What `applyfree evaluate` wrote for these facts.")
    ],
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores",
            metavar="FILE.parquet",
            help="subject, id, benefit, probability that an open answer is a yes. Without it the rules alone order.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.parquet", help="The whole queue.")] = None,
    catalogue: CatalogueOption = None,
    on_date: DayOption = None,
    top: Annotated[int, typer.Option(min=0, help="How many to list.")] = 20,
) -> None:
    """Order those whose answers are open by entitlement, need and deadline, and say which one fact to ask of whom.

    A department is asked before the citizen. The order touches no answer: models/outreach/objective.yaml is all of it.
    """
    day = read_day(on_date)
    question = pose(open_catalogues(catalogue), facts, day)
    objective = load_objective()
    queue = reach(
        _read(answers), question.facts.tables, question.rulebook.vocabulary, objective, day,
        probabilities=None if scores is None else _read(scores),
    )  # fmt: skip
    rows = queue.head(top).with_columns(
        (pl.col("worth_minor") / MINOR_UNITS).round(2).alias("worth"), pl.col("need_percent").alias("need")
    )
    screen.table(f"whom to reach first, {day}", _SHOWN, rows.select(_SHOWN).rows(), figures=("worth",), whole=("id",))
    asked = dict(queue.get_column("ask").value_counts().rows())
    screen.line(
        f"{queue.height:,} wait for a fact: {asked.get(DEPARTMENT, 0):,} are asked of a department, "
        f"{asked.get(CITIZEN, 0):,} of the citizen. Objective {objective.digest[:12]}…"
        + (" No scores: the rules alone order." if scores is None else "")
    )
    if out is not None:
        queue.write_parquet(out)


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise ServingError(
            f"{path}: cannot be read as Parquet. `applyfree evaluate --out {path.stem}.parquet`?"
        ) from problem
