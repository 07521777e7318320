"""The last ten years: how each person's facts came to be what they are, episode after episode.

A course is a group of facts that change together (where somebody lives, marriage, work, a certificate, …). Its last
episode is the truth of today; those before it are what was true then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.city.columns import Columns, Flags, Numbers
from features.history.records import TRUE_FROM

POSITION = "position"


@dataclass(frozen=True, slots=True)
class Course:
    """What became of some facts: one row per subject and episode, sorted by position and day.

    Columns: `position` (UInt32), `true_from` (Date), and the facts.
    """

    facts: tuple[str, ...]
    episodes: pl.DataFrame


class Chronicle:
    """Collects the courses of one kind of subject."""

    def __init__(self, facts: Columns, first: Numbers) -> None:
        """First: the day (number) from which each subject is on record."""
        self.facts, self.first = facts, np.asarray(first, dtype=np.int64)
        self.courses: list[Course] = []
        self._rows = np.arange(facts.n, dtype=np.uint32)

    def course(
        self, names: tuple[str, ...], began: Numbers, *before: tuple[Mapping[str, pl.Series | None], Flags, Numbers]
    ) -> None:
        """Add a course.

        Args:
            names: its facts.
            began: the day on which today's state began, 0 where it has always been so.
            before: earlier states: what was different (None: nothing was known), for whom, and since when.
        """
        current = [self.facts[name] for name in names]
        began = np.maximum(np.asarray(began, dtype=np.int64), self.first)
        parts = [self._episode(self._rows, began, dict(zip(names, current, strict=True)))]
        for differing, who, since in before:
            who = who & (began > self.first)
            chosen = self._rows[who]
            start = np.maximum(np.asarray(since, dtype=np.int64), self.first)[who]
            start = np.minimum(start, began[who] - 1)
            at = pl.Series(chosen)
            columns: dict[str, pl.Series] = {}
            for name, series in zip(names, current, strict=True):
                if name in differing:
                    other = differing[name]
                    empty = pl.Series(name, [None], dtype=series.dtype).new_from_index(0, len(chosen))
                    columns[name] = empty if other is None else other.gather(at).alias(name).cast(series.dtype)
                else:
                    columns[name] = series.gather(at)
            parts.append(self._episode(chosen, start, columns))
        episodes = pl.concat(parts).sort(POSITION, TRUE_FROM, maintain_order=True)
        episodes = episodes.unique([POSITION, TRUE_FROM], keep="first", maintain_order=True)
        self.courses.append(Course(names, episodes))

    def constant(self, value: object, like: str) -> pl.Series:
        """A column that says the same of everybody."""
        dtype = self.facts[like].dtype
        return pl.Series(like, [value], dtype=dtype).new_from_index(0, self.facts.n)

    def _episode(self, rows: np.ndarray, start: Numbers, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
        days = pl.Series(TRUE_FROM, np.asarray(start).astype(np.int32)).cast(pl.Date)
        return pl.DataFrame(
            [pl.Series(POSITION, rows, dtype=pl.UInt32), days, *(s.alias(n) for n, s in columns.items())]
        )

    def rows_of(self, names: tuple[str, ...]) -> pl.DataFrame:
        """Every period in which some facts were as they were: position, true_from, and the facts.

        Facts of no course are as they are today.
        """
        touching = [course for course in self.courses if set(course.facts) & set(names)]
        if not touching:
            days = pl.Series(TRUE_FROM, self.first.astype(np.int32)).cast(pl.Date)
            rows = pl.DataFrame([pl.Series(POSITION, self._rows), days])
        elif len(touching) == 1:
            rows = touching[0].episodes.select(POSITION, TRUE_FROM)
        else:
            rows = pl.concat([course.episodes.select(POSITION, TRUE_FROM) for course in touching])
            rows = rows.unique().sort(POSITION, TRUE_FROM)
        found: dict[str, pl.Series] = {}
        for course in touching:
            wanted = [name for name in course.facts if name in names]
            episodes = course.episodes.select(POSITION, TRUE_FROM, *wanted)
            if len(touching) == 1:
                found |= {name: episodes.get_column(name) for name in wanted}
                continue
            joined = rows.join_asof(episodes, on=TRUE_FROM, by=POSITION, strategy="backward", check_sortedness=False)
            earliest = episodes.unique(POSITION, keep="first", maintain_order=True)[rows.get_column(POSITION)]
            before = rows.get_column(TRUE_FROM) < earliest.get_column(TRUE_FROM)
            for name in wanted:
                found[name] = earliest.get_column(name).zip_with(before, joined.get_column(name))
        at = rows.get_column(POSITION)
        columns = [found[name].alias(name) if name in found else self.facts[name].gather(at) for name in names]
        return pl.DataFrame([at, rows.get_column(TRUE_FROM), *columns])
