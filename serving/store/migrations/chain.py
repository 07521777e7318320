"""Revisions are numbered SQL files, and the chain is the order of their numbers: two branches collide by a number."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import op

_VERSIONS = Path(__file__).parent / "versions"
_NAME = re.compile(r"(\d{4})_[a-z_]+\.sql")


def numbers() -> list[str]:
    """The numbers of all revisions, in order."""
    return sorted(found[1] for found in (_NAME.fullmatch(path.name) for path in _VERSIONS.iterdir()) if found)


def before(number: str) -> str | None:
    """The revision before one; None for the first."""
    earlier = [other for other in numbers() if other < number]
    return earlier[-1] if earlier else None


def run(number: str) -> None:
    """Execute a revision's SQL file, whole."""
    (file,) = _VERSIONS.glob(f"{number}_*.sql")
    cursor = op.get_bind().connection.cursor()
    # By the driver: a migration is many statements, and a colon or a percent sign in it is no parameter.
    cursor.execute(file.read_text(encoding="utf-8").encode())
    cursor.close()
