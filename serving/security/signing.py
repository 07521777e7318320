"""Our signature on messages to departments: Ed25519 over the canonical JSON (RFC 8785) of header and message."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.canonical_json import canonical_json


def signed(key: Ed25519PrivateKey, message: dict[str, Any]) -> dict[str, Any]:
    """A message of ours, with its signature, as :mod:`features.senders` checks those of others.

    Args:
        key: ours.
        message: `header` and `message`.
    """
    content = canonical_json({"header": message["header"], "message": message["message"]})
    return {"signature": base64.b64encode(key.sign(content)).decode(), **message}
