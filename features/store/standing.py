"""Which row of a view holds on a day, what it still says, and why it says no more."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from features.facts.values import Gap
from features.history.records import QUARANTINED
from features.store.columns import CLOSED
from features.store.rows import Cell, Row, day_number, day_of, standing


@dataclass(frozen=True, slots=True)
class Standing:
    """The row that holds, seen on a day."""

    row: Row
    on_date: dt.date

    @property
    def status(self) -> str:
        """`stated`, `closed` or `quarantined`."""
        closed = self.row.true_to is not None and self.row.true_to <= day_number(self.on_date)
        return CLOSED if closed else self.row.status

    def stale_on(self, maximum_age_months: int | None) -> dt.date | None:
        """The first day on which what the row says is too old (None: it does not age)."""
        if maximum_age_months is None or self.row.attested_on is None:
            return None
        return months_after(day_of(self.row.attested_on), maximum_age_months)

    def cell(self, fact: str, maximum_age_months: int | None) -> Cell:
        """What the row says of a fact; None where it says nothing, or no longer."""
        return self.row.facts.get(fact) if self.gap(fact, maximum_age_months) is None else None

    def gap(self, fact: str, maximum_age_months: int | None) -> Gap | None:
        """Why nothing is known of a fact from this row; None where something is."""
        if self.status == QUARANTINED:
            return Gap.QUARANTINED
        if self.status == CLOSED or self.row.facts.get(fact) is None:
            return Gap.NOT_HELD
        return self.stale_gap(maximum_age_months)

    def stale_gap(self, maximum_age_months: int | None) -> Gap | None:
        """`STALE` where what the row says is too old."""
        stale_on = self.stale_on(maximum_age_months)
        return Gap.STALE if stale_on is not None and stale_on <= self.on_date else None


def stand(rows: Iterable[Row], on_date: dt.date) -> Standing | None:
    """The row of a view that holds on a day."""
    row = standing(rows, day_number(on_date))
    return None if row is None else Standing(row, on_date)


def months_after(day: dt.date, months: int) -> dt.date:
    """So many months later; the last day of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
