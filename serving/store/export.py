"""How everybody stands, as the file that `applyfree evaluate` would write."""

from __future__ import annotations

from pathlib import Path

from serving.store.database import Session

_AS_FILE = b"""
COPY (
    SELECT subject, id, benefit, version, outcome, amount, amount_low, amount_high, per, unit,
           NULLIF(array_to_string(unmet, ';'), '') AS unmet, NULLIF(array_to_string(missing, ';'), '') AS missing,
           next_change
    FROM current_determination
) TO STDOUT (FORMAT csv, HEADER)
"""


def write_current_determinations(session: Session, path: Path) -> None:
    """Write every current determination as CSV; the file appears under its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as file, session.cursor().copy(_AS_FILE) as copy:
        for block in copy:
            file.write(block)
    unfinished.replace(path)
