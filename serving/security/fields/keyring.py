"""Key-encryption keys by version: they wrap data keys and nothing else, and are in no database.

Source:
    NIST SP 800-38D (GCM), 800-57 part 1 (key hierarchy). AES-256-GCM with random nonces: one key wraps far fewer than
    the 2^32 messages up to which they may be random.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from serving.security.errors import FieldTamperedError, KeyMissingError, SecurityError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a field is about: all their fields share a key, and end with it."""

    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored."""

    id: uuid.UUID
    owner: Owner
    kek: int
    wrapped: bytes


class KeyRing:
    """The key-encryption keys at hand.

    Args:
        versions: by version, 32 bytes each (:meth:`serving.security.secrets.SecretFolder.versions`).

    Raises:
        SecurityError: there is none, or one of another length.
    """

    def __init__(self, versions: Mapping[int, bytes]) -> None:
        if not versions or any(len(key) != KEY_BYTES for key in versions.values()):
            raise SecurityError("Field encryption needs a key-encryption key of 32 bytes: `field-kek.1`.")
        self._ciphers = {version: AESGCM(key) for version, key in versions.items()}

    @property
    def first(self) -> int:
        """The earliest version at hand."""
        return min(self._ciphers)

    @property
    def newest(self) -> int:
        """The latest version at hand."""
        return max(self._ciphers)

    def make(self, owner: Owner, kek: int) -> tuple[WrappedKey, AESGCM]:
        """A new data key, wrapped and as it is used.

        Raises:
            KeyMissingError: that version is not at hand.
        """
        key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        return self._wrap(uuid.uuid4(), owner, kek, key), AESGCM(key)

    def open(self, stored: WrappedKey) -> AESGCM:
        """A data key as it is used.

        Raises:
            KeyMissingError: the version that wraps it is not at hand.
            FieldTamperedError: it was altered, or moved from another owner.
        """
        return AESGCM(self._unwrap(stored))

    def rewrap(self, stored: WrappedKey, kek: int) -> WrappedKey:
        """The same data key under another version.

        Raises:
            KeyMissingError, FieldTamperedError: as :meth:`open`.
        """
        return self._wrap(stored.id, stored.owner, kek, self._unwrap(stored))

    def _wrap(self, id: uuid.UUID, owner: Owner, kek: int, key: bytes) -> WrappedKey:
        nonce = os.urandom(NONCE_BYTES)
        wrapped = self._cipher(kek).encrypt(nonce, key, _about_key(id, owner, kek))
        return WrappedKey(id, owner, kek, nonce + wrapped)

    def _unwrap(self, stored: WrappedKey) -> bytes:
        nonce, wrapped = stored.wrapped[:NONCE_BYTES], stored.wrapped[NONCE_BYTES:]
        try:
            return self._cipher(stored.kek).decrypt(nonce, wrapped, _about_key(stored.id, stored.owner, stored.kek))
        except (InvalidTag, ValueError):
            raise FieldTamperedError("data_key", "wrapped") from None

    def _cipher(self, kek: int) -> AESGCM:
        try:
            return self._ciphers[kek]
        except KeyError:
            raise KeyMissingError(kek) from None


def _about_key(id: uuid.UUID, owner: Owner, kek: int) -> bytes:
    return in_one("data_key", id.hex, owner.kind, owner.subject, str(kek))


def in_one(*parts: str) -> bytes:
    """Parts as one text that no other parts give: each with its length before it."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
