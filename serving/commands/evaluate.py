"""`applyfree evaluate`: the rules alone, files in, file out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rules.evaluate.writing import SUFFIXES
from serving import screen
from serving.catalogues import open_catalogues
from serving.commands.options import (
    CatalogueOption,
    DayOption,
    FactsOption,
    QuarantineOption,
    VocabularyOption,
    read_day,
)
from serving.errors import ServingError
from serving.evaluation import Engine, pose, write_answers


def evaluate(
    facts: FactsOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where the determinations go: FILE.parquet or FILE.csv.")
    ],
    catalogue: CatalogueOption = None,
    on_date: DayOption = None,
    engine: Annotated[
        Engine,
        typer.Option(
            help="batch: whole populations. reference: slow, defines the meaning. spark: on a cluster (extra `spark`)."
        ),
    ] = Engine.BATCH,
    quarantine: QuarantineOption = None,
    benefit: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this benefit; may be repeated.")] = None,
    vocabulary: VocabularyOption = None,
) -> None:
    """Answer every benefit for every subject of some files of facts.

    Input: one file per kind of subject; the column `id`, for persons `household_id` and other links, and any facts
    that `applyfree catalogue facts` lists. An empty cell is unknown. Output: one row per subject and benefit.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ServingError(f"--out is `{out}`. Name a file that ends with .parquet or .csv.")
    day = read_day(on_date)
    with screen.progress() as progress:
        catalogues = open_catalogues(catalogue, vocabulary)
        reading = progress.add_task("reading facts", total=None)
        question = pose(catalogues, facts, day, benefit or (), quarantine, lambda rows: progress.advance(reading, rows))
        progress.update(reading, total=progress.tasks[reading].completed)
        working = progress.add_task("determining", total=question.size)
        summary = write_answers(question, engine, out, lambda rows: progress.advance(working, rows))
    summary.show(f"{question.catalogue.names.zh} · {question.catalogue.names.en}, {day}")
    for line in summary.found(question.facts.asked):
        screen.line(line)
    if quarantine is not None and question.facts.problems:
        found = question.facts
        screen.line(f"{found.set_aside:,} subjects were set aside for {found.problems:,} mistakes: {quarantine}")
    screen.line(f"{question.size:,} determinations: {out}")
