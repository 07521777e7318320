"""What can go wrong with background work."""

from __future__ import annotations

from serving.errors import ServingError


class BackgroundError(ServingError):
    """Background work cannot be done."""


class TaskFailedError(BackgroundError):
    """A task failed; what went wrong is told by kind alone, since its words may hold somebody's data."""

    def __init__(self, task: str, kind: str) -> None:
        self.task, self.kind = task, kind
        super().__init__(
            f"The task {task} failed with {kind}. It is tried again; if it goes on failing, look for what it needs."
        )
