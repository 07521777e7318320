"""Humans' own words are sealed before they are stored: what casework asks of whoever holds the keys.

For which row is declared with the column (`serving.store.tables.keys.encrypted`), so that whoever reads, rotates or
audits needs nothing but the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import Column


class Seal(Protocol):
    """Encrypts a text for one place: put anywhere else it cannot be opened."""

    def __call__(self, text: str, column: Column[Any], row: Mapping[str, Any]) -> bytes:
        """Encrypt.

        Args:
            text: a human's words.
            column: in which column they will stand; declared as encrypted.
            row: what will be written beside them: at least the columns that the declaration names.
        """
        ...


class Unseal(Protocol):
    """Opens what was sealed for a place."""

    def __call__(self, sealed: bytes, column: Column[Any], row: Mapping[str, Any]) -> str | None:
        """Decrypt; None: whom it was about was erased. Raises an error of its own where it was sealed elsewhere."""
        ...


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What somebody said, with what seals it once it is known where it will stand.

    Attributes:
        text: their words; in no representation of this.
        seal: encrypts them.
    """

    text: str
    seal: Seal

    def __repr__(self) -> str:
        return "OwnWords(…)"

    def in_row(self, column: Column[Any], row: Mapping[str, Any]) -> dict[str, Any]:
        """A row that is to be written, with these words in it."""
        return {**row, column.name: self.seal(self.text, column, row)}

    def in_new_row(self, column: Column[Any], row: Mapping[str, Any]) -> dict[str, Any]:
        """The same for a table whose rows are named by `sealed_as`."""
        return self.in_row(column, {**row, "sealed_as": uuid4()})
