"""`applyfree serve`: the API over this home, until it is ended."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from types import FrameType
from typing import Annotated

import typer

from serving import screen, settings
from serving.commands.beside import working_beside

LOCAL = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # nosec B104
LONGEST_QUEUE = 200
"""So many requests wait at most; others are told to come back."""

NOBODY_WORKS = (
    "No background work is done here: `applyfree work` must run beside this, on one machine that reaches the database. "
    "Without it nothing is sealed, and a quarter of an hour after the first event everything is read-only."
)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0: all of this machine's.")] = LOCAL,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8080,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="How many processes answer; one per core that nobody else needs.")
    ] = 1,
    login_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            show_default=False,
            help="Where the provider for demonstrations listens at its first start. Default: the next port.",
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            metavar="URL",
            help="Under which address browsers reach it, like https://service.example.gov.cn. Default: host and port.",
            show_default=False,
        ),
    ] = None,
    works: Annotated[
        bool | None,
        typer.Option(
            "--work/--no-work",
            help="Do the background work too, in a process of its own. Default: where the database is our own.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the answers of the last sweep: to citizens, caseworkers, policy staff, auditors, operators, departments.

    Dossiers, of which explanations are made, are written first where the last sweep's are missing. Secrets are read
    from APPLYFREE_SECRETS. The description of the API is not served to anybody.

    People log in at the provider of APPLYFREE_ISSUER (we are APPLYFREE_CLIENT_ID there; secret: `provider-password`).
    Without one, where the database is our own, one for demonstrations starts beside it, on this machine alone.
    Requests are counted in the Redis of APPLYFREE_REDIS_URL, or in each process.

    The background work (`applyfree work`: seals the ledger, reminds, escalates) runs beside the processes that answer,
    where the database is our own. Where APPLYFREE_DATABASE_URL names one, run `applyfree work` on one machine, or
    say --work: without it everything is read-only a quarter of an hour after the first event.
    """
    signal.signal(signal.SIGTERM, _end)
    # Imported late: a web framework is nothing for the other commands to wait for.
    import uvicorn  # noqa: PLC0415

    from serving.api.routing import PREFIX  # noqa: PLC0415
    from serving.app import keep_turns_short, open_app  # noqa: PLC0415

    # People come back from their login to the first. Listening everywhere is no address: then on this machine.
    named = LOCAL if host == EVERYWHERE else host
    origins = origin or [f"http://{named}:{port}", f"https://{named}:{port}"]
    with ExitStack() as stack:
        with screen.progress() as progress:
            task = progress.add_task("dossiers", total=None)
            opened = stack.enter_context(
                open_app(
                    settings.home(),
                    origins,
                    advance=lambda count: progress.advance(task, count),
                    login_port=login_port or port + 1,
                )
            )
        if opened.accounts is not None:
            screen.line(f"Demonstration accounts, with passwords and keys of the second factor: {opened.accounts}")
        if works_itself(works):
            stack.enter_context(working_beside())
            screen.line("The background work runs beside it, in a process of its own.")
        else:
            screen.note(NOBODY_WORKS)
        screen.line(f"Serving on http://{host}:{port}. Log in at {origins[0]}{PREFIX}/login. End it with Ctrl+C.")
        settings.serve_to(origins)
        keep_turns_short()
        uvicorn.run(
            opened.app if workers == 1 else "serving.app:of_worker", factory=workers > 1, workers=workers, host=host,
            port=port, log_level="warning", access_log=False, server_header=False, limit_concurrency=LONGEST_QUEUE,
            timeout_keep_alive=30, timeout_graceful_shutdown=10,
        )  # fmt: skip


def works_itself(told: bool | None) -> bool:
    """Whether the background work is done beside the requests.

    Args:
        told: what the command line says; None: nothing.
    """
    return settings.database_url() is None if told is None else told


def _end(number: int, frame: FrameType | None) -> None:
    """Leave as if by Ctrl+C, so that everything that was started is ended."""
    raise SystemExit(0)
