"""`applyfree online`: the online store, filled from the history, compared with it, and read."""

from __future__ import annotations

from typing import Annotated

import typer

from features.facts.values import Known
from features.facts.vocabulary import Vocabulary
from features.store.catching_up import CaughtUp
from features.store.errors import StoreUnreachableError
from features.store.reading import FactRead, SubjectRead
from serving import clock, screen, settings
from serving.commands.catalogue import Format, FormatOption, write
from serving.commands.options import CatalogueOption, DayOption, read_day
from serving.errors import ServingError
from serving.evaluation import sound_rulebook
from serving.online import OnlineStore, online_store, push
from serving.purposes import active_purposes, benefit_purpose
from serving.sweep.sources import swept_catalogue

PARTED = 1
READ_COLUMNS = (
    "subject", "id", "fact", "value", "gap", "source", "true_from", "learned_at", "attested_on", "age_days",
)  # fmt: skip

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The online store: fill it, compare it, read it.")


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


def read(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="person, household, enterprise, …")],
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The id.")],
    benefit: Annotated[str, typer.Option("--for", metavar="BENEFIT", help="On whose behalf: only what it reads.")],
    on_date: DayOption = None,
    catalogue: CatalogueOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Read a subject's facts from the online store as a page does; of a household, its members' as well.

    Each with the register and table that says so, since when it holds, when it was learned, of which day its register
    attested it and how old it is; or why it is not known. Only what the benefit reads is fetched. Shows personal data.
    """
    chosen = sound_rulebook(swept_catalogue(catalogue))
    day, now = read_day(on_date), clock.now()
    purposes = active_purposes(chosen, day)
    with online_store(settings.home(), chosen.vocabulary, day, chosen) as store:
        facts = _required(store).facts(purposes, now)
        if kind in chosen.vocabulary.subjects.groups:
            found = facts.read_group(benefit_purpose(benefit), kind, subject, day)
        else:
            found = {kind: facts.read(benefit_purpose(benefit), kind, [subject], day)}
    if not any(one.is_held for some in found.values() for one in some.values()):
        raise ServingError("No register has said anything of a subject of this kind and id. Correct the id.")
    rows = [
        _line(one, name, fact) for some in found.values() for one in some.values() for name, fact in one.facts.items()
    ]
    if form is not Format.TABLE:
        write(rows, READ_COLUMNS, form)
        return
    title = f"Read online on {day} for {benefit}"
    screen.table(title, READ_COLUMNS, ([row[name] for name in READ_COLUMNS] for row in rows), whole=READ_COLUMNS[:3])


def _line(subject: SubjectRead, name: str, fact: FactRead) -> dict[str, object]:
    known = fact.holding if isinstance(fact.holding, Known) else None
    values = (
        subject.kind, subject.id, name, None if known is None else str(known.value),
        None if fact.gap is None else fact.gap.value, fact.view, fact.true_from, fact.learned_at, fact.attested_on,
        fact.age_days,
    )  # fmt: skip
    return dict(zip(READ_COLUMNS, values, strict=True))


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
