"""`applyfree ingest`: departments' deliveries into the history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from features.registers.contracts import Table
from serving import clock, screen, settings
from serving.catalogues import CHINA
from serving.commands.online import tell_online
from serving.commands.options import read_day
from serving.errors import ServingError
from serving.loading import DATABASE, Load, Loader, in_order, open_loader
from serving.views import senders_of

_COLUMNS = ("table", "delivery", "speaks for", "rows", "taken", "taken back", "set aside", "new", "unchanged", "left",
            "outcome")  # fmt: skip
_REASONS = ("table", "column", "reason", "rows", "first row")
_MOST_REASONS = 30
_REFUSED = 1


def ingest(
    register: Annotated[
        str, typer.Argument(metavar="REGISTER", help="Like public_security; all: by the files' names.")
    ],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…", help="Files, folders of files, or postgresql://… for the tables of an exchange database."
        ),
    ],
    table: Annotated[
        str | None, typer.Option("--table", help="Which table of the register, where names do not tell.")
    ] = None,
    attested_on: Annotated[
        str | None, typer.Option("--attested-on", metavar="DAY", help="For which day, where names do not tell.")
    ] = None,
    accept_short_lists: Annotated[
        bool,
        typer.Option(
            "--accept-short-lists",
            help="Take lists of everybody that leave out far more than the last ones: the department stands by them.",
        ),
    ] = False,
    jurisdiction: Annotated[str, typer.Option(help="Whose dictionary and contracts.")] = CHINA,
) -> None:
    """Load what departments delivered. A delivery that is refused changes nothing: what was loaded before serves on.

    Rows with mistakes are set aside with file, row, column and reason. Reports and rows set aside lie under
    $APPLYFREE_HOME/loads. The same content is taken once. What changed is pushed to the online store, where one is set
    up. Exit status 1: a delivery was refused, or the online store could not be reached (the next push goes on).
    """
    day = None if attested_on is None else read_day(attested_on)
    senders = senders_of(settings.senders_file())
    loader = replace(open_loader(settings.home(), jurisdiction), accept_short_lists=accept_short_lists, senders=senders)
    tables = _chosen(loader.tables_of(register), table)
    loads: list[Load] = []
    with screen.progress() as progress:
        sources = _sources(files, tables)
        working = progress.add_task("loading", total=len(sources))
        for source in sources:
            loads += _loaded(loader, source, tables, day)
            progress.advance(working)
    _show(loads)
    pushed = tell_online(loader.vocabulary)
    if not pushed or any(load.refusal is not None for load in loads):
        raise typer.Exit(_REFUSED)


def _chosen(tables: tuple[Table, ...], name: str | None) -> tuple[Table, ...]:
    if name is None:
        return tables
    found = tuple(table for table in tables if name in (table.name, table.id))
    if not found:
        raise ServingError(f"There is no table `{name}`. Tables are: {', '.join(table.name for table in tables)}.")
    return found


def _sources(files: Sequence[str], tables: Sequence[Table]) -> list[Path | str]:
    """Files in the order of their days, databases after them."""
    databases: list[Path | str] = [name for name in files if name.startswith(DATABASE)]
    return [*in_order([Path(name) for name in files if not name.startswith(DATABASE)], tables), *databases]


def _loaded(loader: Loader, source: Path | str, tables: Sequence[Table], day: dt.date | None) -> Iterator[Load]:
    if isinstance(source, Path):
        yield loader.load_file(source, tables, clock.now(), day)
        return
    held = [table for table in tables if table.relation is not None]
    if not held:
        raise ServingError("No contract of this register names a PostgreSQL table. Name files.")
    for table in held:
        yield loader.load_relation(table, source, clock.now(), day)


def _show(loads: Sequence[Load]) -> None:
    figures = _COLUMNS[3:-1]
    screen.table("Deliveries", _COLUMNS, map(_line, loads), figures=figures, whole=(_COLUMNS[0], _COLUMNS[-1]))
    reasons = [
        (load.table.id if load.table else "", each.column or "", each.reason, each.rows, each.first_row)
        for load in loads
        if load.report is not None
        for each in load.report.reasons
    ]
    if reasons:
        screen.table("Rows set aside", _REASONS, reasons[:_MOST_REASONS], figures=_REASONS[3:], whole=_REASONS[:1])
    for load in loads:
        if load.report is not None and load.report.unchecked_messages:
            unchecked = load.report.unchecked_messages
            screen.line(f"Taken unchecked: {unchecked:,} messages of {load.source}: no key of their senders is named.")
    for load in loads:
        if load.quarantine is not None:
            screen.line(f"Rows set aside of {load.source}: {load.quarantine}")
    for load in loads:
        if load.refusal is not None:
            screen.error(load.refusal)


def _line(load: Load) -> tuple[object, ...]:
    table = load.table.id if load.table else ""
    report, appended = load.report, load.appended
    if report is None or appended is None:
        return (table, load.source, "", *[None] * 7, load.outcome)
    read = (report.read, report.stated, report.withdrawn, report.set_aside)
    kept = (appended.new, appended.unchanged, appended.closed)
    return (table, load.source, report.attested_on, *read, *kept, load.outcome)
