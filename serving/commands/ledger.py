"""`applyfree ledger`: seal what happened, and verify that the ledger is what was published of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from serving import clock, screen, settings
from serving.errors import ServingError
from serving.ledger.checkpoints import (
    read_private_key,
    read_public_key,
    read_published,
)
from serving.ledger.sealing import Signer, seal_and_publish
from serving.ledger.stored import all_leaves
from serving.ledger.verification import Verdict, verify
from serving.security.secrets import keep_secret
from serving.store.database import connect
from serving.store.engine import Role, open_engine
from serving.store.migrate import migrate
from serving.store.server import open_server

_FOUND = 1
LEDGER_KEY = "ledger-pem"
"""Its name in the folder of secrets."""

app = typer.Typer(
    help="The ledger (存证账本): what happened, in one order that nobody can change without its being seen.",
    no_args_is_help=True,
)
CheckpointsOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoints",
        metavar="FILE",
        help="The published checkpoints, one per line. Default: $APPLYFREE_HOME/ledger/checkpoints.jsonl.",
        show_default=False,
    ),
]
SigningKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--ledger-key",
        metavar="FILE",
        help="The Ed25519 key (PEM) that signs checkpoints. Default: $APPLYFREE_HOME/secrets/ledger-pem.",
        show_default=False,
    ),
]
OriginOption = Annotated[str, typer.Option("--origin", help="The name under which the key is known to others.")]


def published_file(named: Path | None = None) -> Path:
    """Where checkpoints are published."""
    return named or settings.home() / "ledger" / "checkpoints.jsonl"


def signing_key_file(named: Path | None = None) -> Path:
    """The key that signs them."""
    return named or settings.secrets_folder() / LEDGER_KEY


def make_signing_key(folder: Path) -> None:
    """Make a key where there is none: for an installation with a database of its own, where nobody else would."""
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / LEDGER_KEY).exists():
        keep_secret(folder, LEDGER_KEY, made)


def verify_ledger(
    checkpoints: CheckpointsOption = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="The public key (PEM) of the ledger. Default: that of $APPLYFREE_HOME/secrets/ledger-pem.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compare every leaf with its event, and the tree with every checkpoint that was published.

    Take checkpoints and key from where others keep them: those of the machine that is examined prove little. Exit
    status 1: the ledger was altered; the first bad index is named.
    """
    file = published_file(checkpoints)
    published = read_published(file) if file.exists() else []
    if not published:
        raise ServingError(
            f"{file} holds no checkpoint, so there is nothing to verify against. Name the file that others kept with "
            "--checkpoints; `applyfree ledger seal` and `applyfree work` write it."
        )
    public = read_public_key(key) if key else read_private_key(_existing(signing_key_file())).public_key()
    server = open_server(settings.database_url(), settings.home())
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            migrate(session)
        engine = open_engine(server.url, Role.AUDITOR)
        with engine.connect() as connection:
            verdict = verify(all_leaves(connection), published, public)
        engine.dispose()
    finally:
        server.close()
    _show(verdict)
    if not verdict.sound:
        raise typer.Exit(_FOUND)


def seal_ledger(
    checkpoints: CheckpointsOption = None, ledger_key: SigningKeyOption = None, origin: OriginOption = "applyfree"
) -> None:
    """Seal what happened, sign it, and append the checkpoint to the published ones. `applyfree work` does it too."""
    signer = Signer(origin, read_private_key(_existing(signing_key_file(ledger_key))))
    server = open_server(settings.database_url(), settings.home())
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            migrate(session)
        engine = open_engine(server.url)
        sealed = seal_and_publish(engine, signer, published_file(checkpoints), clock.now())
        engine.dispose()
    finally:
        server.close()
    screen.line(f"{sealed:,} leaves sealed; checkpoints in {published_file(checkpoints)}.")


def _existing(file: Path) -> Path:
    if not file.exists():
        raise ServingError(
            f"There is no key {file}. Make one with `openssl genpkey -algorithm ed25519 -out {file.name}`, readable by "
            "the engine alone, or name another with --ledger-key (to seal) or --key (to verify)."
        )
    return file


def _show(verdict: Verdict) -> None:
    if verdict.fault is None:
        screen.line(
            f"{verdict.leaves:,} leaves, {verdict.proved:,} of them vouched for by {verdict.checkpoints:,} published "
            "checkpoints: nothing was altered."
        )
        return
    if verdict.first_bad is None or verdict.until is None:
        where = ""
    elif verdict.until - verdict.first_bad <= 1:
        where = f" at index {verdict.first_bad:,}"
    else:
        where = f"; the first bad index is {verdict.first_bad:,} or one of those up to {verdict.until - 1:,}"
    screen.error(
        f"The ledger was altered{where}: {verdict.fault.value}. The first {verdict.proved:,} leaves are sound."
    )
