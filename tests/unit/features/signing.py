"""Senders with real keys, for tests: what they sign, and the file that names their public keys."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from features.canonical_json import canonical_json
from features.senders import Senders, read_senders


def private_key(number: int) -> Ed25519PrivateKey:
    """One key for each number: of tests, and of nobody."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def signed(envelope: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """A message with its sender's signature."""
    content = canonical_json({"header": envelope["header"], "message": envelope["message"]})
    return {**envelope, "signature": base64.b64encode(key.sign(content)).decode()}


def senders_with(folder: Path, *named: tuple[str, Ed25519PrivateKey]) -> Senders:
    """The senders of a file that names these public keys."""
    lines = ["senders:"]
    for number, (sender, key) in enumerate(named):
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{number}.pem").write_bytes(pem)
        lines.append(f"  - {{sender: {sender}, key: {number}.pem}}")
    (folder / "senders.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_senders(folder / "senders.yaml")
