"""`applyfree demo`: the main job, from facts to answers, over real US households and a made Chinese town."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from features.cps.returns import survey_file
from features.cps.tables import cps_tables, write_fact_files
from features.made.town.maker import make_town
from rules.catalogue import Catalogue, load_catalogue
from serving import screen, settings
from serving.catalogues import as_shown, shipped_catalogues
from serving.commands.options import DayOption, read_day
from serving.errors import ServingError
from serving.evaluation import Engine, Question, pose, sound_rulebook, write_answers
from serving.summary import Summary

DEMO_DAY = "2026-03-01"
"""A day for which both catalogues have their numbers."""
SURVEY_SEED = 1
CHINA, UNITED_STATES = "cn", "us"


class SurveyNotInstalledError(ServingError):
    """The CPS households are a package of their own."""

    def __init__(self) -> None:
        super().__init__(
            "The CPS households are not installed (the package `taxcalc`, of which one public data file is read). "
            "`make demo` installs them and runs this command."
        )


def demo(
    persons: Annotated[
        int, typer.Option(min=100, max=2_000_000, help="How many persons the made Chinese town has.")
    ] = 10_000,
    households: Annotated[
        int | None, typer.Option(min=10, help="How many CPS households. Default: all.", show_default=False)
    ] = None,
    on_date: DayOption = DEMO_DAY,
) -> None:
    """Find who is entitled to what, over households of the US Current Population Survey and over a made Chinese town.

    Facts and answers are written as files below $APPLYFREE_HOME (default: var), ready for `applyfree evaluate` and
    `applyfree explain`.
    """
    day = read_day(on_date)
    _require_survey()
    folder = settings.home() / "demo"
    with screen.progress() as progress:
        us = _us(folder / UNITED_STATES, households, day, progress)
        cn = _cn(folder / CHINA, persons, day, progress)
    for place, (question, summary) in ((folder / UNITED_STATES, us), (folder / CHINA, cn)):
        _report(place, question, summary)


def _require_survey() -> None:
    try:
        survey_file()
    except PackageNotFoundError as error:
        raise SurveyNotInstalledError from error


def _us(folder: Path, households: int | None, day: dt.date, progress: Progress) -> tuple[Question, Summary]:
    task = progress.add_task("United States: reading the survey", total=1)
    write_fact_files(folder / "facts", cps_tables(households, SURVEY_SEED, day))
    progress.advance(task)
    return _answered(UNITED_STATES, folder, day, progress)


def _cn(folder: Path, persons: int, day: dt.date, progress: Progress) -> tuple[Question, Summary]:
    task = progress.add_task("China: making a town", total=persons)
    vocabulary = sound_rulebook(_catalogue(CHINA)).vocabulary
    make_town(vocabulary, persons, day, on_persons=_advance(progress, task)).write(folder / "facts", vocabulary)
    return _answered(CHINA, folder, day, progress)


def _answered(jurisdiction: str, folder: Path, day: dt.date, progress: Progress) -> tuple[Question, Summary]:
    catalogue = _catalogue(jurisdiction)
    name = catalogue.names.en
    reading = progress.add_task(f"{name}: reading facts", total=None)
    question = pose([catalogue], folder / "facts", day, on_rows=_advance(progress, reading))
    progress.update(reading, total=progress.tasks[reading].completed)
    working = progress.add_task(f"{name}: determining", total=question.size)
    summary = write_answers(question, Engine.BATCH, folder / "answers.parquet", _advance(progress, working))
    summary.write(folder / "summary.csv")
    return question, summary


def _catalogue(jurisdiction: str) -> Catalogue:
    return load_catalogue(as_shown(shipped_catalogues() / jurisdiction))


def _advance(progress: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda count: progress.advance(task, count)


def _report(folder: Path, question: Question, summary: Summary) -> None:
    names = question.catalogue.names
    summary.show(f"{names.zh} · {names.en}, {question.on_date}")
    for line in summary.found(question.facts.asked):
        screen.line(line)
    screen.line(f"Facts: {folder}/facts. Answers: {folder}/answers.parquet, {folder}/summary.csv.\n")
