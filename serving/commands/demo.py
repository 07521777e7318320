"""`applyfree demo`: the main job over real US households, and over a made Chinese city from its files on."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from features.cps.returns import survey_file
from features.cps.tables import cps_tables, write_fact_files
from rules.catalogue import Catalogue, load_catalogue
from serving import screen, settings
from serving.catalogues import CHINA, UNITED_STATES, as_shown, shipped_catalogues
from serving.city_day import Round, run_day
from serving.commands.city import show_faults
from serving.commands.deliver import deliver_home, show, told_to
from serving.commands.options import DayOption, read_day
from serving.errors import ServingError
from serving.evaluation import Engine, Question, pose, write_answers
from serving.summary import Summary

DEMO_DAY = "2026-03-01"
"""A day for which both catalogues have their numbers."""
SURVEY_SEED = 1
CITY_SEED = 1


class SurveyNotInstalledError(ServingError):
    """The CPS households are a package of their own."""

    def __init__(self) -> None:
        super().__init__(
            "The CPS households are not installed (the package `taxcalc`, of which one public data file is read). "
            "`make demo` installs them and runs this command."
        )


def demo(
    persons: Annotated[
        int, typer.Option(min=100, max=2_000_000, help="How many persons the made Chinese city has on record.")
    ] = 100_000,
    households: Annotated[
        int | None, typer.Option(min=10, help="How many CPS households. Default: all.", show_default=False)
    ] = None,
    on_date: DayOption = DEMO_DAY,
) -> None:
    """Find who is entitled to what, and deliver it: households of a US survey, and a made Chinese city.

    The survey (CPS) is answered from files, ready for `applyfree evaluate` and `applyfree explain`. The city begins
    with what its departments send, faults and all: deliveries and life events are taken in, everybody is answered into
    PostgreSQL, and the answers are compared with the truth that only the city's maker knows. Then comes what follows
    a sweep (`applyfree deliver`): what is certain is approved with no application, what needs a yes is offered, what
    needs a judgement waits for a caseworker; a model says whom to reach first. All of it lies below
    $APPLYFREE_HOME/demo (default: var/demo).
    """
    day = read_day(on_date)
    _require_survey()
    from serving.commands import evidence  # noqa: PLC0415 LightGBM takes a second to import: other commands do not wait

    folder = settings.home() / "demo"
    with screen.progress() as progress:
        question, summary = _us(folder / UNITED_STATES, households, day, progress)
        city = _cn(folder / CHINA, persons, day, progress)
        done = deliver_home(None, folder / CHINA, _catalogue(CHINA), told_to(progress, "China: "))
        found = evidence.run(folder / CHINA, day, progress)
    _report(folder / UNITED_STATES, question, summary)
    _report_city(folder / CHINA, city, day)
    show(done)
    evidence.report(found, day)
    _say_where_to_look(folder / CHINA)


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


def _cn(folder: Path, persons: int, day: dt.date, progress: Progress) -> Round:
    # The last demo's city: its history would go on where this one begins.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tasks: dict[str, TaskID] = {}

    def tell(phase: str, more: int, total: int | None) -> None:
        if phase not in tasks:
            tasks[phase] = progress.add_task(f"China: {phase}", total=total)
        progress.update(tasks[phase], advance=more, total=total or progress.tasks[tasks[phase]].total)

    found = run_day(_catalogue(CHINA), persons, CITY_SEED, day, folder, tell)
    for task in tasks.values():
        progress.update(task, total=progress.tasks[task].completed)
    return found


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


def _report_city(folder: Path, found: Round, day: dt.date) -> None:
    rows = found.rows()
    refused = "; ".join(str(load.refusal) for load in found.refused)
    found.outcome.account.summary().show(f"中国 · China, {day}")
    for line in found.outcome.account.sentences():
        screen.line(line)
    screen.line(
        f"Departments sent {len(found.loads):,} deliveries of {rows['read']:,} rows: {rows['set aside']:,} rows set "
        f"aside, {len(found.refused):,} deliveries refused{': ' if refused else ''}{refused}. "
        f"Life events: {found.events.logged.new:,} taken, {found.events.logged.doubled:,} doubled."
    )
    show_faults(found.score)
    screen.line(f"The city and its truth: {folder}/city. Answers: {folder}/answers.csv. Loads: {folder}/loads.\n")


def _say_where_to_look(home: Path) -> None:
    """Commands over what the demo left, so that nobody has to look for the folder."""
    screen.line("Nothing was paid: what is approved waits in the outbox. Look further, with this city:")
    screen.line(f"  export APPLYFREE_HOME={home}")
    screen.line("  applyfree tiers              # every benefit with its tier and the reason")
    screen.line("  applyfree explain ID BENEFIT # one answer, its facts and its law; ids stand in the queue above")
    screen.line("  applyfree outreach           # whom to reach first, and which one fact to ask of whom")
    screen.line("  applyfree deliver            # does nothing the second time")
