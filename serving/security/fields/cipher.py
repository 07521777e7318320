"""Fields at rest: AES-256-GCM, each bound to its table, column and row, with a key of the person it is about.

A data key is looked up with every reading, and kept nowhere: whoever is erased is erased from the commit on.

Source:
    OWASP ASVS 5.0, 11.3.2, 13.3.1, 14.2.4. GDPR art. 17 and 个人信息保护法 第四十七条: deletion, by destroying the key.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Connection, Row, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from serving.security.errors import FieldErasedError, FieldTamperedError
from serving.security.fields.keyring import NONCE_BYTES, KeyRing, Owner, WrappedKey, in_one
from serving.store.tables.keys import data_key, key_rotation, place_of

KEYS_LOCK: Final = 0x4146_4B59
"""Whoever makes a key shares this advisory lock; a rotation of the key-encryption key begins while nobody holds it."""
_FORMAT: Final = b"\x01"
_ID_BYTES: Final = 16
_HEAD_BYTES: Final = len(_FORMAT) + _ID_BYTES
_COLUMNS: Final = (data_key.c.id, data_key.c.kind, data_key.c.subject, data_key.c.kek, data_key.c.wrapped)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands. Read anywhere else, it is nothing.

    Attributes:
        table: its name.
        column: its name.
        row: what the columns say that `encrypted(…)` names for it, in that order.
    """

    table: str
    column: str
    row: tuple[str | int | uuid.UUID | None, ...]

    @classmethod
    def of(cls, column: Column[Any], row: Mapping[str, Any]) -> Place:
        """The place of a field in a row that is written or was read: the one that its column declares.

        Raises:
            KeyError: the column is not declared as encrypted, or the row does not say which it is.
        """
        table, name, keys = place_of(column)
        return cls(table, name, tuple(row[key] for key in keys))

    def bound(self, key: uuid.UUID) -> bytes:
        """What the ciphertext is bound to."""
        return in_one(
            "field", key.hex, self.table, self.column, *("" if part is None else str(part) for part in self.row)
        )


class FieldCipher:
    """Encrypts and decrypts fields, inside the caller's transaction.

    Args:
        ring: the key-encryption keys.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    @property
    def ring(self) -> KeyRing:
        """The key-encryption keys."""
        return self._ring

    def encrypt(self, connection: Connection, owner: Owner, place: Place, content: str) -> bytes:
        """A field, as it is stored; the owner's key is made where there is none yet.

        The key stays locked until the transaction ends, so that no rotation retires it before the field is there.

        Raises:
            KeyMissingError: a key-encryption key is not at hand.
            FieldTamperedError: the owner's key was altered.
        """
        return _written(place, content, *self._current(connection, owner))

    def encrypt_anew(self, connection: Connection, owner: Owner, place: Place, stored: bytes) -> bytes | None:
        """The same field under the owner's current key; None: somebody is changing that key, so try again later.

        Never waits: whoever holds a row must not wait for a key, as others hold a key and wait for a row.

        Raises:
            FieldErasedError, FieldTamperedError, KeyMissingError: as :meth:`decrypt`.
        """
        content = self.decrypt(connection, place, stored)
        row = connection.execute(_current_of(owner).with_for_update(read=True, skip_locked=True)).first()
        return None if row is None else _written(place, content, row.id, self._ring.open(_stored(row)))

    def replace_key(self, connection: Connection, owner: Owner) -> None:
        """Make a key for an owner whose current one the caller has just retired, and holds.

        Raises:
            KeyMissingError: a key-encryption key is not at hand.
        """
        made, _ = self._ring.make(owner, wrapping_version(connection, self._ring))
        connection.execute(insert(data_key).values(_row(made)))

    def decrypt(self, connection: Connection, place: Place, stored: bytes) -> str:
        """What a field says.

        Raises:
            FieldErasedError: its key was deleted.
            FieldTamperedError: it was not encrypted for this place.
            KeyMissingError: a key-encryption key is not at hand.
        """
        (found,) = self.decrypt_many(connection, [(place, stored)])
        if found is None:
            raise FieldErasedError(place.table, place.column)
        return found

    def decrypt_many(self, connection: Connection, fields: Sequence[tuple[Place, bytes]]) -> list[str | None]:
        """What fields say, with one look-up for all; None: erased.

        Raises:
            FieldTamperedError, KeyMissingError: as :meth:`decrypt`.
        """
        ids = [_key_of(place, stored) for place, stored in fields]
        rows = connection.execute(select(*_COLUMNS).where(data_key.c.id.in_(set(ids)))).all() if ids else []
        held = {row.id: None if row.wrapped is None else self._ring.open(_stored(row)) for row in rows}
        return [_read(place, stored, id, held) for (place, stored), id in zip(fields, ids, strict=True)]

    def erase(self, connection: Connection, owner: Owner) -> int:
        """Destroy all keys of an owner: what is encrypted for them can never be read again, by anybody.

        Waits for transactions that are writing fields of theirs. What they state from then on gets a new key.

        Returns:
            The number of keys that were destroyed.
        """
        done = connection.execute(
            update(data_key)
            .where(data_key.c.kind == owner.kind, data_key.c.subject == owner.subject, data_key.c.wrapped.is_not(None))
            .values(
                wrapped=None, kek=None, retired_at=func.coalesce(data_key.c.retired_at, func.now()),
                destroyed_at=func.now(), destroyed_because="erased",
            )
        )  # fmt: skip
        return done.rowcount

    def _current(self, connection: Connection, owner: Owner) -> tuple[uuid.UUID, AESGCM]:
        query = _current_of(owner).with_for_update(read=True)
        while True:
            row = connection.execute(query).first()
            if row is not None:
                return row.id, self._ring.open(_stored(row))
            hold_version(connection)
            made, cipher = self._ring.make(owner, wrapping_version(connection, self._ring))
            added = connection.execute(
                insert(data_key)
                .values(_row(made))
                .on_conflict_do_nothing()
                .returning(data_key.c.id)  # the count of rows of an INSERT is not to be had
            )
            if added.first() is not None:
                return made.id, cipher


def hold_version(connection: Connection) -> None:
    """Let nobody begin to rotate the key-encryption key between our reading its version and our commit."""
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:lock)"), {"lock": KEYS_LOCK})


def wrapping_version(connection: Connection, ring: KeyRing) -> int:
    """The version that wraps new data keys: as the last rotation said, so that all processes change it at once."""
    told = connection.execute(select(func.max(key_rotation.c.kek))).scalar()
    return ring.first if told is None else int(told)


def _current_of(owner: Owner) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(
        data_key.c.kind == owner.kind, data_key.c.subject == owner.subject, data_key.c.retired_at.is_(None)
    )


def _row(made: WrappedKey) -> dict[str, object]:
    owner = made.owner
    return {"id": made.id, "kind": owner.kind, "subject": owner.subject, "kek": made.kek, "wrapped": made.wrapped}


def _written(place: Place, content: str, id: uuid.UUID, cipher: AESGCM) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return _FORMAT + id.bytes + nonce + cipher.encrypt(nonce, content.encode(), place.bound(id))


def _stored(row: Row[*tuple[Any, ...]]) -> WrappedKey:
    return WrappedKey(row.id, Owner(row.kind, row.subject), row.kek, row.wrapped)


def _key_of(place: Place, stored: bytes) -> uuid.UUID:
    if stored[:1] != _FORMAT or len(stored) < _HEAD_BYTES:
        raise FieldTamperedError(place.table, place.column)
    return uuid.UUID(bytes=bytes(stored[1:_HEAD_BYTES]))


def _read(place: Place, stored: bytes, id: uuid.UUID, held: dict[uuid.UUID, AESGCM | None]) -> str | None:
    if id not in held:
        raise FieldTamperedError(place.table, place.column)
    cipher = held[id]
    if cipher is None:
        return None
    nonce, content = stored[_HEAD_BYTES : _HEAD_BYTES + NONCE_BYTES], stored[_HEAD_BYTES + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, content, place.bound(id)).decode()
    except (InvalidTag, ValueError):
        raise FieldTamperedError(place.table, place.column) from None
