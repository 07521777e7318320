"""What has become different in the history: for those who keep answers that rest on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.history import news
from features.history.deliveries import Deliveries
from features.history.position import Learned, Position
from features.history.tickets import Tickets
from features.history.withholding import Withholding


class Following:
    """Whose answers are to be made anew, because something was learned or because a day has come.

    Args:
        deliveries: what registers said; refreshed by whoever asks.
        tickets: what is disputed.
        withholding: what is withheld.
    """

    def __init__(self, deliveries: Deliveries, tickets: Tickets, withholding: Withholding) -> None:
        self._deliveries, self._tickets, self._withholding = deliveries, tickets, withholding

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        """Whose records changed because of something learned in `(after, until]`.

        Returns:
            `kind`, `id`, `view`, `record` (`<content hash>:<row>`), `learned_at`. The row is 0 where a list says
            something of a subject without a new row: that it no longer names it, or again what had grown too old.
            The views `tickets` and `withholding` tell of facts that people dispute or withhold, or no longer do.
        """
        frames: list[pl.DataFrame] = []
        for view in self._deliveries.views.values():
            ages = self._ages(view.facts)
            parts = self._deliveries.known(view, until)
            numbering = self._deliveries.numbering[view.kind]
            shortest = min(ages, default=None)
            frames += news.of_view(self._deliveries.partitions, view, parts, after, until, numbering, shortest)
        return news.gathered([*frames, news.of_people(self._tickets, self._withholding, after, until)])

    def turned(self, after: dt.date, until: dt.date, known_at: dt.datetime) -> pl.DataFrame:
        """Whose facts change in `(after, until]` by the coming of a day alone, nothing new being learned.

        A period begins or ends, or one of several registers' values grows too old. (`next_change` of an answer sees
        only what stands in the tables of its day: a value that grows stale, not a row that begins tomorrow.)

        Returns:
            `kind` and `id`, each subject once.
        """
        frames = [pl.DataFrame(schema={"kind": pl.String, ID: pl.String})]
        for kind, numbering in self._deliveries.numbering.items():
            named = np.zeros(numbering.count, dtype=np.bool_)
            for view in self._deliveries.views.values():
                if view.kind == kind:
                    shared = [name for name in view.facts if self._carried_by(kind, name) > 1]
                    parts = self._deliveries.known(view, known_at)
                    named |= news.turning(
                        self._deliveries.partitions, view, parts, after, until, numbering.count, self._ages(shared)
                    )
            frames.append(
                pl.DataFrame({ID: numbering.ids.filter(pl.Series(named))}).select(pl.lit(kind).alias("kind"), ID)
            )
        return pl.concat(frames)

    def position(self) -> Position:
        """How much there is to read: who read up to here is told of the rest by :meth:`learned_since`."""
        return Position(self._deliveries.last_commit, len(self._tickets.moments()), len(self._withholding.moments()))

    def learned_since(self, position: Position) -> Learned | None:
        """The moments of what was written after a position, in whatever order it was learned; None: nothing was."""
        moments = self._deliveries.moments(position.commits)
        moments += self._tickets.moments(position.tickets) + self._withholding.moments(position.withholding)
        return Learned(min(moments), max(moments)) if moments else None

    def _ages(self, names: Iterable[str]) -> list[int]:
        """The maximum ages of facts that age, in months."""
        facts = (self._deliveries.vocabulary.dictionary.facts.get(name) for name in names)
        return [fact.maximum_age_months for fact in facts if fact is not None and fact.maximum_age_months is not None]

    def _carried_by(self, kind: str, name: str) -> int:
        return sum(name in view.facts for view in self._deliveries.views.values() if view.kind == kind)
