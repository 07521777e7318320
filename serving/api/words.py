"""People's own words on their way into the database: encrypted for whom they are about, and for their place."""

from __future__ import annotations

from sqlalchemy import Connection

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

    def seal(self, text: str, *, table: str, column: str, row: str) -> bytes:
        """See :class:`serving.casework.sealing.Seal`."""
        return self._cipher.encrypt(self._connection, self._owner, Place(table, column, (row,)), text)

    def unseal(self, sealed: bytes, *, table: str, column: str, row: str) -> str:
        """See :class:`serving.casework.sealing.Unseal`."""
        return self._cipher.decrypt(self._connection, Place(table, column, (row,)), sealed)
