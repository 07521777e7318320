"""Checkpoints: the root of the ledger at a size, signed, and copied to where this machine cannot change it."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from serving.ledger.errors import CheckpointFileError, LedgerKeyError
from serving.ledger.tree import HASH_BYTES

_SIGNATURE_BYTES = 64
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the ledger was at a moment.

    Args:
        origin: whose ledger: the name under which the key is known.
        size: how many leaves.
        root: of the tree over them.
        at: when it was signed, in UTC.
        signature: Ed25519, over :meth:`signed_text`.
    """

    origin: str
    size: int
    root: bytes
    at: dt.datetime
    signature: bytes

    def signed_text(self) -> bytes:
        """What the signature is of: canonical JSON of all but itself."""
        return rfc8785.dumps(self._told())

    def line(self) -> str:
        """The checkpoint as one line of JSON: what is published."""
        told = {**self._told(), "signature": base64.b64encode(self.signature).decode()}
        return json.dumps(told, sort_keys=True)

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether the signature is that key's."""
        try:
            key.verify(self.signature, self.signed_text())
        except InvalidSignature:
            return False
        return True

    def _told(self) -> dict[str, str | int]:
        at = self.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
        return {"origin": self.origin, "size": self.size, "root": self.root.hex(), "at": at}


def signed(origin: str, size: int, root: bytes, at: dt.datetime, key: Ed25519PrivateKey) -> Checkpoint:
    """A checkpoint with its signature."""
    unsigned = Checkpoint(origin, size, root, at, b"")
    return Checkpoint(origin, size, root, at, key.sign(unsigned.signed_text()))


def publish(checkpoint: Checkpoint, file: Path) -> None:
    """Append a checkpoint to a file, on the disk before this returns. The file is what others copy."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        # A line that a full disk or a crash cut short must not spoil the next one.
        whole = os.fstat(descriptor).st_size == 0 or file.read_bytes()[-1:] == b"\n"
        os.write(descriptor, ("" if whole else "\n").encode() + checkpoint.line().encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_published(file: Path) -> list[Checkpoint]:
    """The checkpoints in a file, in its order; a line that was cut short by a crash or a full disk is passed over.

    Whoever can spoil a line can take it away too, and every later checkpoint vouches for the leaves of an earlier one.

    Raises:
        CheckpointFileError: a line is whole, and is none.
        OSError: the file cannot be read.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    return [_read(file, number, line) for number, line in enumerate(lines, start=1) if line.endswith("}")]


def read_last_published(file: Path) -> list[Checkpoint]:
    """The last few checkpoints in a file, which may be years long; none where there is no file.

    Raises:
        CheckpointFileError: as :func:`read_published`; the line is counted from the first that was read.
        OSError: the file cannot be read.
    """
    if not file.exists():
        return []
    with file.open("rb") as opened:
        opened.seek(max(opened.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
        # Cut in the middle of a line, or in the middle of a character of a name: only whole lines are read.
        lines = opened.read().decode("utf-8", errors="replace").splitlines()
    whole = [line for line in lines if line.startswith("{") and line.endswith("}")]
    return [_read(file, number, line) for number, line in enumerate(whole, start=1)]


def latest(checkpoints: Sequence[Checkpoint]) -> Checkpoint | None:
    """The largest, and of these the last."""
    return max(checkpoints, key=lambda one: (one.size, one.at), default=None)


def read_private_key(file: Path) -> Ed25519PrivateKey:
    """The key that signs, from a PEM file without password.

    Raises:
        LedgerKeyError: the file holds none.
    """
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise LedgerKeyError(file) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerKeyError(file)
    return key


def read_public_key(file: Path) -> Ed25519PublicKey:
    """The key that tells whether a checkpoint is genuine, from a PEM file.

    Raises:
        LedgerKeyError: the file holds none.
    """
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (ValueError, TypeError):
        raise LedgerKeyError(file) from None
    if not isinstance(key, Ed25519PublicKey):
        raise LedgerKeyError(file)
    return key


def _read(file: Path, number: int, line: str) -> Checkpoint:
    try:
        told = json.loads(line)
        origin, size = told["origin"], told["size"]
        root, signature = bytes.fromhex(told["root"]), base64.b64decode(told["signature"], validate=True)
        at = dt.datetime.fromisoformat(told["at"])
    except (ValueError, KeyError, TypeError):
        raise CheckpointFileError(file, number, "this is no checkpoint") from None
    sound = isinstance(origin, str) and isinstance(size, int) and size >= 0 and at.tzinfo is not None
    if not sound or len(root) != HASH_BYTES or len(signature) != _SIGNATURE_BYTES:
        raise CheckpointFileError(file, number, "this checkpoint has parts of the wrong kind")
    return Checkpoint(origin, size, root, at, signature)
