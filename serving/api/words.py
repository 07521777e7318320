"""People's own words on their way into the database and back: encrypted for whom they are about and for their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection

from serving.casework.sealing import OwnWords
from serving.security.fields.cipher import FieldCipher, Place
from serving.security.fields.keyring import Owner


class Sealing:
    """Encrypts and decrypts words about one subject (`serving.casework.sealing`).

    Args:
        cipher: with the keys.
        connection: the transaction of the request.
        subject: `kind:id`: erasing them makes what was said about them unreadable.
    """

    def __init__(self, cipher: FieldCipher, connection: Connection, subject: str) -> None:
        kind, _, name = subject.partition(":")
        self._cipher, self._connection, self._owner = cipher, connection, Owner(kind, name)

    def seal(self, text: str, column: Column[Any], row: Mapping[str, Any]) -> bytes:
        """See :class:`serving.casework.sealing.Seal`."""
        return self._cipher.encrypt(self._connection, self._owner, Place.of(column, row), text)

    def unseal(self, sealed: bytes, column: Column[Any], row: Mapping[str, Any]) -> str | None:
        """See :class:`serving.casework.sealing.Unseal`."""
        (found,) = self._cipher.decrypt_many(self._connection, [(Place.of(column, row), sealed)])
        return found

    def words(self, text: str) -> OwnWords:
        """Somebody's words, to be sealed where they are written."""
        return OwnWords(text, self.seal)
