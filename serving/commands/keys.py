"""`applyfree keys`: are the secrets safe to start with; replace keys while everybody works."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from serving import screen, settings
from serving.security.errors import UnsafeSecretsError
from serving.security.fields.cipher import FieldCipher
from serving.security.fields.keyring import KeyRing
from serving.security.fields.rotation import rotate_data_keys, rotate_kek, versions_needed
from serving.security.secrets import DCI_SIGNING, FIELD_KEK, SecretFolder, open_secrets
from serving.store import tables
from serving.store.database import connect
from serving.store.engine import Role, open_engine
from serving.store.migrate import migrate
from serving.store.server import open_server
from serving.store.tables.keys import encrypted_columns
from serving.store.tables.metadata import metadata

app = typer.Typer(help="Secrets, and the keys of encrypted fields.", no_args_is_help=True)

_UNSAFE = 1


class What(StrEnum):
    """What is replaced."""

    KEK = "kek"
    DATA = "data"


def check() -> None:
    """Look at the folder of secrets (APPLYFREE_SECRETS) as a service does that starts.

    Where APPLYFREE_DATABASE_URL names a server, nothing is made, and missing, short, guessable or exposed secrets are
    refused; otherwise missing keys are made. Exit status 1: they are not safe; every reason is told, no secret is.
    """
    for name in _secrets_or_exit().names():
        screen.line(f"{name}: safe")


def public() -> None:
    """Print the public half of the key that signs our messages to departments (secret `dci-signing`), as PEM."""
    key = Ed25519PrivateKey.from_private_bytes(_secrets_or_exit(also=[DCI_SIGNING]).key(DCI_SIGNING))
    screen.line(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().strip())


def rotate(
    what: Annotated[
        What,
        typer.Argument(
            help="kek: wrap all data keys by the newest field-kek.N. data: a new data key for everybody.",
            show_default=False,
        ),
    ],
) -> None:
    """Replace keys while everybody works. Interrupted at any point, the same command goes on.

    For `kek` put field-kek.2 beside field-kek.1 on every machine and restart the processes first.
    """
    cipher = FieldCipher(KeyRing(_secrets_or_exit().versions(FIELD_KEK)))
    server = open_server(settings.database_url(), settings.home())
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            migrate(session)
        engine = open_engine(server.url, Role.OWNER)
        try:
            if what is What.KEK:
                done = rotate_kek(engine, cipher)
                with engine.connect() as connection:
                    needed = ", ".join(f"{FIELD_KEK}.{version}" for version in versions_needed(connection)) or "none"
                screen.line(f"{done.keys:,} data keys are wrapped anew. Still needed: {needed}.")
            else:
                for module in pkgutil.iter_modules(tables.__path__, f"{tables.__name__}."):
                    import_module(module.name)  # each declares its tables, wherever they were added
                done = rotate_data_keys(engine, cipher, list(encrypted_columns(metadata)))
                screen.line(
                    f"{done.keys:,} data keys are replaced, {done.fields:,} fields encrypted anew, "
                    f"{done.destroyed:,} old keys destroyed; {done.kept:,} are kept for now: run this again in an hour."
                )
        finally:
            engine.dispose()
    finally:
        server.close()


def _secrets_or_exit(also: Sequence[str] = ()) -> SecretFolder:
    try:
        return open_secrets(settings.secrets_folder(), makes_missing=settings.database_url() is None, also=also)
    except UnsafeSecretsError as error:
        screen.error(error)
        raise typer.Exit(_UNSAFE) from error
