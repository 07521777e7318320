"""Columns of facts while a partition is made: everybody's ordinary value first, then what is special."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.dictionary import Fact
from features.facts.encoding import ID, column_type
from features.facts.population import NONE
from features.facts.vocabulary import Vocabulary

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]


class Columns:
    """The facts of one kind of subject in a partition, encoded as batch evaluation reads them."""

    def __init__(self, vocabulary: Vocabulary, kind: str, ids: pl.Series) -> None:
        self.vocabulary, self.kind, self.n, self.ids = vocabulary, kind, ids.len(), ids
        facts = vocabulary.dictionary.of_subject(kind)
        self.facts: Mapping[str, Fact] = {fact.id: fact for fact in facts}
        self._held: dict[str, pl.Series] = {}
        for fact in facts:
            self._held[fact.id] = self._ordinary(fact)

    def _ordinary(self, fact: Fact) -> pl.Series:
        """What is so of whom nothing special is known: no, none, zero, no months; else unknown."""
        dtype, kind = column_type(fact, self.vocabulary.areas), fact.type.kind
        value: object = None
        if kind == "boolean":
            value = False
        elif kind == "code":
            value = NONE if NONE in fact.type.codes else None
        elif kind in ("integer", "number", "money"):
            value = 0 if fact.type.minimum == 0 else None
        elif kind == "months":
            value = []
        elif kind == "id":
            value = NONE
        return pl.Series(fact.id, [value], dtype=dtype).new_from_index(0, self.n)

    def __getitem__(self, name: str) -> pl.Series:
        return self._held[name]

    def flags(self, name: str) -> Flags:
        """A boolean fact as an array."""
        return self._held[name].to_numpy()

    def yes(self, name: str, flags: Flags) -> None:
        """Say yes of some, no of the others."""
        self._held[name] = pl.Series(name, flags)

    def code(self, name: str, codes: Sequence[str], index: Numbers, where: Flags | None = None) -> None:
        """Say a code or area of some (all by default): the position of each in `codes`."""
        held = self._held[name]
        words = pl.Series(name, list(codes), dtype=pl.String).cast(held.dtype)
        self._put(name, words.gather(pl.Series(index.astype(np.uint32))), where)

    def text(self, name: str, values: npt.NDArray[np.str_], where: Flags | None = None) -> None:
        """Say a code or area of some, written out."""
        distinct, index = np.unique(values, return_inverse=True)
        self.code(name, distinct.tolist(), index, where)

    def number(self, name: str, values: Numbers, where: Flags | None = None) -> None:
        """Say a number of some; money in minor units, numbers with decimals as they are."""
        fact = self.facts[name]
        scaled = np.rint(values.astype(np.float64) * 10**fact.type.decimals).astype(np.int64)
        low = fact.type.minimum
        high = fact.type.maximum
        if low is not None:
            scaled = np.maximum(scaled, int(low * 10**fact.type.decimals))
        if high is not None:
            scaled = np.minimum(scaled, int(high * 10**fact.type.decimals))
        self._put(name, pl.Series(name, scaled), where)

    def day(self, name: str, days: Numbers, where: Flags | None = None) -> None:
        """Say a day of some (day numbers)."""
        self._put(name, pl.Series(name, days.astype(np.int32)).cast(pl.Date), where)

    def months(self, name: str, first: Numbers, last: Numbers, where: Flags) -> None:
        """Say a run of months of some; month numbers, the last one included."""
        ends = np.maximum(last + 1, first)
        runs = pl.DataFrame({"a": first.astype(np.int64), "b": ends.astype(np.int64)})
        self._put(name, runs.select(pl.int_ranges("a", "b").cast(pl.List(pl.Int32))).to_series(), where)

    def link(self, name: str, target: npt.NDArray[np.int32], ids: pl.Series) -> None:
        """Name a subject by position; -1 for nobody."""
        nobody = pl.Series(name, [NONE]).new_from_index(0, self.n)
        if not ids.len():
            self._held[name] = nobody
            return
        named = ids.gather(pl.Series(np.maximum(target, 0).astype(np.uint32))).alias(name)
        self._held[name] = named.zip_with(pl.Series(target >= 0), nobody)

    def _put(self, name: str, values: pl.Series, where: Flags | None) -> None:
        held = self._held[name]
        values = values.alias(name)
        self._held[name] = values if where is None else values.zip_with(pl.Series(where), held)

    def frame(self) -> pl.DataFrame:
        """The table: id, links, facts."""
        return pl.DataFrame([self.ids.alias(ID), *self._held.values()])
