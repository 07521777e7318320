"""What a department delivered, as it is: headers, and rows that are still what the file, table or message says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from features.registers.contracts import Table
from features.registers.errors import UnreadableDeliveryError

BLOCK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is no row of the table.

    Attributes:
        row: its number.
        reason: why, in words that repeat no value.
        key: the subject's id as written, where it can still be read.
    """

    row: int
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery before anything in it is understood.

    Attributes:
        source: the name of the file or table, without its path.
        form: one of `contracts.FORMATS`.
        content_hash: SHA-256 of what was delivered.
        cells: by header, the cells as they were written or typed; an empty cell is null or "".
        first_row: the number of the first row, as a person counts in such a delivery.
        broken: rows that are not in `cells`, though they have numbers.
        skipped: numbers of rows that are blank, and not in `cells` either.
        unchecked_messages: messages that were taken though no key of their sender's is named.
    """

    source: str
    form: str
    content_hash: str
    cells: pl.DataFrame
    first_row: int
    broken: Sequence[BrokenRow] = field(default=())
    skipped: Sequence[int] = field(default=())
    unchecked_messages: int = 0

    def row_numbers(self) -> pl.Series:
        """The number of each row of `cells`, as counted in the delivery."""
        absent = {row.row for row in self.broken if row.row >= self.first_row} | set(self.skipped)
        if not absent:
            last = self.first_row + self.cells.height
            return pl.Series("row", np.arange(self.first_row, last), dtype=pl.UInt32)
        every = np.arange(self.first_row, self.first_row + self.cells.height + len(absent))
        missing = np.fromiter(absent, dtype=np.int64)
        return pl.Series("row", np.setdiff1d(every, missing, assume_unique=True)[: self.cells.height], dtype=pl.UInt32)


def refuse_no_header(names: Sequence[str], table: Table, row: int | None) -> None:
    """Refuse what does not begin with headers: it begins with somebody's row, so none of its cells is repeated.

    Raises:
        UnreadableDeliveryError: none of the names was agreed.
    """
    if set(names) & {*table.headers, *table.ignored}:
        return
    agreed = ", ".join(f"`{header}`" for header in table.headers)
    raise UnreadableDeliveryError(f"The first row names none of the columns agreed ({agreed}).", row)


def hash_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            found.update(block)
    return found.hexdigest()
