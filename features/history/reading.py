"""One question to the history about one kind of subject: which rows hold, and what they say together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.vocabulary import Vocabulary
from features.history.merging import Merged, Said, merge, stale_days
from features.history.numbering import Numbers
from features.history.partitions import INDEX, ROWS, SUBJECT, Part, Partitions
from features.history.records import QUARANTINED, STATUS_TYPE, View
from features.history.speaking import BEFORE_ALL, EVER, Chosen, Days, Rows, holding, known_rows, mentioned, spoken_of

SPARSE = 12
"""Of less than one row in so many, facts are unpacked for these alone."""
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
        wanted: whom to read; None: everybody.
        vocabulary: of the facts.
        hidden: by fact, what is not to be used.
        names: the facts and links that will be asked for; views that carry none of them only say who there is.
        names_others: are those views asked for that, or are only subjects wanted of whom something may hold?
        readable_only: as if rows that could not be read had never come.
    """

    def __init__(
        self,
        partitions: Partitions,
        sources: Sequence[Source],
        on_date: dt.date,
        count: int,
        wanted: Chosen | None,
        vocabulary: Vocabulary,
        hidden: Mapping[str, Sequence[Hidden]],
        names: frozenset[str],
        *,
        names_others: bool = True,
        readable_only: bool = False,
    ) -> None:
        self._sources = [source for source in sources if not names.isdisjoint(source.view.facts)]
        self._partitions, self._on_date = partitions, on_date
        self._vocabulary, self._hidden = vocabulary, hidden
        named = np.zeros(count, dtype=np.bool_)
        held: list[Rows] = []
        for source in self._sources:
            rows = known_rows(partitions, source.parts, wanted, full=source.view.full, subjects=count)
            named |= spoken_of(rows, on_date, count)
            if readable_only:
                rows = rows.take(rows.status != _QUARANTINED)
            held.append(holding(rows, on_date, count))
        expected = count if wanted is None else int(np.count_nonzero(wanted.mask))
        for source in sources if names_others else ():
            if source not in self._sources and np.count_nonzero(named) < expected:
                named |= mentioned(partitions, source.parts, wanted, on_date, count)
        self.subjects: Numbers = np.flatnonzero(named)
        """The numbers of those of whom anything was said, ascending: the order of all that is read."""
        self._place = np.full(count, -1, dtype=np.int64)
        self._place[self.subjects] = np.arange(len(self.subjects))
        self._held = [
            _Held(source, rows, self._place, len(self.subjects), wanted)
            for source, rows in zip(self._sources, held, strict=True)
        ]

    def merged(self, names: Sequence[str]) -> Iterator[tuple[str, Merged]]:
        """What all views together say of each of these facts or links."""
        for name, said in self.said(names):
            fact = self._vocabulary.dictionary.facts.get(name)
            merged = merge(said, self._on_date, None if fact is None else fact.authority)
            for hidden in self._hidden.get(name, ()):
                _hide(merged, self._place[hidden.subjects], hidden.gap)
            yield name, merged

    def said(self, names: Sequence[str]) -> Iterator[tuple[str, list[Said]]]:
        """What each view says of each of these facts or links."""
        for held in self._held:
            held.read(self._partitions, [name for name in held.source.view.facts if name in names])
        for name in names:
            fact = self._vocabulary.dictionary.facts.get(name)
            months = None if fact is None else fact.maximum_age_months
            is_link = name in self._vocabulary.subjects.links
            carriers = (held for held in self._held if name in held.source.view.facts)
            yield name, [held.said(name, months, is_link=is_link) for held in carriers]

    def carriers(self, name: str) -> list[View]:
        """The views that `Merged.source` counts."""
        return [source.view for source in self._sources if name in source.view.facts]


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

    def __init__(self, source: Source, rows: Rows, place: Numbers, count: int, wanted: Chosen | None) -> None:
        self.source, self._count, self._wanted = source, count, wanted
        order = np.argsort(rows.part, kind="stable")
        self._part, self._index, self._subjects = rows.part[order], rows.index[order], rows.subject[order]
        self._at = np.full(count, -1, dtype=np.int64)
        self._at[place[rows.subject[order]]] = np.arange(len(order))
        self._there = self._at >= 0
        self._in_place = len(order) == count and bool((np.diff(self._at) == 1).all())
        self._unreadable = self._spread((rows.status == _QUARANTINED)[order], nothing=0).astype(np.bool_)
        self._true_from = self._spread(rows.true_from[order], nothing=int(BEFORE_ALL))
        self._attested = self._spread(rows.attested[order], nothing=0)
        self._stale: dict[int | None, Days] = {}
        self._frame = pl.DataFrame()

    def read(self, partitions: Partitions, names: Sequence[str]) -> None:
        """Read these columns of the rows that hold."""
        types = {name: self.source.types[name] for name in names}
        frames = [pl.DataFrame(schema=types)]
        for position in np.unique(self._part) if names else []:
            stored = self._stored(partitions, int(position), names)
            frames.append(
                stored.select(
                    (pl.col(n).cast(t) if n in stored.columns else pl.lit(None, dtype=t)).alias(n)
                    for n, t in types.items()
                )
            )
        self._frame = pl.concat(frames) if len(frames) != 2 else frames[1]

    def _stored(self, partitions: Partitions, position: int, names: Sequence[str]) -> pl.DataFrame:
        """Rows of a part by their places, with `subject`, which every part has: it may be older than these facts."""
        part, here = self.source.parts[position], self._part == position
        index = self._index[here]
        few, span = (None, None) if self._wanted is None else (self._wanted.few, self._wanted.span)
        if few is None and span is None and len(index) * SPARSE < part.new:
            few = self._subjects[here]
        stored = partitions.read(part.stem, ROWS, [SUBJECT, *names], few, span)
        if few is not None or span is not None:
            places = stored.get_column(INDEX).to_numpy()
            chosen: pl.DataFrame = stored[np.searchsorted(places, index)]
            return chosen
        whole = len(index) == stored.height and bool((np.diff(index.astype(np.int64)) == 1).all())
        return stored if whole else stored[index]

    def said(self, name: str, months: int | None, *, is_link: bool) -> Said:
        """What the view says of one fact that ages in so many months."""
        values = self._laid_out(self._frame.get_column(name))
        unreadable = self._unreadable
        if is_link:
            unreadable = unreadable & values.is_null().to_numpy()
        if months not in self._stale:
            self._stale[months] = stale_days(self._attested, months)
        return Said(self.source.view, values, unreadable, self._true_from, self._attested, self._stale[months])

    def _laid_out(self, column: pl.Series) -> pl.Series:
        return column if self._in_place else column.gather(pl.Series(self._at).set(~pl.Series(self._there), None))

    def _spread(self, values: npt.NDArray[Any], nothing: int) -> Days:
        if self._in_place:
            return values.astype(np.int32)
        spread = np.full(self._count, nothing, dtype=np.int32)
        spread[self._there] = values[self._at[self._there]]
        return spread
