"""Finding encrypted fields by their value, without decrypting: a keyed hash beside the field.

Equal values of one column have equal hashes: whoever reads the table sees which rows agree, and whoever has the key can
try all phone numbers. So the key is its own, and columns of few values (yes or no, a sex, a district) get no index.

Source:
    OWASP ASVS 5.0, 11.4; RFC 2104; NIST SP 800-107, section 5.1 (128 bits of a truncated hash).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from typing import Final

from serving.security.errors import SecurityError
from serving.security.fields.keyring import in_one

_LEAST_KEY_BYTES: Final = 32
_BYTES: Final = 16
_SEPARATORS: Final = re.compile(r"[\s\-‐-―.()（）]+")


class BlindIndex:
    """Hashes of values, by which their fields are found.

    Args:
        key: secret and used for nothing else (`blind-index`), at least 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _LEAST_KEY_BYTES:
            raise SecurityError("The key of the blind index is too short: it needs 32 bytes or more.")
        self._key = key

    def of(self, table: str, column: str, value: str) -> bytes:
        """The hash of a value in one column; the same value in another column has another."""
        return hmac.new(self._key, in_one(table, column, comparable(value)), hashlib.sha256).digest()[:_BYTES]


def comparable(value: str) -> str:
    """A value as it is compared: full-width forms, case, spaces and separators make no difference."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", value)).casefold()
