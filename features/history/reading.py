"""One question to the history about one kind of subject: which rows hold, and what they say together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.facts.vocabulary import Vocabulary
from features.history.lists import SUBJECT
from features.history.merging import Merged, Said, merge
from features.history.numbering import Numbers
from features.history.partitions import ROWS, Part, Partitions
from features.history.records import QUARANTINED, STATUS_TYPE, View
from features.history.speaking import BEFORE_ALL, EVER, Mask, Rows, holding, known_rows, spoken_of

_QUARANTINED = STATUS_TYPE.categories.to_list().index(QUARANTINED)


@dataclass(frozen=True, slots=True)
class Source:
    """A view, its parts that are known, in reading order, and the types of its columns."""

    view: View
    parts: Sequence[Part]
    types: Mapping[str, pl.DataType]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A fact that is not to be used of some subjects, by number, and the code of the gap that it is."""

    subjects: Numbers
    gap: int


class Reading:
    """What the views of one kind say on a day.

    Args:
        partitions: where rows are stored.
        sources: the views to read.
        on_date: the day asked about.
        count: how many subjects of the kind there are.
        wanted: by subject's number, whom to read; None: everybody.
        vocabulary: of the facts.
        hidden: by fact, what is not to be used.
    """

    def __init__(
        self,
        partitions: Partitions,
        sources: Sequence[Source],
        on_date: dt.date,
        count: int,
        wanted: Mask | None,
        vocabulary: Vocabulary,
        hidden: Mapping[str, Sequence[Hidden]],
    ) -> None:
        self._partitions, self._sources, self._on_date = partitions, sources, on_date
        self._vocabulary, self._hidden = vocabulary, hidden
        named = np.zeros(count, dtype=np.bool_)
        held: list[Rows] = []
        for source in sources:
            rows = known_rows(partitions, source.parts, wanted, full=source.view.full, subjects=count)
            named |= spoken_of(rows, on_date, count)
            held.append(holding(rows, on_date, count))
        self.subjects: Numbers = np.flatnonzero(named)
        """The numbers of those of whom anything was said, ascending: the order of all that is read."""
        self._place = np.full(count, -1, dtype=np.int64)
        self._place[self.subjects] = np.arange(len(self.subjects))
        self._held = [
            _Held(source, rows, self._place, len(self.subjects)) for source, rows in zip(sources, held, strict=True)
        ]

    def merged(self, names: Sequence[str]) -> Iterator[tuple[str, Merged]]:
        """What all views together say of each of these facts or links."""
        for held in self._held:
            held.read(self._partitions, [name for name in held.source.view.facts if name in names])
        for name in names:
            said = [
                held.said(name, is_link=self._is_link(name)) for held in self._held if name in held.source.view.facts
            ]
            fact = self._vocabulary.dictionary.facts.get(name)
            months, authority = (None, None) if fact is None else (fact.maximum_age_months, fact.authority)
            merged = merge(said, months, self._on_date, authority)
            for hidden in self._hidden.get(name, ()):
                _hide(merged, self._place[hidden.subjects], hidden.gap)
            yield name, merged

    def carriers(self, name: str) -> list[View]:
        """The views that `Merged.source` counts."""
        return [source.view for source in self._sources if name in source.view.facts]

    def _is_link(self, name: str) -> bool:
        return name in self._vocabulary.subjects.links


def _hide(merged: Merged, places: Numbers, gap: int) -> None:
    places = places[places >= 0]
    if len(places) == 0:
        return
    shown = np.ones(len(merged.gap), dtype=np.bool_)
    shown[places] = False
    nothing = pl.Series([None], dtype=merged.values.dtype).new_from_index(0, len(shown))
    merged.values = merged.values.zip_with(pl.Series(shown), nothing)
    merged.gap = np.where(shown, merged.gap, gap).astype(np.int8)
    merged.stale_on = np.where(shown, merged.stale_on, EVER).astype(np.int32)


class _Held:
    """The rows of one view that hold, laid out in the order of the subjects that are read."""

    def __init__(self, source: Source, rows: Rows, place: Numbers, count: int) -> None:
        self.source, self._count = source, count
        self._by_part = np.argsort(rows.part, kind="stable")
        self._rows = rows
        self._at = np.full(count, -1, dtype=np.int64)
        self._at[place[rows.subject[self._by_part]]] = np.arange(len(rows.subject))
        self._frame = pl.DataFrame()

    def read(self, partitions: Partitions, names: Sequence[str]) -> None:
        """Read these columns of the rows that hold."""
        types = {name: self.source.types[name] for name in names}
        frames = [pl.DataFrame(schema=types)]
        part_of, index_of = self._rows.part[self._by_part], self._rows.index[self._by_part]
        for position in np.unique(part_of) if names else []:
            part = self.source.parts[position]
            index = index_of[part_of == position]
            # With a column that every part has: a part may be older than all of these facts.
            stored = partitions.read(part.stem, ROWS, [SUBJECT, *names])
            if len(index) != stored.height or (np.diff(index.astype(np.int64)) != 1).any():
                stored = stored[index]
            frames.append(
                stored.select(
                    (pl.col(n).cast(t) if n in stored.columns else pl.lit(None, dtype=t)).alias(n)
                    for n, t in types.items()
                )
            )
        self._frame = pl.concat(frames, rechunk=True)

    def said(self, name: str, *, is_link: bool) -> Said:
        """What the view says of one fact."""
        values = self._laid_out(self._frame.get_column(name))
        unreadable = self._spread(self._rows.status == _QUARANTINED, nothing=0).astype(np.bool_)
        if is_link:
            unreadable &= values.is_null().to_numpy()
        return Said(
            self.source.view,
            values,
            unreadable,
            self._spread(self._rows.true_from, nothing=int(BEFORE_ALL)).astype(np.int32),
            self._spread(self._rows.attested, nothing=0).astype(np.int32),
        )

    def _laid_out(self, column: pl.Series) -> pl.Series:
        if len(column) == self._count and (len(column) == 0 or (np.diff(self._at) == 1).all()):
            return column
        where = pl.Series(self._at)
        return column.gather(where.set(where < 0, None))

    def _spread(self, values: np.ndarray, nothing: int) -> np.ndarray:
        spread = np.full(self._count, nothing, dtype=np.int64)
        there = self._at >= 0
        spread[there] = values[self._by_part][self._at[there]]
        return spread
