"""`applyfree serve`: the API over this home, until it is ended."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from serving import screen, settings

LOCAL = "127.0.0.1"
LONGEST_QUEUE = 200
"""So many requests wait at most; others are told to come back."""


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0: all of this machine's.")] = LOCAL,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8080,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="How many processes answer; one per core that nobody else needs.")
    ] = 1,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            metavar="URL",
            help="Under which address browsers reach it, like https://service.example.gov.cn. Default: host and port.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the answers of the last sweep: to citizens, caseworkers, policy staff, auditors, operators, departments.

    Dossiers, of which explanations are made, are written first where the last sweep's are missing. Secrets are read
    from APPLYFREE_SECRETS. The description of the API is not served to anybody.
    """
    # Imported late: a web framework is nothing for the other commands to wait for.
    import uvicorn  # noqa: PLC0415

    from serving.app import open_app  # noqa: PLC0415

    origins = origin or [f"https://{host}:{port}", f"http://{host}:{port}"]
    with ExitStack() as stack:
        with screen.progress() as progress:
            task = progress.add_task("dossiers", total=None)
            opened = stack.enter_context(
                open_app(settings.home(), origins, advance=lambda count: progress.advance(task, count))
            )
        screen.line(f"Serving on http://{host}:{port}. End it with Ctrl+C.")
        settings.serve_to(origins)
        uvicorn.run(
            opened.app if workers == 1 else "serving.app:of_worker", factory=workers > 1, workers=workers, host=host,
            port=port, log_level="warning", access_log=False, server_header=False, limit_concurrency=LONGEST_QUEUE,
            timeout_keep_alive=30, timeout_graceful_shutdown=10,
        )  # fmt: skip
