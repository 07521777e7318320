"""Humans' own words are sealed before they are stored: what casework asks of whoever holds the keys."""

from __future__ import annotations

from typing import Protocol


class Seal(Protocol):
    """Encrypts a text for one place: put anywhere else it cannot be opened."""

    def __call__(self, text: str, *, table: str, column: str, row: str) -> bytes:
        """Encrypt.

        Args:
            text: a human's words.
            table: where they will stand.
            column: in which column of it.
            row: in which row. It is known before the row is written, so it is not always the row's number.
        """
        ...


class Unseal(Protocol):
    """Opens what was sealed for a place."""

    def __call__(self, sealed: bytes, *, table: str, column: str, row: str) -> str:
        """Decrypt. Raises an error of its own where it was sealed for another place."""
        ...
