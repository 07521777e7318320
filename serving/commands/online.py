"""`applyfree online`: the online store, filled from the history and compared with it."""

from __future__ import annotations

from typing import Annotated

import typer

from features.facts.vocabulary import Vocabulary
from features.store.catching_up import CaughtUp
from features.store.errors import StoreUnreachableError
from serving import clock, screen, settings
from serving.commands.options import CatalogueOption, DayOption, read_day
from serving.errors import ServingError
from serving.evaluation import sound_rulebook
from serving.online import OnlineStore, online_store, push
from serving.sweep.sources import swept_catalogue

PARTED = 1

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The online store: fill it, compare it.")


def fill(
    catalogue: CatalogueOption = None,
    on_date: DayOption = None,
    anew: Annotated[bool, typer.Option("--anew", help="Write everybody, also who is written already.")] = False,
) -> None:
    """Write what the history knows into the online store, as far as a benefit in force or a model reads it.

    Ingest, events and sweep push what changed by themselves; this is for the first time, after a change of settings,
    and where the stores have parted. It may be stopped and run again at any time.
    """
    chosen = sound_rulebook(swept_catalogue(catalogue))
    with online_store(settings.home(), chosen.vocabulary, read_day(on_date), chosen) as store:
        screen.line(_told(_required(store).catch_up(clock.now(), anew=anew)))


def check(
    on_date: DayOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the sample.")] = 0,
    catalogue: CatalogueOption = None,
) -> None:
    """Compare the online store with the history: at least 1,000 subjects of each kind, or all where they are fewer.

    Exit status 1: one in a thousand or more differ. Then no answer is of automatic grade until the stores agree again.
    """
    chosen = sound_rulebook(swept_catalogue(catalogue))
    day = read_day(on_date)
    with online_store(settings.home(), chosen.vocabulary, day, chosen) as store:
        found = _required(store).compared(day, seed, clock.now())
    for skew in found:
        screen.line(skew.said)
    if not all(skew.may_deliver for skew in found):
        raise typer.Exit(PARTED)


def tell_online(vocabulary: Vocabulary) -> bool:
    """After a load: push what changed, where an online store is set up. False: it could not be reached; that is told.

    Raises:
        StoreError: a setting is wrong.
    """
    try:
        pushed = push(settings.home(), vocabulary, clock.now())
    except StoreUnreachableError as error:
        screen.error(error)
        return False
    if pushed is not None:
        screen.line(_told(pushed))
    return True


def _told(done: CaughtUp) -> str:
    how = "filled" if done.filled else "told what changed"
    return f"Online store {how}: {done.written:,} subjects changed, as known at {done.known_at:%Y-%m-%d %H:%M:%S} UTC."


def _required(store: OnlineStore | None) -> OnlineStore:
    if store is None:
        raise ServingError(
            "No online store is set up. Name one: APPLYFREE_ONLINE_STORE=postgresql://… or redis://…, or `online` in "
            "store.toml under $APPLYFREE_HOME; `embedded` is the PostgreSQL of the determinations."
        )
    return store
