"""How long a case may take: data, in working days, with the law where there is one."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import Wording
from features.yaml_files import read_document
from serving.casework.errors import NotAllowedError
from serving.casework.working_days import WorkingDays


class Kind(enum.StrEnum):
    """What a case is for. Each has its clock in `clocks.yaml`."""

    REVIEW = "review"
    """The engine leaves the answer to a human."""
    OBJECTION = "objection"
    """Somebody says during a public notice that an answer is wrong."""
    APPEAL = "appeal"
    """The subject asks a higher authority."""
    PERSON_WANTED = "person_wanted"
    """The subject wants to speak with a human."""
    AUTOMATION_REFUSED = "automation_refused"
    """The subject wants no machine to decide."""
    RETURNED_PAYMENT = "returned_payment"
    """The bank sent it back."""
    IDENTITY = "identity"
    """Two ids may be one person, or one id two."""
    DOUBLE_GRANT = "double_grant"
    """One person had it under two ids."""
    DEATH = "death"
    """Somebody died between an answer and its payment."""
    CORRECTION = "correction"
    """What it rests on was corrected, or never was."""
    STILL_ENTITLED = "still_entitled"
    """A later answer says something else about what is being delivered."""
    HEARING = "hearing"
    """A case was not decided in time: its subject is heard."""
    VISIT = "visit"
    """Somebody without a phone is called upon."""
    QUALITY_SAMPLE = "quality_sample"
    """An answer is checked by somebody who does not know it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The limits of one kind of case.

    Attributes:
        names: of the kind.
        days: until a decision.
        working: are they working days, or days of the calendar?
        first_touch: working days until a human has taken it up; None: no limit of its own.
        escalated: working days for each further level.
        citizen_waits: does somebody outside wait for it, and is told when it is late?
        because: the law; None: our own limit.
        confirmed: has policy staff confirmed our reading of the law?
    """

    names: Wording
    days: int
    working: bool
    first_touch: int | None
    escalated: tuple[int, ...]
    citizen_waits: bool
    because: str | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """A reason for which a clock stops, and after how many working days it goes on by itself."""

    names: Wording
    most_working_days: int


@dataclass(frozen=True, slots=True, eq=False)
class Clocks:
    """All clocks, and the calendar by which they run."""

    days: WorkingDays
    levels: Mapping[str, Wording]
    kinds: Mapping[Kind, Clock]
    tickets: Mapping[str, int]
    pauses: Mapping[str, Pause]

    def due(self, kind: Kind, opened_at: dt.datetime) -> dt.datetime:
        """By when a case that is opened now is decided: the end of that day."""
        clock, day = self.kinds[kind], self.days.day_of(opened_at)
        if clock.working:
            return self.days.end_of(self.days.after(day, clock.days))
        last = day + dt.timedelta(days=clock.days)
        # A limit that ends on a day off ends on the next working day (民法典第二百零三条).
        return self.days.end_of(last if self.days.is_working(last) else self.days.after(last, 1))

    def first_touch_due(self, kind: Kind, opened_at: dt.datetime) -> dt.datetime | None:
        """By when a human has taken it up; None: no limit of its own."""
        limit = self.kinds[kind].first_touch
        return None if limit is None else self.in_working_days(opened_at, limit)

    def in_working_days(self, at: dt.datetime, count: int) -> dt.datetime:
        """The end of the count-th working day after a moment's."""
        return self.days.end_of(self.days.after(self.days.day_of(at), count))

    def ticket_due(self, kind: str, at: dt.datetime) -> dt.date:
        """By which day a ticket is answered."""
        return self.days.after(self.days.day_of(at), self.tickets[kind])

    def resumed(self, due_at: dt.datetime, paused_at: dt.datetime, at: dt.datetime) -> dt.datetime:
        """When a case is due whose clock goes on now: it has the working days that it had left, at least one."""
        last = self.days.day_of(due_at - dt.timedelta(microseconds=1))
        left = self.days.between(self.days.day_of(paused_at), last)
        return max(due_at, self.in_working_days(at, max(1, left)))

    def pause(self, code: str) -> Pause:
        """A reason to stop a clock.

        Raises:
            NotAllowedError: it is none.
        """
        if code not in self.pauses:
            raise NotAllowedError(
                f"`{code}` is no reason to stop a clock. " + doc.nearest_advice(code, self.pauses, "Reasons are: ")
            )
        return self.pauses[code]


@cache
def shipped_clocks() -> Clocks:
    """Those of `clocks.yaml`."""
    return load_clocks(Path(str(resources.files("serving.casework") / "clocks.yaml")))


def load_clocks(path: Path) -> Clocks:
    """Read clocks from a file.

    Raises:
        DocumentError: a kind has no clock, a level no limit, or something is not as it should be.
    """
    document = read_document(path)
    document.expect(("calendar", "zone", "levels", "kinds", "tickets", "pauses"), what="clocks.yaml")
    get = document.entries
    levels: dict[str, Wording] = {}
    for node in doc.sequence_of(get["levels"], "levels"):
        entry = doc.mapping_of(node, "a level")
        entry.expect(("id", "names"), what="a level")
        levels[doc.text_of(entry.entries["id"], "id")] = doc.wording_of(entry.entries["names"], "names")
    kinds = doc.mapping_of(get["kinds"], "kinds")
    kinds.expect([kind.value for kind in Kind], what="kinds")
    tickets = doc.mapping_of(get["tickets"], "tickets")
    tickets.expect(("rule", "correction"), what="tickets")
    return Clocks(
        WorkingDays(doc.text_of(get["calendar"], "calendar"), doc.text_of(get["zone"], "zone")),
        levels,
        {kind: _clock(kinds.entries[kind.value], kind.value, len(levels) - 1) for kind in Kind},
        {name: _ticket_days(node, name) for name, node in tickets.entries.items()},
        {name: _pause(node, name) for name, node in doc.mapping_of(get["pauses"], "pauses").entries.items()},
    )


def _clock(node: doc.Node, what: str, levels: int) -> Clock:
    entry = doc.mapping_of(node, what)
    optional = ("working_days", "calendar_days", "first_touch", "because", "confirmed")
    entry.expect(("names", "escalated", "citizen_waits"), optional, what=what)
    get = entry.entries
    if ("working_days" in get) == ("calendar_days" in get):
        raise doc.DocumentError(entry.place, f"`{what}` needs one limit.", "Write working_days or calendar_days.")
    working = "working_days" in get
    name = "working_days" if working else "calendar_days"
    escalated = tuple(_days(item, "escalated") for item in doc.sequence_of(get["escalated"], "escalated"))
    if len(escalated) != levels:
        raise doc.DocumentError(entry.place, f"`{what}` has no limit for each level.", f"Write {levels} numbers.")
    return Clock(
        doc.wording_of(get["names"], "names"),
        _days(get[name], name),
        working,
        _days(get["first_touch"], "first_touch") if "first_touch" in get else None,
        escalated,
        doc.boolean_of(get["citizen_waits"], "citizen_waits"),
        doc.text_of(get["because"], "because") if "because" in get else None,
        "confirmed" not in get or doc.boolean_of(get["confirmed"], "confirmed"),
    )


def _ticket_days(node: doc.Node, what: str) -> int:
    entry = doc.mapping_of(node, what)
    entry.expect(("working_days",), ("because", "confirmed"), what=what)
    return _days(entry.entries["working_days"], "working_days")


def _pause(node: doc.Node, what: str) -> Pause:
    entry = doc.mapping_of(node, what)
    entry.expect(("names", "most_working_days"), what=what)
    return Pause(
        doc.wording_of(entry.entries["names"], "names"), _days(entry.entries["most_working_days"], "most_working_days")
    )


def _days(node: doc.Node, what: str) -> int:
    count = doc.integer_of(node, what)
    if count < 1:
        raise doc.DocumentError(node.place, f"`{what}` is {count}.", "A limit is at least one day.")
    return count
