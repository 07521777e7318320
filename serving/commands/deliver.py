"""`applyfree deliver`: what follows a sweep, from tiers to the outbox and the queues of caseworkers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rich.progress import Progress, TaskID

from features.events.log import EventLog
from rules.catalogue import Catalogue
from serving import clock, screen, settings
from serving.casework.clocks import shipped_clocks
from serving.commands.options import CatalogueOption
from serving.day.delivering import Delivered, Ground, Tell, deliver
from serving.day.happenings import Life
from serving.delivery.errors import NotSweptError
from serving.delivery.terms import load_programmes
from serving.security.errors import UnsafeSecretsError
from serving.security.secrets import open_secrets
from serving.store import sweeps
from serving.store.database import Session, connect
from serving.store.engine import open_engine
from serving.store.migrate import migrate
from serving.store.server import Server, open_server
from serving.store.timekeeping import require_same_time
from serving.sweep.rulebooks import load_pinned
from serving.sweep.sources import recorded_facts, swept_catalogue
from serving.views import event_kinds_of

LONGEST_STATEMENT_SECONDS = 3600
"""A statement over everybody, at ten million persons."""
_STEPS = {
    "approved": "to be delivered, with no application",
    "public_notice": "published, to be delivered unless somebody objects",
    "offered": "offered: one click",
    "review": "with a caseworker",
    "ask": "waiting for a fact",
}


def deliver_command(catalogue: CatalogueOption = None) -> None:
    """Do what follows the last sweep: tiers, households settled, entitlements, offers, cases; nothing is paid yet.

    Every determination gets its tier with the reasons; registers that are late or damaged take their benefits down to a
    confirmation, mended ones bring them back; what excludes each other is weighed for the good of each household;
    whatever is owed is noted once for its period and goes its first step. What comes from one life event is offered as
    one; deaths and corrections hold what they touch. What is approved or offered waits in the outbox. Counts that are
    unusual against the last run stop their benefit until two people have looked. The first run of a month draws the
    blind samples of the last one.

    Run it after every `applyfree sweep`; run twice it does nothing the second time, and killed it goes on.
    """
    home = settings.home().resolve()
    with screen.progress() as progress:
        done = deliver_home(settings.database_url(), home, swept_catalogue(catalogue), told_to(progress))
    show(done)


def deliver_home(database_url: str | None, home: Path, catalogue: Catalogue, tell: Tell) -> Delivered:
    """Do what follows the last sweep of a home.

    Args:
        database_url: of the server; None: the one that the home keeps.
        home: $APPLYFREE_HOME.
        catalogue: that was swept.
        tell: is told of progress.

    Raises:
        NotSweptError: there is no complete sweep.
    """
    server = open_server(database_url, home)
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            require_same_time(session, clock.now)
            migrate(session)
            return _delivered(server, session, home, catalogue, tell)
    finally:
        server.close()


def _delivered(server: Server, session: Session, home: Path, catalogue: Catalogue, tell: Tell) -> Delivered:
    sweep = sweeps.last_complete(session)
    if sweep is None:
        raise NotSweptError
    ground = ground_of(sweep.rulebook, home, catalogue)
    engine = open_engine(server.url, statement_seconds=LONGEST_STATEMENT_SECONDS)
    try:
        return deliver(session, engine, ground, clock.now(), tell)
    finally:
        engine.dispose()


def ground_of(rulebook: str, home: Path, catalogue: Catalogue) -> Ground:
    """What a day's delivery rests on in a home.

    Args:
        rulebook: the hash of the sweep's.
        home: where everything is kept.
        catalogue: that was swept.
    """
    source = recorded_facts(catalogue, home)
    pinned = load_pinned(home, rulebook)
    return Ground(
        pinned, source.open(pinned.rulebook.vocabulary), source.views, home / "loads", load_programmes(),
        shipped_clocks(), Life(EventLog(home / "events"), event_kinds_of(pinned.rulebook.vocabulary)),
        partial(month_secret, settings.secrets_folder(home)),
    )  # fmt: skip


def month_secret(folder: Path, month: str) -> bytes | None:
    """The secret of a month's blind samples; an installation with a database of its own makes it.

    Blind samples are no reason to deliver nothing: where it cannot be read, the log and the screen say so.
    """
    name = f"sample-{month}"
    try:
        found = open_secrets(folder, makes_missing=settings.database_url() is None, also=[name])
    except UnsafeSecretsError as error:
        screen.error(f"No blind samples of {month} are promised or drawn. {error}")
        return None
    return found.key(name)


def kept_month_secret(folder: Path, month: str) -> bytes | None:
    """The secret of a month's blind samples as it was kept; None: it is not there, and none is made in its place."""
    name = f"sample-{month}"
    try:
        return open_secrets(folder, makes_missing=False, also=[name]).key(name)
    except UnsafeSecretsError:
        return None


def told_to(progress: Progress, before: str = "") -> Tell:
    """Shows each phase as a bar of its own; what stands `before` says whose."""
    tasks: dict[str, TaskID] = {}

    def tell(phase: str, done: int, total: int) -> None:
        for other, task in tasks.items():
            if other != phase and progress.tasks[task].total is None:
                progress.update(task, total=1, completed=1)
        if phase not in tasks:
            tasks[phase] = progress.add_task(f"{before}{phase}", total=total or None)
        progress.update(tasks[phase], completed=done, total=total or None)

    return tell


def show(done: Delivered) -> None:
    """What a run came to, for whoever started it."""
    screen.table(
        f"{done.sweep.on_date}, sweep {done.sweep.id}: determinations by tier",
        ["tier", "determinations"],
        ([tier, count] for tier, count in sorted(done.tiers.items(), key=lambda one: -one[1])),
        figures=("determinations",),
    )
    screen.table(
        "First steps of what is owed",
        ["state", "entitlements", "which means"],
        ([state, count, _STEPS.get(state, "")] for state, count in sorted(done.steps.items(), key=lambda one: -one[1])),
        figures=("entitlements",),
    )
    screen.line(
        f"{done.found:,} entitlements are new, {done.superseded:,} are no longer owed; {done.knots:,} times benefits "
        f"of a household were weighed against each other; {done.asked:,} cases ask whether somebody is still entitled; "
        f"{done.held:,} wait because of what happened in somebody's life. {done.bundles:,} times what came from one "
        "life event was offered as one."
    )
    if done.drawn:
        screen.line(f"{done.drawn:,} cases of last month were drawn for blind review.")
    if done.tripped:
        screen.error(
            f"Stopped by a breaker, until two people have looked: {', '.join(done.tripped)}. {done.waiting:,} "
            "entitlements wait."
        )
    elif done.waiting:
        screen.error(f"{done.waiting:,} entitlements wait: something is stopped, or the sweep's check did not pass.")
