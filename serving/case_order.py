"""Caseworkers' queues kept in a promoted model's order, again whenever something is new. Nothing else is touched.

Where no model is promoted, or none of this catalogue, queues are left as they are: tiers, answers and what becomes of a
case never depend on it (G15), and no figure of a day long gone is taken away without another in its place.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from models.lifecycle.loading import Standing
from models.outreach.objective import load_objective
from serving import log
from serving.evidence import champion_of, latest_sweep, order_cases, queue_of


class CaseOrder:
    """Remembers what it has put in order, so that nothing is reckoned twice.

    Args:
        home: where the history and models are.
        url: of the database.
        catalogue: that was swept; None: the shipped one.
    """

    def __init__(self, home: Path, url: str, catalogue: Path | None = None) -> None:
        self._home, self._url, self._catalogue = home, url, catalogue
        self._done: tuple[int, int, str] | None = None

    def refresh(self, engine: Engine, now: dt.datetime) -> int:
        """Put the open cases in order where there is another sweep, case or model since.

        Args:
            engine: with the application's rights.
            now: an order is that of the sweep's day; it is asked for no other.

        Returns:
            How many have another place.
        """
        with engine.connect() as connection:
            news = _news(connection)
        if news is None:
            return 0
        standing = champion_of(self._home)
        key = (*news, standing.sha256)
        if standing.model is None or key == self._done:
            return 0
        return self._put(standing, key)

    def _put(self, standing: Standing, key: tuple[int, int, str]) -> int:
        swept, objective = latest_sweep(self._home, self._url), load_objective()
        queue = queue_of(self._home, swept, objective, self._catalogue, standing)
        changed = order_cases(self._home, self._url, queue, objective) if queue.model is not None else 0
        self._done = key
        if changed:
            log.info("cases_ordered", written=changed)
        return changed


def _news(connection: Connection) -> tuple[int, int] | None:
    """The last sweep and the last open case; None: there is nothing to order."""
    sweep, case = connection.execute(text(_LAST)).one()
    return None if sweep is None or case is None else (int(sweep), int(case))


_LAST = """
SELECT (SELECT max(id) FROM sweep WHERE state = 'complete'),
       (SELECT max(id) FROM case_file WHERE state <> 'closed' AND benefit IS NOT NULL)
"""
