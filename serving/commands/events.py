"""`applyfree events`: life events into the log, and what follows from them into the history."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from features.errors import FactProblem
from features.events.loading import LifeEvents, Loaded
from features.events.log import EventLog
from features.history.history import History
from serving import clock, log, screen, settings
from serving.catalogues import CHINA
from serving.commands.online import tell_online
from serving.commands.options import QuarantineOption, VocabularyOption
from serving.security.exports import neutralised
from serving.views import event_kinds_of, senders_of, vocabulary_of

MOST_SHOWN = 20
_COLUMNS = ("file", "events", "taken", "doubled", "disputed", "set aside", "facts stated", "taken back", "waiting")


def events(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Life events as JSON lines (header and message).")
    ],
    quarantine: QuarantineOption = None,
    vocabulary: VocabularyOption = None,
) -> None:
    """Load life events: births, deaths, marriages, moves, … with their corrections and reversals.

    The same event is taken once, however often it comes; the order in which events come makes no difference. A line
    that cannot be read, or is not signed by its sender though a key of theirs is named ($APPLYFREE_SENDERS), is set
    aside with its reason, and the others are taken. What changed is pushed to the online
    store, where one is set up. Exit status 1: a line was set aside, or the online store could not be reached.
    """
    kinds = event_kinds_of(vocabulary_of(CHINA, vocabulary))
    home = settings.home()
    # Other views of the same history belong to registers; to add rows to ours it is enough to know ours.
    history = History(home / "history", kinds.vocabulary, kinds.views.values())
    life = LifeEvents(EventLog(home / "events"), kinds, history, senders_of(settings.senders_file()))
    found: list[Loaded] = []
    problems: list[FactProblem] = []
    with screen.progress() as progress:
        task = progress.add_task("files of events", total=len(files))
        for path in files:
            loaded = life.load(path, clock.now())
            found.append(loaded)
            logged = loaded.logged
            log.info(
                "events_loaded", lines=loaded.lines, new=logged.new, doubled=logged.doubled, disputed=logged.disputed,
                set_aside=len(loaded.problems), stated=loaded.stated, withdrawn=loaded.withdrawn,
                waiting=len(loaded.waiting),
            )  # fmt: skip
            problems += loaded.problems
            progress.advance(task)
    screen.table(
        "Life events", _COLUMNS, [_row(*each) for each in zip(files, found, strict=True)], figures=_COLUMNS[1:]
    )
    _tell_problems(problems, quarantine)
    for loaded in found:
        _tell_open(loaded)
    pushed = tell_online(kinds.vocabulary)
    if problems or not pushed:
        raise typer.Exit(1)


def _row(path: Path, loaded: Loaded) -> Sequence[object]:
    logged = loaded.logged
    return (
        path.name, loaded.lines, logged.new, logged.doubled, logged.disputed,
        loaded.lines - logged.new - logged.doubled, loaded.stated, loaded.withdrawn, len(loaded.waiting),
    )  # fmt: skip


def _tell_problems(problems: Sequence[FactProblem], quarantine: Path | None) -> None:
    for problem in problems[:MOST_SHOWN]:
        screen.line(f"Set aside: {problem}.")
    if len(problems) > MOST_SHOWN:
        screen.line(f"… and {len(problems) - MOST_SHOWN:,} more.")
    if quarantine is not None:
        quarantine.parent.mkdir(parents=True, exist_ok=True)
        with quarantine.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("file", "line", "field", "reason"))
            writer.writerows((neutralised(p.file), p.row, p.column, neutralised(p.reason)) for p in problems)


def _tell_open(loaded: Loaded) -> None:
    """What waits for another event, and what somebody should look at; by the senders' numbers, which name nobody."""
    if loaded.unchecked:
        screen.line(f"Taken unchecked: {loaded.unchecked:,} events, for no key of their senders is named.")
    for source, event in loaded.waiting[:MOST_SHOWN]:
        screen.line(f"Waits for the event that it corrects or reverses: {event} of {source}.")
    for (source, event), reason in loaded.idle[:MOST_SHOWN]:
        screen.line(f"Says nothing ({reason.value.replace('_', ' ')}): {event} of {source}.")
    if loaded.logged.disputed:
        screen.line(
            "Disputed: one id and version came with two contents. The facts are unknown until a higher version."
        )
    if loaded.contradicted:
        screen.line(f"Events contradict each other about {loaded.contradicted:,} facts that cannot change: not known.")
