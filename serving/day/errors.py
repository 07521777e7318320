"""What stops a day's run."""

from __future__ import annotations

from collections.abc import Mapping

from serving.errors import ServingError


class DayError(ServingError):
    """What follows a sweep cannot be done."""


class CountsDifferError(DayError):
    """Something went into a hand-over and did not come out: nothing is delivered."""

    def __init__(self, where: str, came: int, went: Mapping[str, int]) -> None:
        self.where, self.came, self.went = where, came, dict(went)
        told = ", ".join(f"{name} {count:,}" for name, count in went.items())
        super().__init__(
            f"The counts differ, {where}: {came:,} came, {sum(went.values()):,} went on ({told}). Nothing more is "
            "delivered. Run `applyfree sweep --full`, then `applyfree deliver` again; if they still differ, keep the "
            "database as it is and look for what was changed by hand."
        )


class DeliveringBusyError(DayError):
    """Another process is at it."""

    def __init__(self) -> None:
        super().__init__(
            "Another process delivers what the last sweep found. There is nothing to do here: wait until it is done; "
            "if it was killed, run `applyfree deliver` again, and it goes on where that one stopped."
        )
