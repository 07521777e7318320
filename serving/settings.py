"""Where the program keeps its state: the only place that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

SENDER = "applyfree"
"""What we are called in messages to departments."""


def home() -> Path:
    """The folder of everything that is written without a name of its own."""
    return Path(os.environ.get("APPLYFREE_HOME") or "var")


def database_url() -> str | None:
    """The PostgreSQL server to use; None: one of our own, started from the wheel below :func:`home`."""
    return os.environ.get("APPLYFREE_DATABASE_URL") or None


def secrets_folder(of_home: Path | None = None) -> Path:
    """The folder of secrets: one file each, mode 0600; of another home than :func:`home`, where one is named."""
    return Path(os.environ.get("APPLYFREE_SECRETS") or (of_home or home()) / "secrets")


def senders_file() -> Path | None:
    """The file that names the keys by which senders sign their messages; None: there is none, and nobody signs."""
    named = os.environ.get("APPLYFREE_SENDERS")
    usual = home() / "senders.yaml"
    return Path(named) if named else usual if usual.exists() else None


def outbound() -> list[str]:
    """Whom we may call: `host:port`, or `host:port=address` of one in our own network; nobody by default."""
    return os.environ.get("APPLYFREE_OUTBOUND", "").split()


def one_thread_for_children() -> None:
    """Tell processes that are started from now on to use one Polars thread each: they are the parallelism."""
    os.environ["POLARS_MAX_THREADS"] = "1"


def log_target() -> str | None:
    """Where the log goes: a file, or `stderr`; None: nowhere."""
    return os.environ.get("APPLYFREE_LOG") or None


def log_to(target: str) -> None:
    """Send the log of this process, and of those it starts, somewhere."""
    os.environ["APPLYFREE_LOG"] = target


def redis_url() -> str | None:
    """The Redis in which requests are counted; None: each process counts its own."""
    return os.environ.get("APPLYFREE_REDIS_URL") or None


def issuer() -> str | None:
    """The identity provider at which people log in, as it names itself; None: none is named."""
    return os.environ.get("APPLYFREE_ISSUER") or None


def client_id() -> str:
    """What we are called at that provider."""
    return os.environ.get("APPLYFREE_CLIENT_ID") or "applyfree"


def local_issuer() -> str | None:
    """The provider for demonstrations that `applyfree serve` started beside the processes that answer requests."""
    return os.environ.get("APPLYFREE_LOCAL_ISSUER") or None


def log_in_at(local_issuer: str) -> None:
    """Tell the processes that answer requests of the provider that was started beside them."""
    os.environ["APPLYFREE_LOCAL_ISSUER"] = local_issuer


def serve_to(origins: Sequence[str]) -> None:
    """Tell the processes that answer requests under which addresses browsers reach them."""
    os.environ["APPLYFREE_ORIGINS"] = " ".join(origins)


def origins() -> list[str]:
    """Under which addresses browsers reach us."""
    return os.environ.get("APPLYFREE_ORIGINS", "").split()
