"""When departments deliver, and which of their tables they deliver more than once."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass


class Round(enum.Enum):
    """One of the days on which departments deliver."""

    EARLIER = "earlier"
    OPENING = "opening"
    LATEST = "latest"


DAYS_BEFORE = {Round.EARLIER: 500, Round.OPENING: 45, Round.LATEST: 1}
"""How long before the day on which the city is looked at a delivery speaks."""

DELIVERED_TWICE = frozenset(
    {
        "public_security.residents", "public_security.residence", "public_security.deaths", "health.vital_status",
        "disabled_persons_federation.certificates", "civil_affairs.assistance", "civil_affairs.household_checks",
        "healthcare_security.insured", "education.students", "human_resources_social_security.employment",
        "human_resources_social_security.unemployment", "human_resources_social_security.pensions", "finance.accounts",
    }
)  # fmt: skip
"""Tables with an opening and a latest delivery; the others come once, with the latest."""
CHECKED_EARLIER = frozenset({"civil_affairs.household_checks"})
"""Tables of which an old delivery is all that is known of some."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the rounds, for a city looked at on `today`."""

    today: dt.date

    def day(self, of: Round) -> dt.date:
        """The day for which the deliveries of a round speak."""
        return self.today - dt.timedelta(days=DAYS_BEFORE[of])

    @staticmethod
    def rounds(table: str) -> tuple[Round, ...]:
        """The rounds in which a table is delivered."""
        rounds = (Round.OPENING, Round.LATEST) if table in DELIVERED_TWICE else (Round.LATEST,)
        return (Round.EARLIER, *rounds) if table in CHECKED_EARLIER else rounds
