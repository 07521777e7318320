"""`applyfree replay`: make stored determinations again from what was known, and compare them byte for byte."""

from __future__ import annotations

from typing import Annotated

import typer

from serving import screen, settings
from serving.commands.options import CatalogueOption
from serving.errors import ServingError
from serving.store import sweeps
from serving.store.database import Session, connect
from serving.store.migrate import migrate
from serving.store.server import open_server
from serving.sweep.facts import FactSource
from serving.sweep.replay import Name, Replayer
from serving.sweep.sources import recorded_facts, swept_catalogue

_DIFFERS = 1


def replay(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="SWEEP/KIND/SUBJECT/BENEFIT for one determination, or the number of a sweep for all of it.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that every complete sweep made.")] = False,
    catalogue: CatalogueOption = None,
) -> None:
    """Make stored determinations again: facts as known then, the rulebook of that hash, the same dates.

    Equal means equal bytes of canonical JSON. Exit status 1: some differ; the first ones are shown by name.
    """
    if every == (name is not None):
        raise ServingError(
            "Name either what to replay or --all: `applyfree replay 3/person/p17/dibao` for one determination, "
            "`applyfree replay 3` for all that sweep 3 made, `applyfree replay --all` for those of every sweep."
        )
    server = open_server(settings.database_url(), settings.home())
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            migrate(session)
            source = recorded_facts(swept_catalogue(catalogue), settings.home())
            same = _one(session, source, name) if name and not name.isdigit() else _sweeps(session, source, name)
    finally:
        server.close()
    if not same:
        raise typer.Exit(_DIFFERS)


def _one(session: Session, source: FactSource, text: str) -> bool:
    """One determination: shown in full, for that is what was asked for."""
    name = Name.read(text)
    stored, again = Replayer(session, settings.home(), source, name.sweep).one(name)
    screen.line(stored.decode())
    if stored == again:
        screen.line("Made again from what was known then: the same, byte for byte.")
    else:
        screen.error(f"Made again it is different: {again.decode()}")
    return stored == again


def _sweeps(session: Session, source: FactSource, number: str | None) -> bool:
    chosen = [
        made for made in sweeps.all_sweeps(session) if made.state == sweeps.COMPLETE and number in (None, str(made.id))
    ]
    if not chosen:
        which = "No sweep is complete" if number is None else f"There is no complete sweep {number}"
        raise ServingError(f"{which}, so there is nothing to replay. `applyfree sweep` makes one.")
    same = True
    for made in chosen:
        with screen.progress() as progress:
            task = progress.add_task(f"replaying sweep {made.id}", total=made.subjects)
            found = Replayer(session, settings.home(), source, made.id).everything(
                lambda subjects, task=task, progress=progress: progress.advance(task, subjects)  # type: ignore[misc]
            )
        screen.line(f"Sweep {made.id}, {made.on_date}: {found.compared:,} made again, {found.differing:,} differ.")
        for difference in found.shown:
            screen.error(f"{difference.name} differs. See: applyfree replay {difference.name}")
        same = same and not found.differing
    return same
