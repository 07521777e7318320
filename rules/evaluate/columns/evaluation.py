"""What a node is evaluated in for whole columns, and what it may ask: facts, codes, other nodes, other benefits."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from typing import Protocol

import polars as pl

from features.facts.areas import Areas
from features.facts.encoding import STALE_SUFFIX
from rules import plan
from rules.evaluate.columns.days import days_of, where_days
from rules.evaluate.columns.results import Answered, Judged, Measured, spread_days, take
from rules.evaluate.columns.rows import Rows
from rules.evaluate.columns.vectors import Days
from rules.plan import NEVER


class Answers(Protocol):
    """Where other benefits' answers come from."""

    def answer(self, benefit: str, rows: Rows) -> Answered:
        """The answer for these rows."""

    def unmoved_until(self, benefit: str, rows: Rows) -> Days:
        """Until when everything that is said with the answer stands."""


class Evaluation(ABC):
    """Nodes on one date, for any rows."""

    def __init__(self, areas: Areas, on_date: dt.date, answers: Answers) -> None:
        self.areas = areas
        self.on_date = on_date
        self.today = plan.day_number(on_date)
        self.answers = answers

    @abstractmethod
    def judge(self, node: plan.Condition, rows: Rows) -> Judged:
        """The truth of a condition in every row."""

    @abstractmethod
    def measure(self, node: plan.Quantity, rows: Rows) -> Measured:
        """The span of a figure in every row."""

    def fact(self, name: str, rows: Rows) -> tuple[pl.Series | None, Days]:
        """A fact's column (stale values are null; None: no such column), and until when values do not grow stale."""
        values, stale = rows.column(name), rows.column(name + STALE_SUFFIX)
        if values is None or stale is None:
            return values, NEVER
        days = stale.cast(pl.Int32).cast(pl.Int64)
        old = (days <= self.today).fill_null(value=False)
        fresh = values.zip_with(~old, pl.Series([None], dtype=values.dtype).new_from_index(0, len(values)))
        until = where_days((fresh.is_null() | days.is_null()).to_numpy(), NEVER, days_of(days))
        return fresh, until

    def code(self, node: plan.Code, rows: Rows) -> tuple[pl.Series | None, Days]:
        """A code's column (an enumeration), null where unknown."""
        if isinstance(node, plan.CodeFact):
            return self.fact(node.fact.id, rows)
        if isinstance(node, plan.OuterCode):
            outer, owner = rows.outside()
            values, until = self.code(node.operand, outer)
            return take(values, owner), take(until, owner)
        assert isinstance(node, plan.ViaCode)
        groups, positions = rows.group(node.group)
        values, until = self.code(node.operand, groups)
        return None if values is None else positions.of(values), spread_days(until, positions)
