"""What can go wrong with the ledger."""

from __future__ import annotations

from pathlib import Path

from serving.errors import ServingError


class LedgerError(ServingError):
    """The ledger cannot be written, or does not say what it said."""


class LedgerContradictsError(LedgerError):
    """The ledger is shorter than, or differs from, what was published of it."""

    def __init__(self, published_size: int, found_size: int) -> None:
        self.published_size, self.found_size = published_size, found_size
        what = f"has {found_size:,} leaves" if found_size < published_size else "has another root at that size"
        super().__init__(
            f"The ledger {what}, but a checkpoint of {published_size:,} leaves was published: this database was set "
            "back or altered. Nothing is signed and nothing is delivered. Run `applyfree ledger verify` with the "
            "published checkpoints, then put back the database that they were made of."
        )


class CheckpointFileError(LedgerError):
    """A file of published checkpoints cannot be read."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        self.file, self.line, self.reason = file, line, reason
        super().__init__(
            f"{file}:{line}: {reason}. Each line is one checkpoint as it was published; fetch the file again."
        )


class LedgerKeyError(LedgerError):
    """A key cannot be read."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(
            f"{file} holds no Ed25519 key in PEM. Make one with `openssl genpkey -algorithm ed25519 -out {file.name}`; "
            f"its public half with `openssl pkey -in {file.name} -pubout`."
        )
