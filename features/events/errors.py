"""What can go wrong with life events as a whole; a single line that cannot be read is set aside, not raised."""

from __future__ import annotations

from pathlib import Path

from features.errors import FeaturesError


class EventsError(FeaturesError):
    """Life events cannot be taken in as things stand."""


class LogInUseError(EventsError):
    """Another process is writing to the event log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder}: the event log is being written to. Wait until the other load has ended.")


class BrokenLogError(EventsError):
    """The event log is not as it was written."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}. Restore the folder from a copy: the log is the only record of its events.")
