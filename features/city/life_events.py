"""Life events of the last year as DCI-shaped JSON lines, as `features.events` reads them.

An event says only what is still so: what has changed since is the register's to tell. Some events come twice, and some
deaths are told of a namesake and taken back.

Source: Digital Convergence Initiative, interoperability standards, message envelope (header, message) and `notify`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.city.courses import CERTIFICATE
from features.city.deliveries.calendar import Calendar, Round
from features.city.deliveries.faults import Victims
from features.city.households import NOBODY
from features.city.people import EPOCH, day_number
from features.city.quarter import Quarter
from features.facts.subjects import PERSON

YEAR = 365
MOST_LAG_DAYS = 20
SHARE_TWICE = 0.01
SHARE_MISTAKEN = 0.02
"""Of deaths: told of somebody who lives, and taken back."""
_SENDERS = {
    "birth": "public_security", "death": "health", "marriage": "civil_affairs", "move_in": "public_security",
    "disability_certified": "disabled_persons_federation", "graduation": "education",
    "unemployment_registered": "human_resources_social_security",
    "enterprise_founded": "market_regulation", "enterprise_closed": "market_regulation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    day: int
    told: int
    subjects: Mapping[str, str]
    attributes: Mapping[str, object]


class EventFile:
    """The file of life events, partition after partition."""

    def __init__(self, path: Path, calendar: Calendar) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._last = day_number(calendar.day(Round.LATEST))
        self._number = 0
        self._lines = 0
        self.mistaken: list[tuple[int, str]] = []
        """Deaths told of somebody else: the line, and of whom."""

    def write(self, quarter: Quarter, victims: Victims) -> Counter[str]:
        """Write a partition's events.

        Returns:
            How many of each kind.
        """
        rng = np.random.default_rng([quarter.people.partition, 5, len(victims.moved)])
        counts: Counter[str] = Counter()
        events = sorted(
            self._events(quarter, victims), key=lambda event: (event.told, event.kind, *event.subjects.values())
        )
        alive = np.flatnonzero(~quarter.people.dead)
        for event in events:
            counts[event.kind] += 1
            line = self._line(event)
            self._write(line)
            chance = rng.random()
            if chance < SHARE_TWICE:
                self._write(line)
            elif event.kind == "death" and chance < SHARE_TWICE + SHARE_MISTAKEN and len(alive):
                self._mistake(event, quarter.people.ids[int(rng.choice(alive))])
                counts["death taken back"] += 1
        return counts

    def _write(self, line: str) -> None:
        self._file.write(line)
        self._lines += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _mistake(self, event: _Event, namesake: str) -> None:
        """The death is told of somebody else first, and that is reversed."""
        told = self._line(_Event(event.kind, event.day, event.told, {"person": namesake}, {}))
        wrong = f"{_SENDERS[event.kind]}-{self._number}"
        self._write(told)
        self.mistaken.append((self._lines, namesake))
        self._write(self._line(_Event(event.kind, event.day, event.told, {}, {}), reverses=wrong))

    def _line(self, event: _Event, reverses: str | None = None) -> str:
        self._number += 1
        sender = _SENDERS[event.kind]
        message: dict[str, object] = {
            "event_type": event.kind, "event_id": f"{sender}-{self._number}", "version": 1,
            "event_date": _day(event.day).isoformat(),
        }  # fmt: skip
        if reverses is None:
            message |= {"subjects": dict(event.subjects), "attributes": dict(event.attributes)}
        else:
            message["reverses"] = reverses
        header = {
            "message_id": f"m{self._number}", "message_ts": f"{_day(event.told).isoformat()}T17:30:00+08:00",
            "action": "notify", "sender_id": sender,
        }  # fmt: skip
        return json.dumps({"header": header, "message": message}, ensure_ascii=False, separators=(",", ":")) + "\n"

    # -- what happened -------------------------------------------------------------------------------------------------

    def _events(self, quarter: Quarter, victims: Victims) -> Iterator[_Event]:
        yield from self._births(quarter)
        yield from self._deaths(quarter, victims)
        yield from self._marriages(quarter)
        yield from self._moves(quarter, victims)
        yield from self._working_lives(quarter)
        yield from self._certificates(quarter)
        yield from self._enterprises(quarter)

    def _recent(self, days: np.ndarray) -> list[tuple[int, int, int]]:
        """Of those to whom something happened within the year: position, day, and the day on which it was told."""
        at = np.flatnonzero((days > self._last - YEAR) & (days <= self._last - 1))
        return [
            (int(p), int(days[p]), min(self._last, int(days[p]) + 1 + int(days[p] * 7 + p) % MOST_LAG_DAYS)) for p in at
        ]

    def _births(self, quarter: Quarter) -> Iterator[_Event]:
        people, facts = quarter.people, quarter.facts[PERSON]
        order, lawful, kind = facts["birth_order"], facts["birth_lawful"], facts["hukou_type"]
        for at, day, told in self._recent(np.where(people.dead, 0, people.birth)):
            subjects = {"child": people.ids[at]}
            for role, link in (("mother", people.mother), ("father", people.father)):
                if link[at] != NOBODY:
                    subjects[role] = people.ids[int(link[at])]
            attributes: dict[str, object] = {
                "sex": "male" if people.male[at] else "female", "hukou_area": str(people.hukou[at]),
                "hukou_type": kind[at], "birth_lawful": lawful[at],
                "household_id": people.household_ids[int(people.household[at])],
            }  # fmt: skip
            if "mother" in subjects or "father" in subjects:
                attributes["birth_order"] = order[at]
            yield _Event("birth", day, told, subjects, attributes)

    def _deaths(self, quarter: Quarter, victims: Victims) -> Iterator[_Event]:
        people = quarter.people
        for at, day, told in self._recent(people.death):
            yield _Event("death", day, self._last if victims.late_death[at] else told, {"person": people.ids[at]}, {})

    def _marriages(self, quarter: Quarter) -> Iterator[_Event]:
        people = quarter.people
        wives = np.where(people.male | (people.spouse == NOBODY), 0, quarter.days["married"])
        for at, day, told in self._recent(wives):
            yield _Event(
                "marriage", day, told, {"one": people.ids[at], "other": people.ids[int(people.spouse[at])]}, {}
            )

    def _moves(self, quarter: Quarter, victims: Victims) -> Iterator[_Event]:
        people = quarter.people
        moved = np.where(victims.moved | people.dead, 0, quarter.days["moved"])
        for at, day, told in self._recent(moved):
            yield _Event("move_in", day, told, {"person": people.ids[at]}, {"residence_area": str(people.home[at])})

    def _working_lives(self, quarter: Quarter) -> Iterator[_Event]:
        people, facts = quarter.people, quarter.facts[PERSON]
        ids, level = people.ids, facts["highest_qualification"]
        for at, day, told in self._recent(quarter.days["graduated"]):
            yield _Event("graduation", day, told, {"person": ids[at]}, {"highest_qualification": level[at]})
        reason, seeks = facts["termination_reason"], facts["job_seeking_declared"]
        registered = np.where(facts.flags("unemployment_registered"), quarter.days["lost_work"], 0)
        for at, day, told in self._recent(registered):
            yield _Event("unemployment_registered", day, told, {"person": ids[at]},
                         {"termination_reason": reason[at], "job_seeking_declared": seeks[at]})  # fmt: skip

    def _certificates(self, quarter: Quarter) -> Iterator[_Event]:
        people, facts = quarter.people, quarter.facts[PERSON]
        valid = (facts["disability_certificate_status"] == "valid").to_numpy()
        for at, day, told in self._recent(np.where(valid, quarter.days["certified"], 0)):
            attributes = {
                name: _plain(facts[name][at]) for name in CERTIFICATE if name != "disability_certificate_status"
            }
            yield _Event("disability_certified", day, told, {"person": people.ids[at]}, attributes)

    def _enterprises(self, quarter: Quarter) -> Iterator[_Event]:
        employers = quarter.employers
        facts = employers.facts
        kind, area = facts["enterprise_type"], facts["registration_area"]
        founded = np.where(employers.closed > 0, 0, employers.founded)
        for at, day, told in self._recent(founded):
            yield _Event("enterprise_founded", day, told, {"enterprise": facts.ids[at]},
                         {"enterprise_type": kind[at], "registration_area": area[at]})  # fmt: skip
        for at, day, told in self._recent(employers.closed):
            yield _Event("enterprise_closed", day, told, {"enterprise": facts.ids[at]}, {})


def _day(number: int) -> dt.date:
    return EPOCH + dt.timedelta(days=number)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value
