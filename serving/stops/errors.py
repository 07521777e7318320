"""What stop buttons refuse."""

from __future__ import annotations

from serving.errors import ServingError


class StopsError(ServingError):
    """A stop button cannot do what it was asked."""


class UnknownStopError(StopsError):
    """There is no such stop, or it is released already."""

    def __init__(self, stop: int) -> None:
        self.stop = stop
        super().__init__(f"No stop {stop} is pressed: it was released, or never was. Read the list of stops again.")


class SamePersonError(StopsError):
    """One person tried to release a stop twice."""

    def __init__(self, stop: int) -> None:
        self.stop = stop
        super().__init__(
            f"Stop {stop} is waiting for a second person: whoever took the first step cannot take the second one too. "
            "Ask a colleague to look at it and release it."
        )
