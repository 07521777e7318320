"""The rows a batch is evaluated over: a choice of subjects of one kind, reading columns and relations as needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from features.facts.population import NONE
from features.facts.subjects import PERSON, Subjects
from rules import plan
from rules.evaluate.columns.positions import Index, Positions
from rules.evaluate.columns.vectors import Mask

SHARED_PERSONS = 1 << 19
"""Tables of a population of up to so many persons are looked at as a whole: what one benefit computes for a table,
every relation reads. That is three times as fast as chunks where rules read relations much."""
CHUNK_PERSONS = 1 << 17
"""Of larger populations so many persons are looked at together."""


class Tables:
    """The fact tables of a population (or of a partition of it that no relation leaves), with relations indexed once.

    A subject that only a link names has a row number behind those of its table: nothing is known of it, but who else
    names it is (the persons of a household that no file describes, the children of a mother who is on no list).

    Args:
        tables: by kind of subject; encoded as `features.facts.files` makes them.
        subjects: the kinds and relations there are.
    """

    def __init__(self, tables: dict[str, pl.DataFrame], subjects: Subjects) -> None:
        self.subjects = subjects
        empty = pl.DataFrame({"id": pl.Series([], dtype=pl.String)})
        self.frames = {kind: tables.get(kind, empty) for kind in subjects.kinds}
        self._ids: dict[str, pl.Series] = {}
        self._positions: dict[tuple[str, str], Index] = {}
        self._members: dict[str, tuple[Index, Index]] = {}
        self._related: dict[str, tuple[Index, Index, Mask]] = {}
        self._whole: dict[str, Rows] = {}

    def chunks(self, kind: str) -> Iterator[Rows]:
        """The rows of a table in chunks: the whole if it is shared, else such as bind `CHUNK_PERSONS` persons."""
        whole, count = self.whole(kind), self.count(kind)
        if whole is not None:
            yield whole
            return
        size = self.chunk_rows(kind)
        for start in range(0, max(count, 1), size):
            yield Rows(self, kind, slice(start, min(start + size, count)))

    def chunk_rows(self, kind: str) -> int:
        """How many subjects of a kind are looked at together: of groups so many as have `CHUNK_PERSONS` persons."""
        persons, count = self.count(PERSON), self.count(kind)
        return max(1, CHUNK_PERSONS * count // max(persons, count, 1))

    def whole(self, kind: str) -> Rows | None:
        """All rows of a table, the same each time, which every relation reads; None where there are too many."""
        if kind not in self._whole:
            count = self.count(kind)
            if max(count, self.count(PERSON)) > SHARED_PERSONS or count == 0:
                return None
            self._whole[kind] = Rows(self, kind, slice(0, count))
        return self._whole[kind]

    def is_whole(self, rows: Rows) -> bool:
        """Are these the shared rows of a whole table?"""
        return self._whole.get(rows.kind) is rows

    def forget(self, kept: frozenset[tuple[str, int | str]]) -> None:
        """Drop what was computed for whole tables, except under these keys."""
        for rows in self._whole.values():
            rows.forget(kept)

    def count(self, kind: str) -> int:
        """How many subjects of a kind are listed."""
        return self.frames[kind].height

    def held(self, kind: str, name: str) -> bool:
        """Is there a column of this name?"""
        return name in self.frames[kind].columns

    def positions(self, kind: str, link: str) -> Index:
        """For each person the row of what a link column names: -1 where it is unknown or nobody."""
        key = (kind, link)
        if key not in self._positions:
            people = self.frames[PERSON]
            if link not in people.columns:
                self._positions[key] = np.full(people.height, -1, dtype=np.int64)
            else:
                self._positions[key] = self._find(kind, people.get_column(link))
        return self._positions[key]

    def _find(self, kind: str, wanted: pl.Series) -> Index:
        """The rows of ids; one that is on no list gets a row of its own, the same wherever it is named."""
        ids = self._ids.setdefault(kind, self.frames[kind].get_column("id")).cast(wanted.dtype)
        rows = _join(wanted, ids)
        unlisted = rows.is_null() & _somebody(wanted)
        if unlisted.any():
            ids = pl.concat([ids, wanted.filter(unlisted).unique(maintain_order=True)])
            self._ids[kind] = ids
            rows = _join(wanted, ids)
        return rows.fill_null(-1).to_numpy()

    def named(self, kind: str) -> int:
        """How many subjects of a kind are listed, or named by the links that were looked at so far."""
        return len(self._ids.get(kind, self.frames[kind]))

    def members(self, group: str) -> tuple[Index, Index]:
        """The persons of all groups of a kind: row numbers ordered by group, and where each group begins in them."""
        if group not in self._members:
            positions = self.positions(group, self.subjects.groups[group].link)
            listed = np.flatnonzero(positions >= 0)
            owners = positions[listed]
            if len(owners) and (np.diff(owners) < 0).any():
                order = np.argsort(owners, kind="stable")
                listed, owners = listed[order], owners[order]
            starts = np.searchsorted(owners, np.arange(self.named(group) + 1))
            self._members[group] = (listed, starts)
        return self._members[group]

    def related(self, name: str) -> tuple[Index, Index, Mask]:
        """A relation between persons: others' rows ordered by person, where each person's begin, whose is complete."""
        if name not in self._related:
            relation = self.subjects.relations[name]
            positions = [self.positions(PERSON, link) for link in relation.links]
            owners = [found[found >= 0] if relation.inverse else np.flatnonzero(found >= 0) for found in positions]
            others = [np.flatnonzero(found >= 0) if relation.inverse else found[found >= 0] for found in positions]
            owner, other = np.concatenate(owners), np.concatenate(others)
            order = np.argsort(owner, kind="stable")
            n = self.named(PERSON)
            starts = np.searchsorted(owner[order], np.arange(n + 1))
            complete = np.full(n, self.complete_where_unnamed(name))
            if not relation.inverse:
                complete[: self.count(PERSON)] = self._links_known(relation.links)
            self._related[name] = (other[order], starts, complete)
        return self._related[name]

    def complete_where_unnamed(self, name: str) -> bool:
        """Is a relation complete for a person whom no link of it names?"""
        relation = self.subjects.relations[name]
        return relation.inverse and any(self.held(PERSON, link) for link in relation.links)

    def _links_known(self, links: tuple[str, ...]) -> Mask:
        people = self.frames[PERSON]
        if not all(link in people.columns for link in links):
            return np.full(people.height, False)
        return people.select(pl.all_horizontal(pl.col(link).is_not_null() for link in links)).to_series().to_numpy()


def _join(wanted: pl.Series, ids: pl.Series) -> pl.Series:
    known = pl.DataFrame({"id": ids}).with_row_index("row")
    found = pl.DataFrame({"id": wanted}).join(known, on="id", how="left", maintain_order="left")
    return found.get_column("row").cast(pl.Int64)


def _somebody(links: pl.Series) -> pl.Series:
    """Where a link column names somebody."""
    named = links.is_not_null()
    return named & (links != NONE).fill_null(value=False) if links.dtype == pl.String else named


class Rows:
    """Some subjects of one kind, in an order of their own.

    A row -1 is nobody we know, a row behind the table's last somebody of whom only the name is known.

    Rows bound by a quantifier know the rows outside (`outer`) and, for each of their own, which of those it belongs to.
    """

    def __init__(
        self, tables: Tables, kind: str, index: Index | slice, outer: Rows | None = None, owner: Index | None = None
    ) -> None:
        self.tables = tables
        self.kind = kind
        self._index = index
        self.outer = outer
        self.owner = owner
        self.n = index.stop - index.start if isinstance(index, slice) else len(index)
        self.memo: dict[tuple[str, int | str], Any] = {}
        self._columns: dict[str, pl.Series | None] = {}
        self._groups: dict[str, tuple[Rows, Positions]] = {}
        self._relations: dict[plan.Relation, Related] = {}
        self._listed: Positions | None = None
        self._shared: tuple[Rows, Positions] | Literal[False] | None = False
        self._whole: list[tuple[Rows, Positions]] = []
        """The rows these were taken from, nearest first, and where in them these are."""

    def outside(self) -> tuple[Rows, Positions]:
        """The rows outside of the quantifier, and which of them each of these belongs to."""
        assert self.outer is not None
        assert self.owner is not None
        return self.outer, Positions(self.owner)

    @property
    def index(self) -> Index:
        """The row numbers in the table."""
        if isinstance(self._index, slice):
            return np.arange(self._index.start, self._index.stop, dtype=np.int64)
        return self._index

    def column(self, name: str) -> pl.Series | None:
        """The values of a column, or None where there is no such column."""
        if name not in self._columns:
            self._columns[name] = self._column(name)
        return self._columns[name]

    def _column(self, name: str) -> pl.Series | None:
        if self._whole:
            whole, chosen = self._whole[0]
            values = whole.column(name)
            return None if values is None else chosen.of(values)
        frame = self.tables.frames[self.kind]
        if name not in frame.columns:
            return None
        values = frame.get_column(name)
        if isinstance(self._index, slice):
            return values.slice(self._index.start, self.n)
        if self._listed is None:
            self._listed = Positions(np.where(self._index < frame.height, self._index, -1))
        return self._listed.of(values)

    def subset(self, mask: Mask) -> Rows:
        """The rows for which the mask holds; what was computed for all of them is taken over."""
        chosen = Positions(np.flatnonzero(mask))
        owner = None if self.owner is None else self.owner[chosen.index]
        rows = Rows(self.tables, self.kind, self.index[chosen.index], self.outer, owner)
        rows._whole = [(self, chosen), *((whole, part.then(chosen)) for whole, part in self._whole)]
        return rows

    def forget(self, kept: frozenset[tuple[str, int | str]]) -> None:
        """Drop what was computed, except under these keys; memory, not meaning."""
        self.memo = {key: value for key, value in self.memo.items() if key in kept}
        for groups, _ in self._groups.values():
            if not self.tables.is_whole(groups):
                groups.forget(kept)
        for bound in self._relations.values():
            bound.members.forget(kept)

    def shared(self) -> tuple[Rows, Positions] | None:
        """The rows of the whole table and where in it these are; None for the whole itself, or where some lack."""
        if self._shared is False:
            self._shared = None
            whole = None if self._whole else self.tables.whole(self.kind)
            if whole is not None and whole is not self and self.n:
                index = self.index
                if int(index.min()) >= 0 and int(index.max()) < whole.n:
                    self._shared = whole, Positions(index)
        return self._shared or None

    def inherited(self, key: tuple[str, int | str]) -> tuple[Any, Positions] | None:
        """What the rows that these were taken from have computed, and which of them these are."""
        for whole, chosen in self._whole:
            if key in whole.memo:
                return whole.memo[key], chosen
        return None

    def group(self, kind: str) -> tuple[Rows, Positions]:
        """The groups of these persons, each once, and for each person the position of its group (-1: not known)."""
        if kind not in self._groups:
            index = self.index
            positions = self.tables.positions(kind, self.tables.subjects.groups[kind].link)
            found = np.full(self.n, -1, dtype=np.int64)
            listed = (index >= 0) & (index < len(positions))
            found[listed] = positions[index[listed]]
            whole = self.tables.whole(kind)
            if whole is not None and found.max(initial=-1) < whole.n:
                self._groups[kind] = (whole, Positions(found))
                return self._groups[kind]
            distinct, inverse = np.unique(found, return_inverse=True)
            inverse = inverse.astype(np.int64)
            inverse[found == -1] = -1
            self._groups[kind] = (Rows(self.tables, kind, distinct), Positions(inverse))
        return self._groups[kind]

    def bound(self, relation: plan.Relation) -> Related:
        """The persons that a relation binds for these rows."""
        if relation not in self._relations:
            self._relations[relation] = Related(self, relation)
        return self._relations[relation]


class Related:
    """The persons that a relation leads to from some rows: pairs ordered by owner, to be joined per owner."""

    def __init__(self, rows: Rows, relation: plan.Relation) -> None:
        tables, index = rows.tables, rows.index
        if relation.via is not None:
            positions = tables.positions(relation.via, tables.subjects.groups[relation.via].link)
            group = np.full(rows.n, -1, dtype=np.int64)
            known = (index >= 0) & (index < len(positions))
            group[known] = positions[index[known]]
            index = group
        complete = np.zeros(0, dtype=np.bool_)
        if relation.group is not None:
            others, starts = tables.members(relation.group)
        else:
            others, starts, complete = tables.related(relation.name)
        listed = (index >= 0) & (index < len(starts) - 1)
        safe = np.where(listed, index, 0)
        counts = np.where(listed, starts[safe + 1] - starts[safe], 0) if len(starts) > 1 else np.zeros(rows.n, int)
        self.complete: Mask = counts > 0
        if relation.group is None:
            unnamed = (index >= 0) & tables.complete_where_unnamed(relation.name)
            self.complete = np.where(listed, complete[safe], unnamed) if len(complete) else unnamed
        self.n = rows.n
        self.counts = counts
        self.begins = np.concatenate([[0], np.cumsum(counts)])
        total = int(self.begins[-1])
        owner = np.repeat(np.arange(rows.n), counts)
        first = np.repeat(starts[safe] if len(starts) > 1 else np.zeros(rows.n, int), counts)
        offset = np.arange(total) - np.repeat(self.begins[:-1], counts)
        self.members = Rows(tables, PERSON, others[first + offset], rows, owner)
        self._filled = np.flatnonzero(counts > 0)

    def reduce(self, function: np.ufunc, values: npt.NDArray[Any], empty: int) -> npt.NDArray[Any]:
        """Join the members' values per owner; `empty` where there are none."""
        if function is np.add and values.dtype == np.int64:
            return self._summed(values)
        result = np.full(self.n, empty, dtype=values.dtype)
        if len(self._filled):
            result[self._filled] = function.reduceat(values, self.begins[self._filled])
        return result

    def per_owner(self, mask: Mask) -> npt.NDArray[np.int64]:
        """How many members of each owner the mask holds for."""
        return self._summed(mask)

    def _summed(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Sums per owner as differences of a running sum: it may wrap round, the differences are right all the same."""
        running = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(values, dtype=np.int64, out=running[1:])
        ends = running[self.begins]
        sums: npt.NDArray[np.int64] = np.diff(ends)
        return sums
