"""Where benefits arrive: the household that somebody lives in, or they themselves."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.subjects import PERSON
from rules.paths import Links
from serving.delivery.bundles.model import SubjectKey

HOUSEHOLD = "household"
_LINK = "household_id"


class Homes:
    """Who lives with whom.

    Args:
        links: of everybody.
    """

    def __init__(self, links: Links) -> None:
        persons = links.tables.frames[PERSON]
        self._home_of: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        if _LINK in persons.columns:
            lives = persons.filter(pl.col(_LINK).is_not_null() & (pl.col(_LINK) != NONE))
            self._home_of = dict(lives.select(ID, _LINK).iter_rows())
        for person, home in self._home_of.items():
            self._members.setdefault(home, []).append(person)

    def of(self, subject: SubjectKey) -> SubjectKey:
        """The household of a person; a person without one, and whoever is no person, stands alone."""
        home = self._home_of.get(subject[1]) if subject[0] == PERSON else None
        return subject if home is None else (HOUSEHOLD, home)

    def persons(self, home: SubjectKey) -> Sequence[str]:
        """Who lives there; of a person alone, that person; of an enterprise, nobody."""
        if home[0] == HOUSEHOLD:
            return self._members.get(home[1], [])
        return [home[1]] if home[0] == PERSON else []
