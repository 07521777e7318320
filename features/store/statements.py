"""What the store needs to be told by the history: each view's statements as known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Protocol

import polars as pl

from features.history.records import View


class Told(Protocol):
    """Where statements come from: `features.history.history.History`."""

    @property
    def views(self) -> Mapping[str, View]:
        """The tables of registers that are kept."""

    def statements(self, view: str, known_at: dt.datetime, ids: Collection[str] | None = None) -> pl.DataFrame:
        """What a view states; see :func:`features.history.statements.statements`."""

    def subjects(self, kind: str, known_at: dt.datetime) -> pl.Series:
        """The ids of everybody of whom anything was ever said."""

    def last_list(self, view: str, known_at: dt.datetime) -> dt.date | None:
        """Of a view whose deliveries list everybody: the day of the last list known. None: there is none."""
