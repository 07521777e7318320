"""What security refuses. No message holds a secret, nor a value of a person."""

from __future__ import annotations

from collections.abc import Sequence

from serving.errors import ServingError


class SecurityError(ServingError):
    """Something is refused because it would not be safe."""


class SensitiveExportError(SecurityError):
    """An export would hold facts of the highest sensitivity class, which never leave in a file."""

    def __init__(self, headers: Sequence[str]) -> None:
        self.headers = tuple(headers)
        super().__init__(
            f"The export has columns of the highest sensitivity class: {', '.join(self.headers)}. "
            "Leave them out: such facts are looked at one case at a time, and never exported."
        )


class UnsafeSecretsError(SecurityError):
    """The folder of secrets does not hold what it should, in the way it should."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("The secrets are not safe to start with:\n" + "\n".join(f"- {line}" for line in findings))


class OutboundRefusedError(SecurityError):
    """An address is not called: it is not allowed, or leads where nothing of ours may be sent.

    Attributes:
        reason: a constant word of :class:`serving.security.addresses.Reason`.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason = reason
        super().__init__(f"The call was refused ({reason}). {remedy}")


class OutboundFailedError(SecurityError):
    """A call that was allowed got no answer that can be used: too slow, too large, broken off."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The called server gave no answer that can be used ({reason}). Try again later.")


class UploadRefusedError(SecurityError):
    """A file that was sent is not taken."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The file is not taken: {reason}. Send another.")


class FieldError(SecurityError):
    """An encrypted field cannot be read. Says which table, column and why; never a row of a person or a value."""

    def __init__(self, table: str, column: str, why: str) -> None:
        self.table, self.column = table, column
        super().__init__(f"{table}.{column}: {why}")


class FieldErasedError(FieldError):
    """The data key of this field was deleted: what it said is gone for good, on purpose."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(table, column, "its data key was deleted, so that nobody can read it any more.")


class FieldTamperedError(FieldError):
    """What stands in the field was not written there by us."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(
            table, column, "this was not encrypted for this place: moved, altered or cut. Look for who wrote it."
        )


class KeyMissingError(SecurityError):
    """A key-encryption key of an earlier version is still needed and is not there."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(
            f"Data keys are wrapped by version {version} of the key-encryption key, which is not among the secrets. "
            "Put it back, run the rotation to its end, and only then remove it."
        )
