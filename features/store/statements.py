"""What the store needs to be told by the history: each view's statements as known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Protocol

import polars as pl

from features.facts.encoding import ID
from features.history.position import Learned, Position
from features.history.records import View
from features.history.statements import FACT


class Told(Protocol):
    """Where statements come from: `features.history.history.History`."""

    @property
    def views(self) -> Mapping[str, View]:
        """The tables of registers that are kept."""

    def rows_stated(self, view: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> pl.DataFrame:
        """What a view states; see :func:`features.history.statements.rows_stated`."""

    def hidden(self, kind: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> pl.DataFrame:
        """The facts of subjects that are not to be used; see :meth:`features.history.history.History.hidden`."""

    def subjects(self, kind: str, known_at: dt.datetime) -> pl.Series:
        """The ids of everybody of whom anything was ever said."""

    def last_list(self, view: str, known_at: dt.datetime) -> dt.date | None:
        """Of a view whose deliveries list everybody: the day of the last list known. None: there is none."""

    def changed(self, after: dt.datetime, until: dt.datetime) -> pl.DataFrame:
        """Of whom something was learned in `(after, until]`: `kind`, `id`, …."""

    def position(self) -> Position:
        """How much there is to read."""

    def learned_since(self, position: Position) -> Learned | None:
        """The moments of what was written after a position; None: nothing was."""


def shown(rows: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    """Rows that a view states, without the values of facts that are withheld or disputed: stores never hold them.

    Args:
        rows: see :func:`features.history.statements.rows_stated`.
        hidden: of the kind of subject, see :meth:`features.history.history.History.hidden`.
    """
    masks = {str(fact): some.get_column(ID) for (fact,), some in hidden.group_by(FACT) if fact in rows.columns}
    return rows.with_columns(
        pl.when(~pl.col(ID).is_in(ids.implode())).then(pl.col(fact)).alias(fact) for fact, ids in masks.items()
    )
