"""`applyfree outreach`: whom to reach first, and the one fact to ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from features.facts.units import MINOR_UNITS
from models.outreach.objective import load_objective
from models.outreach.reaching import reach
from models.outreach.worth import CITIZEN, DEPARTMENT, KEY
from serving import screen, settings
from serving.catalogues import open_catalogues
from serving.commands.options import CatalogueOption, DayOption, read_day
from serving.errors import ServingError
from serving.evaluation import pose

_SHOWN = ("place", "subject", "id", "fact", "ask", "register", "worth", "need", "deadline")
_QUEUED = ("place", "subject", "id", "benefit", "fact", "ask", "register", "expected", "why")


def outreach(
    facts: Annotated[
        Path | None,
        typer.Option(
            "--facts",
            metavar="DIR",
            help="Folder of fact files. Without it: the open answers of the latest sweep.",
            show_default=False,
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE.parquet",
            help="What `applyfree evaluate` wrote for these facts.",
            show_default=False,
        ),
    ] = None,
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
    cases: Annotated[
        bool, typer.Option("--cases", help="Put the open cases of caseworkers into this order too.", show_default=False)
    ] = False,
) -> None:
    """Order those whose answers are open by entitlement, need and deadline, and say which one fact to ask of whom.

    Without files: the answers that the latest sweep left open, scored by the champion of missing_evidence; where it has
    not learned of a benefit, or none may be used, by donors and the rules; where they know nothing, the rules alone.

    A department is asked before the citizen. The order touches no answer: models/outreach/objective.yaml is all of it.
    """
    if facts is None and answers is None and scores is None:
        _of_sweep(top, out, catalogue, cases=cases)
        return
    if cases:
        raise ServingError("`--cases` is of the latest sweep: leave out `--facts`, `--answers` and `--scores`.")
    if facts is None or answers is None:
        raise ServingError("`--facts` and `--answers` go together. Without both, the latest sweep is taken.")
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


def _of_sweep(top: int, out: Path | None, catalogue: Path | None, *, cases: bool) -> None:
    from serving import evidence  # noqa: PLC0415 LightGBM takes a second to import: a queue of files does not wait for it

    home = settings.home()
    swept = evidence.latest_sweep(home, settings.database_url())
    objective = load_objective()
    queue = evidence.queue_of(home, swept, objective, catalogue)
    show_queue(queue.rows, queue.scores, top, f"whom to reach first, {swept.on_date}")
    by = dict(queue.scores.get_column("source").value_counts(sort=True).rows())
    sources = ", ".join(f"{count:,} by {source}" for source, count in by.items()) or "none"
    screen.line(
        f"{queue.rows.height:,} wait for a fact. Scores: {sources}. Model: {queue.standing.mode.value}. "
        f"{queue.standing.says} Objective {objective.digest[:12]}…"
    )
    if cases:
        changed = evidence.order_cases(home, settings.database_url(), queue, objective)
        screen.line(f"{changed:,} open cases have another place; need, and the day they are due, come before it.")
    if out is not None:
        queue.rows.write_parquet(out)


def show_queue(rows: pl.DataFrame, scores: pl.DataFrame, top: int, title: str) -> None:
    """The head of a queue: whom, for which benefit, the one fact to ask and of whom, what it may bring, and why."""
    head = rows.head(top)
    unlocked = head.select(*KEY, pl.col("unlocks").alias("benefit")).explode("benefit")
    ranked = scores.join(unlocked, on=[*KEY, "benefit"], how="semi").sort("probability", descending=True)
    percent = (pl.col("probability") * 100).round().cast(pl.Int64).cast(pl.String)
    said = pl.concat_str("benefit", pl.lit(" "), percent, pl.lit(" % ("), "source", pl.lit(")")).first().alias("said")
    best = ranked.group_by(*KEY, maintain_order=True).agg(said)
    told = head.join(best, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("unlocks").list.join(", ").alias("benefit"),
        (pl.col("expected_minor") / MINOR_UNITS).round(2).alias("expected"),
        pl.concat_str(
            pl.col("said").fill_null("rules alone"),
            pl.lit("; need +"), pl.col("need_percent").cast(pl.String), pl.lit(" %"),
            pl.concat_str(pl.lit("; until "), pl.col("deadline").cast(pl.String)).fill_null(""),
        ).alias("why"),
    )  # fmt: skip
    screen.table(title, _QUEUED, told.select(_QUEUED).rows(), figures=("expected",), whole=("id",))


def _read(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise ServingError(
            f"{path}: cannot be read as Parquet. `applyfree evaluate --out {path.stem}.parquet`?"
        ) from problem
