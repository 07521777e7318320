"""`applyfree sweep`: answer every benefit for everybody the history knows, or for those for whom something changed."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from serving import clock, screen, settings
from serving.commands.options import CatalogueOption, DayOption, read_day
from serving.evaluation import sound_rulebook
from serving.online import stores_agree
from serving.store.database import connect
from serving.store.server import open_server
from serving.store.timekeeping import require_same_time
from serving.sweep.crew import Crew, Processes
from serving.sweep.review import GrantForReview, grants_for_review
from serving.sweep.run import Outcome, Settings, Sweeper, Watch
from serving.sweep.sources import recorded_facts, swept_catalogue
from serving.sweep.spark import spark_crew

_UNANSWERED = 1
_MOST_NAMED = 20


class Engine(enum.Enum):
    """Who answers the chunks; the answers are the same."""

    BATCH = "batch"
    SPARK = "spark"


def sweep(
    catalogue: CatalogueOption = None,
    on_date: DayOption = None,
    full: Annotated[bool, typer.Option("--full", help="Look at everybody, changed or not.")] = False,
    workers: Annotated[
        int,
        typer.Option(min=1, max=64, help="Processes at work side by side (engine batch; Spark has its own settings)."),
    ] = 2,
    engine: Annotated[
        Engine,
        typer.Option(help="batch: processes of this machine. spark: a cluster's executors (extra `spark`, Java 17)."),
    ] = Engine.BATCH,
) -> None:
    """Make one determination for every subject and applicable benefit, with its receipt, and store it in PostgreSQL.

    A sweep is pinned to a day, to what was known when it began and to a rulebook; one that was interrupted goes on
    where it stopped, whatever stopped it. By default it looks at subjects whose facts changed (or those of people
    their rules look at), whose day to look again has come, or whose rules changed. Exit status 1: some subjects could
    not be answered; they are named, and every sweep tries them again.

    With `--engine spark` Spark's executors answer and write: each must reach $APPLYFREE_HOME under the same path and
    the database (APPLYFREE_DATABASE_URL). Either engine goes on where the other stopped.
    """
    day = read_day(on_date)
    chosen = swept_catalogue(catalogue)
    home = settings.home().resolve()  # workers may stand elsewhere
    rulebook = sound_rulebook(chosen)
    with _crew(engine, workers) as crew:
        facts = recorded_facts(chosen, home)
        server = open_server(settings.database_url(), home)
        try:
            with connect(server.url) as session:
                require_same_time(session, clock.now)
            with screen.progress() as progress:
                watch = _watching(progress, progress.add_task("beginning", total=None))
                guard = stores_agree(home, rulebook, server.url, clock.now)
                sweeper = Sweeper(server, home, facts, Settings(workers), clock.now, watch, crew, guard)
                try:
                    outcome = sweeper.run(chosen, day, full=full)
                finally:
                    sweeper.close()
            made = outcome.sweep
            known = facts.open(rulebook.vocabulary).identities(made.on_date, made.known_at)
            with connect(server.url) as session:
                review = grants_for_review(session, known)
        finally:
            server.close()
    _show(outcome, f"{chosen.names.zh} · {chosen.names.en}")
    _show_review(review)
    check = outcome.account.check
    if outcome.dead or (check is not None and not check.passed):
        raise typer.Exit(_UNANSWERED)


@contextmanager
def _crew(engine: Engine, workers: int) -> Iterator[Crew]:
    """Who answers; a cluster that is not there is told before a sweep begins."""
    if engine is Engine.BATCH:
        yield Processes(workers)
        return
    with spark_crew(server_is_named=settings.database_url() is not None) as crew:
        yield crew


def _watching(progress: Progress, task: TaskID) -> Watch:
    def watch(phase: str, done: int, total: int) -> None:
        progress.update(task, description=phase, completed=done, total=total or None)

    return watch


def _show(outcome: Outcome, names: str) -> None:
    made = outcome.sweep
    outcome.account.summary().show(f"{names}, {made.on_date}")
    for line in outcome.account.sentences():
        screen.line(line)
    how = "full" if made.is_full else f"on sweep {made.base}"
    what = "There was nothing to do: it is" if outcome.was_done else "Done:"
    screen.line(
        f"{what} sweep {made.id} ({how}), for {made.on_date}, as known at {made.known_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"rulebook {made.rulebook[:12]}…: {outcome.looked_at:,} of {made.population or 0:,} subjects looked at, "
        f"{outcome.written:,} with new answers, {outcome.determinations:,} determinations."
    )
    if not made.population:
        screen.error(
            f"Nobody is known on {made.on_date}: no register had said anything of anybody by then. Load what "
            "departments delivered with `applyfree ingest`, or correct --on-date."
        )
    if outcome.dead:
        listed = ", ".join(f"{kind} {subject}" for kind, subject in outcome.dead[:_MOST_NAMED])
        said = "; ".join(outcome.failures) or "the workers were killed"
        screen.error(f"{len(outcome.dead):,} subjects could not be answered ({said}): {listed}")


def _show_review(review: list[GrantForReview]) -> None:
    """Whom a human has to look at, by the ids of persons, which are what the review is about."""
    for grant in review[:_MOST_NAMED]:
        screen.line(f"For a human: person {grant.person}, {grant.benefit}: {grant.why} ({', '.join(grant.ids)}).")
    if len(review) > _MOST_NAMED:
        screen.line(f"… and {len(review) - _MOST_NAMED:,} more.")
