"""What can go wrong in a sweep."""

from __future__ import annotations

import datetime as dt

from serving.errors import ServingError


class SweepError(ServingError):
    """A sweep cannot be made, or must not go on."""


class SweepBusyError(SweepError):
    """Another process is sweeping this jurisdiction."""

    def __init__(self, sweep: int | None) -> None:
        self.sweep = sweep
        which = f"sweep {sweep}" if sweep is not None else "a sweep"
        super().__init__(f"Another process is at work on {which}. Nothing to do here: it goes on by itself.")


class SweepBackwardsError(SweepError):
    """Sweeps go forward: each builds on the last."""

    def __init__(self, what: str, asked: dt.date | dt.datetime, last: dt.date | dt.datetime) -> None:
        self.what, self.asked, self.last = what, asked, last
        super().__init__(
            f"The last sweep was made for {what} {last}, this one asks for {asked}. Sweeps go forward. "
            "To see what was found for an earlier day, use `applyfree replay`."
        )


class CountIdentityError(SweepError):
    """Subjects went in and did not come out: what was written would not be everybody's."""

    def __init__(self, where: str, went_in: int, came_out: int, quarantined: int) -> None:
        self.where, self.went_in, self.came_out, self.quarantined = where, went_in, came_out, quarantined
        super().__init__(
            f"{where}: {went_in:,} subjects went in, {came_out:,} were answered and {quarantined:,} are quarantined. "
            "The sweep stopped; nothing of this chunk was written. Report this: it is a mistake of the program."
        )


class AutomaticStoppedError(SweepError):
    """What was looked at before answers may be of automatic grade did not pass: a person looks at each of them."""

    def __init__(self, said: tuple[str, ...]) -> None:
        self.said = said
        super().__init__(f"Nothing of this sweep may be delivered automatically. {' '.join(said)}")


class RulebookGoneError(SweepError):
    """The files of a rulebook are not where they were kept, or are not what they were."""

    def __init__(self, content_hash: str, found: str | None) -> None:
        self.content_hash, self.found = content_hash, found
        what = "is missing" if found is None else f"now has the content {found[:12]}…"
        super().__init__(
            f"The rulebook {content_hash[:12]}… that the sweep is pinned to {what}. "
            "Restore $APPLYFREE_HOME/rulebooks from a backup, then run the same command again."
        )
