"""What can go wrong with the operational database."""

from __future__ import annotations

import datetime as dt

from serving.errors import ServingError


class StoreError(ServingError):
    """The operational database cannot do what it was asked."""


class DatabaseUnreachableError(StoreError):
    """No connection could be had for a while."""

    def __init__(self, waited_seconds: float) -> None:
        self.waited_seconds = waited_seconds
        super().__init__(
            f"The database did not answer for {waited_seconds:.0f} seconds. Look at its log "
            "($APPLYFREE_HOME/postgres/log, or your server's; a full disk is a frequent cause), then run the same "
            "command again: it goes on where it stopped."
        )


class DatabaseFullError(StoreError):
    """The database has no room left."""

    def __init__(self) -> None:
        super().__init__(
            "The disk of the database is full. What was done is kept. Free space ($APPLYFREE_HOME/postgres, or your "
            "server's disk), then run the same command again: it goes on where it stopped."
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


class FencedError(StoreError):
    """The database is not the one that may be written to."""


class OldPrimaryError(FencedError):
    """A primary that another one has replaced."""

    def __init__(self) -> None:
        super().__init__(
            "This server was replaced by another primary: nothing is written to it. Give APPLYFREE_DATABASE_URL the "
            "address of the one in office, and stop this one."
        )


class OtherDatabaseError(FencedError):
    """Not the database that this home belongs to, nor a copy of it."""

    def __init__(self, file: object) -> None:
        super().__init__(
            f"This is not the database of which {file} tells, nor a replica of it. Correct APPLYFREE_DATABASE_URL or "
            "APPLYFREE_HOME; remove the file where a new database is meant."
        )


class LostWritesError(FencedError):
    """A failover lost what had been acknowledged."""

    def __init__(self, file: object) -> None:
        super().__init__(
            "The server in office lacks entries that the one before it had acknowledged, so nothing is delivered. "
            f"Compare the last checkpoints and what was sent with the database, then release {file}."
        )


class ClockSkewError(StoreError):
    """This machine and the database do not agree what time it is."""

    def __init__(self, skew: dt.timedelta) -> None:
        self.skew = skew
        super().__init__(
            f"The clock of this machine is {skew.total_seconds():,.1f} seconds off the database's, or jumps: nothing "
            "is begun. Set both by NTP, then run the same command again."
        )
