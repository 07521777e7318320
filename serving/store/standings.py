"""Rows of `standing`: written by binary COPY, read back as arrays.

A row holds all answers of one subject. Measured on 2 cores (docs/decisions/0005): a row per determination loads
some 0.2 million determinations a second, this 5 million.
"""

from __future__ import annotations

import datetime as dt
import struct
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl

from serving.store.database import Session

Codes = npt.NDArray[np.int32]
"""Ids of answers, shape (subjects, benefits); 0: the benefit does not apply."""
Days = npt.NDArray[np.int32]
"""Days since 1970, shape (subjects, benefits); NEVER: none."""

NEVER = np.iinfo(np.int32).max
"""How `next_change` says that there is none; PostgreSQL's infinity."""
_EPOCH = dt.date(1970, 1, 1).toordinal() - dt.date(2000, 1, 1).toordinal()
"""PostgreSQL counts days from 2000."""
_INT4, _DATE = 23, 1082
_ARRAY_HEAD_BYTES, _EMPTY_ARRAY_BYTES = 20, 12
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_COLUMNS = "kind, id, sweep, answers, next_change, made_by, due, look_again"
_Stored = tuple[str, bytes, bytes, bytes | None, bytes]
"""Of one row: id, answers, next_change, made_by, look_again."""


@dataclass(frozen=True, slots=True)
class Standings:
    """How some subjects of one kind stand.

    `made_by` names for each answer the sweep that made it; `look_again` the day until which all that it says stands,
    its reasons too.
    """

    kind: str
    ids: pl.Series
    answers: Codes
    next_change: Days
    made_by: Codes
    look_again: Days


def write(session: Session, sweep: int, rows: Standings) -> None:
    """Add rows, within the caller's transaction."""
    if rows.ids.is_empty():
        return
    with session.cursor().copy(f"COPY standing ({_COLUMNS}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
        copy.write(_HEADER)
        for block in _blocks(sweep, rows):
            copy.write(block)
        copy.write(_TRAILER)


def read(session: Session, kind: str, ids: pl.Series, before: int) -> dict[int, Standings]:
    """The last row before a sweep of each of some subjects that has one, by the sweep that wrote it."""
    cursor = session.cursor(binary=True)
    cursor.execute(
        """
        SELECT s.sweep, s.id, array_send(s.answers), array_send(s.next_change), array_send(s.made_by),
               array_send(coalesce(s.look_again, s.next_change))
        FROM unnest(%s::text[]) AS wanted(id)
        CROSS JOIN LATERAL (
            SELECT * FROM standing WHERE kind = %s AND id = wanted.id AND sweep < %s ORDER BY sweep DESC LIMIT 1) s
        """,
        (ids.to_list(), kind, before),
    )
    by_sweep: dict[int, list[_Stored]] = {}
    for sweep, *row in cursor:
        by_sweep.setdefault(cast(int, sweep), []).append(cast(_Stored, tuple(row)))
    return {sweep: _gathered(kind, sweep, rows) for sweep, rows in by_sweep.items()}


def read_of(session: Session, sweep: int, kind: str, ids: pl.Series) -> Standings | None:
    """The rows that one sweep wrote for some subjects; None where there are none."""
    return read(session, kind, ids, sweep + 1).get(sweep)


def _gathered(kind: str, sweep: int, rows: list[_Stored]) -> Standings:
    """Rows of one sweep: they are of one rulebook, so their arrays are of one length."""
    answers = _cells([row[1] for row in rows])
    made_by = np.full(answers.shape, sweep, dtype=np.int32)
    stated = np.array([row[3] is not None for row in rows])
    if stated.any():
        made_by[stated] = _cells([row[3] for row in rows if row[3] is not None])
    ids = pl.Series("id", [row[0] for row in rows], dtype=pl.String)
    days, again = (_days([row[2] for row in rows]), _days([row[4] for row in rows]))
    return Standings(kind, ids, answers, days, made_by, again)


def _days(arrays: list[bytes]) -> Days:
    stored = _cells(arrays)
    return np.where(stored == NEVER, NEVER, stored - _EPOCH).astype(np.int32)


def _cells(arrays: list[bytes]) -> npt.NDArray[np.int32]:
    if len(arrays[0]) <= _EMPTY_ARRAY_BYTES:
        return np.zeros((len(arrays), 0), dtype=np.int32)
    matrix = np.frombuffer(b"".join(arrays), dtype=np.uint8).reshape(len(arrays), len(arrays[0]))
    cells = np.ascontiguousarray(matrix[:, _ARRAY_HEAD_BYTES:]).view(">i4")
    return cells[:, 1::2].astype(np.int32)


def _blocks(sweep: int, rows: Standings) -> list[bytes]:
    """The rows in PostgreSQL's binary format, those with ids of one length together: each is a matrix of bytes."""
    encoded = rows.ids.str.len_bytes().to_numpy()
    tail = _tails(sweep, rows)
    kind = rows.kind.encode()
    blocks: list[bytes] = []
    for length in np.unique(encoded):
        chosen = np.flatnonzero(encoded == length)
        head = struct.pack(f">hi{len(kind)}si", 8, len(kind), kind, int(length))
        width = len(head) + int(length)
        block = np.empty((len(chosen), width + tail.shape[1]), dtype=np.uint8)
        block[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
        text = "".join(rows.ids.gather(chosen).to_list()).encode()
        block[:, len(head) : width] = np.frombuffer(text, dtype=np.uint8).reshape(len(chosen), int(length))
        block[:, width:] = tail[chosen]
        blocks.append(block.tobytes())
    return blocks


def _tails(sweep: int, rows: Standings) -> npt.NDArray[np.uint8]:
    """Everything behind the id. One width for all: `made_by` is written for all rows or for none."""
    n = len(rows.answers)
    days, again = (np.where(d == NEVER, NEVER, d + _EPOCH) for d in (rows.next_change, rows.look_again))
    due = again.min(axis=1, initial=NEVER)
    parts = [_fixed(struct.pack(">ii", 4, sweep), n), _array(_INT4, rows.answers), _array(_DATE, days)]
    if bool((rows.made_by == sweep).all()):
        parts.append(_fixed(struct.pack(">i", -1), n))
    else:
        parts.append(_array(_INT4, rows.made_by))
    parts += [_fixed(struct.pack(">i", 4), n), _big_endian(due.reshape(n, 1)), _array(_DATE, again)]
    return np.concatenate(parts, axis=1)


def _fixed(content: bytes, n: int) -> npt.NDArray[np.uint8]:
    return np.broadcast_to(np.frombuffer(content, dtype=np.uint8), (n, len(content)))


def _big_endian(values: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(values, dtype=">i4").view(np.uint8).reshape(len(values), -1)


def _array(element: int, values: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """One-dimensional arrays without nulls: dimensions, flags, element type, length, lower bound, then each element."""
    n, count = values.shape
    if count == 0:
        return _fixed(struct.pack(">iiii", 12, 0, 0, element), n)
    head = _fixed(struct.pack(">iiiiii", 20 + 8 * count, 1, 0, element, count, 1), n)
    cells = np.empty((n, 2 * count), dtype=np.int32)
    cells[:, 0::2] = 4
    cells[:, 1::2] = values
    return np.concatenate([head, _big_endian(cells)], axis=1)
