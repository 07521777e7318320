"""Who sends messages, and the public keys by which it is known that a message is theirs.

A file of senders names keys; whoever is named there must sign. A message's `signature` stands beside `header` and
`message` and is the Ed25519 signature, in base64, over the canonical JSON (RFC 8785) of `{"header": …, "message": …}`.

Source:
    Digital Convergence Initiative, registry core API 1.0.0: `signature` of {header} and {message}. RFC 8032, RFC 8785.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from features import documents as doc
from features.canonical_json import canonical_json
from features.documents import DocumentError
from features.yaml_files import read_document

MISSING: Final = "The message is not signed, and its sender signs: a key of theirs is named."
NOT_BASE64: Final = "The signature is not base64."
NOT_CANONICAL: Final = "The message has no canonical form (RFC 8785), so that nobody can have signed it."
NOT_THEIRS: Final = "The signature is none of its sender's over this message: another key, or something was changed."


@dataclass(frozen=True, slots=True)
class Senders:
    """The senders whose messages must be signed; by default nobody's.

    Attributes:
        keys: by `sender_id` the keys any of which may sign: two while one takes the other's place.
    """

    keys: Mapping[str, tuple[Ed25519PublicKey, ...]] = field(default_factory=dict)

    def sign(self, sender_id: str) -> bool:
        """Is a key of the sender named, so that each of their messages must be signed?"""
        return sender_id in self.keys

    def why_refused(self, sender_id: str, envelope: Mapping[str, object]) -> str | None:
        """Why a message is not to be taken as its sender's; None where it is, or where no key of theirs is named.

        Args:
            sender_id: as the header says.
            envelope: `header`, `message` and `signature`, as `json.loads` gives them.
        """
        if not self.sign(sender_id):
            return None
        signature = envelope.get("signature")
        if not isinstance(signature, str) or not signature:
            return MISSING
        try:
            signed = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return NOT_BASE64
        try:
            content = canonical_json({part: envelope.get(part) for part in ("header", "message")})
        except (ValueError, RecursionError):
            return NOT_CANONICAL
        return None if any(_fits(key, signed, content) for key in self.keys[sender_id]) else NOT_THEIRS


NOBODY_SIGNS: Final = Senders()
"""Where no key is named."""


def read_senders(path: Path) -> Senders:
    """Read a file of senders: `senders`, a list of `sender` (as headers name it) and `key`, a PEM file beside it.

    Raises:
        DocumentError: the file cannot be read, or a key is none: nobody's message is taken unchecked by mistake.
    """
    document = read_document(path)
    document.expect(("senders",), ("note",), what="a file of senders")
    keys: dict[str, tuple[Ed25519PublicKey, ...]] = {}
    for node in doc.sequence_of(document.entries["senders"], "senders"):
        entry = doc.mapping_of(node, "a sender")
        entry.expect(("sender", "key"), ("note",), what="a sender")
        sender = doc.text_of(entry.entries["sender"], "sender")
        keys[sender] = (*keys.get(sender, ()), _key(entry.entries["key"], path.parent))
    return Senders(keys)


def _key(node: doc.Node, folder: Path) -> Ed25519PublicKey:
    name = doc.text_of(node, "key")
    try:
        key = load_pem_public_key((folder / name).read_bytes())
    except OSError as error:
        raise DocumentError(
            node.place, f"The key `{name}` cannot be read ({error.strerror}).", "Is it there?"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DocumentError(node.place, f"`{name}` holds no public key in PEM.", "Ask the sender for it.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise DocumentError(node.place, f"The key `{name}` is not an Ed25519 key.", "Ask the sender for one.")
    return key


def _fits(key: Ed25519PublicKey, signed: bytes, content: bytes) -> bool:
    try:
        key.verify(signed, content)
    except InvalidSignature:
        return False
    return True
