"""How many answers stand where, counted once for each state of the database and not for each question.

Counting reads how everybody stands: for a city that takes longer than anybody waits for a page. It is done when the
service starts, and again beside the requests when a sweep, a tiering or a demotion has changed what there is to count;
until that is done, the last counts are told.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from serving import log

Cell = tuple[str, str, str, str]
"""Benefit, outcome, effective tier (`none` where there is none), kind of subject."""
PARTS: Final = ("benefit", "outcome", "tier", "kind")
_Ground = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Counted:
    ground: _Ground
    cells: Mapping[Cell, int]


class Tallies:
    """Counts of the answers of an installation.

    Args:
        engine: for counting beside the requests, with time for a long statement.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counted: _Counted | None = None
        self._counting: threading.Thread | None = None
        self._lock = threading.Lock()

    def count(self) -> None:
        """Count now, as long as it takes."""
        with self._engine.begin() as connection:
            # The ground first: what changes while we count is counted again.
            ground = _ground(connection)
            rows = connection.execute(_CELLS).all()
            cells = {(row.benefit, row.outcome, row.tier, row.kind): int(row.answers) for row in rows}
        self._counted = _Counted(ground, cells)

    def by(self, connection: Connection, *names: str) -> dict[tuple[str, ...], int]:
        """Counts by some of :data:`PARTS`, in order of their keys."""
        places = [PARTS.index(name) for name in names]
        found: dict[tuple[str, ...], int] = {}
        for cell, answers in self._cells(connection).items():
            key = tuple(cell[place] for place in places)
            found[key] = found.get(key, 0) + answers
        return dict(sorted(found.items()))

    def _cells(self, connection: Connection) -> Mapping[Cell, int]:
        held = self._counted
        if held is None:
            with self._lock:
                if self._counted is None:
                    self.count()
                assert self._counted is not None
                return self._counted.cells
        if held.ground != _ground(connection):
            with self._lock:
                if self._counting is None or not self._counting.is_alive():
                    self._counting = threading.Thread(target=self._count_beside, name="tallies", daemon=True)
                    self._counting.start()
        return held.cells

    def _count_beside(self) -> None:
        try:
            self.count()
        except SQLAlchemyError as error:  # asked for again with the next question
            log.error("tallies_not_counted", error=type(error).__name__)

    def wait(self) -> None:
        """Until what is being counted is counted."""
        counting = self._counting
        if counting is not None:
            counting.join()


def _ground(connection: Connection) -> _Ground:
    """What the counts rest upon: a few rows, read at each question."""
    return tuple(connection.execute(_GROUND).one())


_GROUND: Final = text("""
SELECT (SELECT max(id) FROM sweep WHERE state = 'complete'),
       (SELECT max(sweep) FROM tiering_run WHERE completed_at IS NOT NULL),
       (SELECT max(completed_at) FROM tiering_run),
       (SELECT max(id) FROM demotion), (SELECT count(until) FROM demotion)
""")
_CELLS: Final = text("""
SELECT benefit, outcome, coalesce(effective_tier, 'none') AS tier, subject AS kind, count(*) AS answers
FROM current_tier GROUP BY 1, 2, 3, 4
""")
