"""What can go wrong with the operational database."""

from __future__ import annotations

from serving.errors import ServingError


class StoreError(ServingError):
    """The operational database cannot do what it was asked."""


class DatabaseUnreachableError(StoreError):
    """No connection could be had for a while."""

    def __init__(self, waited_seconds: float) -> None:
        self.waited_seconds = waited_seconds
        super().__init__(
            f"The database did not answer for {waited_seconds:.0f} seconds. Look at its log "
            "($APPLYFREE_HOME/postgres/log, or your server's), then run the same command again: it goes "
            "on where it stopped."
        )


class NewerSchemaError(StoreError):
    """The database was made by a later release."""

    def __init__(self, found: str, known: str) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"The database has schema version {found}, this release knows up to {known}. Use the release that made it."
        )


class NotPrimaryError(StoreError):
    """The server is a replica."""

    def __init__(self) -> None:
        super().__init__(
            "The database is a replica, which may be behind: nothing is decided on it. Give APPLYFREE_DATABASE_URL the "
            "address of the primary (`target_session_attrs=read-write` finds it among several)."
        )
