"""Which stores are used: the only place here that reads the environment. A setting is where, never what."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from features.store.errors import StoreError

FILE = "store.toml"
FILES, EMBEDDED, SPARK = "files", "embedded", "spark"
_NAMES = {
    "offline": "APPLYFREE_OFFLINE_STORE",
    "online": "APPLYFREE_ONLINE_STORE",
    "registry": "APPLYFREE_FEAST_REGISTRY",
    "project": "APPLYFREE_FEAST_PROJECT",
}
_KINDS = {
    "offline": (FILES, "postgresql://", "spark://", SPARK),
    "online": ("postgresql://", "redis://", "rediss://", "unix://"),
    "registry": (FILES, "postgresql://"),
}


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the three stores of Feast are.

    Attributes:
        folder: for everything that is kept in files.
        offline: `files` (Parquet, read with DuckDB), the address of a PostgreSQL database, `spark` or `spark://…`.
        online: the address of a PostgreSQL database or of Redis.
        registry: `files`, or the address of a PostgreSQL database.
        project: names tables and keys, so that two installations may share a server.
    """

    folder: Path
    online: str
    offline: str = FILES
    registry: str = FILES
    project: str = "applyfree"

    def __post_init__(self) -> None:
        for role, kinds in _KINDS.items():
            address = getattr(self, role)
            if not address.startswith(kinds):
                # The address is not shown: it may hold a password.
                raise StoreError(
                    f"The setting `{role}` ({_NAMES[role]} or {FILE}) is of no kind that is known. "
                    f"It begins with one of: {', '.join(kinds)}."
                )

    @property
    def in_database(self) -> bool:
        """Are the offline rows tables of a PostgreSQL database?"""
        return self.offline.startswith("postgresql://")


def online_choice(folder: Path, environment: Mapping[str, str] | None = None) -> str | None:
    """Which online store is set up: an address, or `embedded`. None: none is, and nothing is pushed anywhere.

    Raises:
        StoreError: the file has another key.
    """
    return _chosen(folder, environment)["online"] or None


def read_settings(folder: Path, embedded: str, environment: Mapping[str, str] | None = None) -> StoreSettings:
    """What the environment says, then `store.toml` in the folder, then the embedded default.

    Args:
        folder: for everything that is kept in files.
        embedded: the address of the PostgreSQL server that the program starts by itself: the online store where the
            settings say `embedded` or nothing.
        environment: the process's own by default.

    Raises:
        StoreError: a setting is of no kind that is known, or the file has another key.
    """
    chosen = _chosen(folder, environment)
    return StoreSettings(
        folder=folder,
        online=embedded if chosen["online"] in ("", EMBEDDED) else chosen["online"],
        offline=chosen["offline"] or FILES,
        registry=chosen["registry"] or FILES,
        project=chosen["project"] or "applyfree",
    )


def _chosen(folder: Path, environment: Mapping[str, str] | None) -> dict[str, str]:
    said = os.environ if environment is None else environment
    file = folder / FILE
    written = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    unknown = sorted(set(written) - set(_NAMES))
    if unknown:
        raise StoreError(f"{FILE}: `{unknown[0]}` is not a setting. There are: {', '.join(_NAMES)}.")
    return {role: str(said.get(name) or written.get(role) or "") for role, name in _NAMES.items()}
