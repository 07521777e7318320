"""What stops a day's run."""

from __future__ import annotations

from serving.errors import ServingError


class DayError(ServingError):
    """What follows a sweep cannot be done."""


class CountsDifferError(DayError):
    """Determinations went in and did not come out: nothing is delivered."""

    def __init__(self, counted: int, found: int) -> None:
        self.counted, self.found = counted, found
        super().__init__(
            f"The sweep counted {counted:,} determinations, {found:,} have a tier: nothing is delivered. Run "
            "`applyfree sweep --full`, then `applyfree deliver` again; if they still differ, keep the database as it "
            "is and look for what was changed by hand."
        )
