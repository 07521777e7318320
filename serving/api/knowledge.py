"""The answers of the last sweep, and why: rulebook, explainer and dossiers of one sweep, until there is another."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from explain.compose import Explainer
from explain.explanation import Explanation
from features.facts.population import NONE
from features.facts.subjects import PERSON
from rules.catalogue import Catalogue, load_catalogue
from rules.rulebook import Rulebook
from serving.errors import ServingError
from serving.evaluation import sound_rulebook
from serving.sweep.dossiers.content import Dossier, Dossiers
from serving.sweep.dossiers.explaining import DossierExplainer
from serving.sweep.dossiers.filing import Filed, filed, loaded
from serving.sweep.rulebooks import CATALOGUE, FACTS

Key = tuple[str, str]
MOST_HELD = 64
"""So many dossiers are held at once: those of one request, and of who asks several times."""
_LOOK_AGAIN = dt.timedelta(seconds=5)


class NotReadyError(ServingError):
    """There is nothing to answer from: no sweep is complete, or its dossiers are being written."""

    def __init__(self) -> None:
        super().__init__("There are no answers yet. Run `applyfree sweep`, then `applyfree serve`.")


@dataclass(frozen=True, slots=True)
class Standing:
    """One answer of a subject, as the last sweep that looked left it.

    Attributes:
        benefit: which.
        version: of the benefit.
        outcome: eligible, ineligible or undetermined.
        amount, amount_low, amount_high: figures in text; None where there is none, or no bound.
        per, unit: of the figures.
        unmet, missing: clauses and facts.
        next_change: the first day on which it may change by itself.
        sweep: that made it.
        on_date: of which day it speaks.
        tier: how it may be delivered; None: nothing is to be delivered, or it was not weighed yet.
        reasons: of the tier.
    """

    benefit: str
    version: str
    outcome: str
    amount: str | None
    amount_low: str | None
    amount_high: str | None
    per: str
    unit: str
    unmet: list[str]
    missing: list[str]
    next_change: dt.date | None
    sweep: int
    on_date: dt.date
    tier: str | None
    reasons: list[dict[str, object]] | None


@dataclass(frozen=True, slots=True)
class _Held:
    of: Filed
    explaining: DossierExplainer
    catalogue: Catalogue


class Knowledge:
    """Answers from what was swept.

    Args:
        home: where rulebooks are kept.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._held: _Held | None = None
        self._looked: dt.datetime | None = None
        self._lock = threading.Lock()
        self._read: OrderedDict[tuple[int, Key], Dossier] = OrderedDict()

    def current(self, connection: Connection, now: dt.datetime) -> DossierExplainer:
        """What explains the answers of the sweep whose dossiers there are.

        Raises:
            NotReadyError: there are none.
        """
        if (held := self._fresh(now)) is not None:
            return held.explaining
        with self._lock:
            if (held := self._fresh(now)) is not None:  # somebody looked while we waited
                return held.explaining
            of = filed(connection)
            if of is None:
                raise NotReadyError
            if self._held is None or self._held.of != of:
                self._held = self._load(of)
            self._looked = now
            return self._held.explaining

    def _fresh(self, now: dt.datetime) -> _Held | None:
        is_fresh = self._looked is not None and now - self._looked < _LOOK_AGAIN
        return self._held if is_fresh else None

    def catalogue(self, connection: Connection, now: dt.datetime) -> Catalogue:
        """The benefits as they are written.

        Raises:
            NotReadyError: there is no sweep yet.
        """
        self.current(connection, now)
        assert self._held is not None
        return self._held.catalogue

    def rulebook(self, connection: Connection, now: dt.datetime) -> Rulebook:
        """The rulebook of the sweep.

        Raises:
            NotReadyError: there is no sweep yet.
        """
        return self.current(connection, now).rulebook

    def is_ready(self, connection: Connection) -> bool:
        """Is there anything to answer from?"""
        return filed(connection) is not None

    def forget(self) -> None:
        """Look again at the next question."""
        self._looked = None

    def _load(self, of: Filed) -> _Held:
        folder = self._home / "rulebooks" / of.rulebook
        catalogue = load_catalogue(folder / CATALOGUE, folder / FACTS)
        explainer = Explainer(catalogue, sound_rulebook(catalogue))
        return _Held(of, DossierExplainer(explainer, of.on_date, of.known_at), catalogue)

    def dossiers(self, connection: Connection, wanted: Collection[Key], now: dt.datetime) -> Dossiers:
        """The dossiers of some subjects, of those there are; the last ones that were read need not be read again."""
        self.current(connection, now)
        assert self._held is not None
        sweep = self._held.of.sweep
        with self._lock:
            found = {key: self._read[sweep, key] for key in wanted if (sweep, key) in self._read}
        lacking = [key for key in wanted if key not in found]
        if lacking:
            new = loaded(connection, lacking)
            with self._lock:
                self._read.update({(sweep, key): one for key, one in new.items()})
                while len(self._read) > MOST_HELD:
                    self._read.popitem(last=False)
            found |= new
        return found

    def explained(self, connection: Connection, benefit: str, subject: str, now: dt.datetime) -> Explanation | None:
        """Why the answer is as it is; None: there is nobody of this id.

        Raises:
            NotReadyError: there are no dossiers.
        """
        explaining = self.current(connection, now)
        kind = explaining.rulebook.benefits[benefit].benefit.subject

        def load(wanted: Collection[Key]) -> Dossiers:
            return self.dossiers(connection, wanted, now)

        found = load([(kind, subject)]).get((kind, subject))
        if found is None or not found.listed:
            return None
        return explaining.explained(benefit, subject, load)

    def groups_of(self, connection: Connection, person: str, now: dt.datetime) -> frozenset[str]:
        """The households and other groups that a person belongs to, as `kind:id`."""
        found = self.dossiers(connection, [(PERSON, person)], now).get((PERSON, person))
        if found is None:
            return frozenset()
        groups = self.rulebook(connection, now).vocabulary.subjects.groups.values()
        links = ((group.name, found.links.get(group.link)) for group in groups if group.name != "enterprise")
        return frozenset(f"{kind}:{target}" for kind, target in links if target not in (None, NONE))

    def district_of(self, connection: Connection, kind: str, subject: str, now: dt.datetime) -> str | None:
        """Where a subject is at home, as registers say; None where none says."""
        found = self.dossiers(connection, [(kind, subject)], now).get((kind, subject))
        if found is None:
            return None
        read: Dossier = found
        for fact in _HOME.get(kind, ()):
            if read.facts.get(fact) is not None:
                return str(read.facts[fact])
        return None


_HOME = {
    PERSON: ("residence_area", "hukou_area"),
    "household": ("household_area",),
    "enterprise": ("registration_area",),
}
"""As :mod:`serving.day.districts` says it."""

_STANDINGS = text("""
    SELECT t.benefit, t.version, t.outcome, t.amount::text, t.amount_low::text, t.amount_high::text, t.per, t.unit,
           t.unmet, t.missing, t.next_change, t.sweep, w.on_date, t.effective_tier, t.reasons
    FROM current_tier t JOIN sweep w ON w.id = t.sweep
    WHERE t.subject = :kind AND t.id = :subject ORDER BY t.benefit
""")


def standings_of(connection: Connection, kind: str, subject: str) -> list[Standing]:
    """All answers of a subject, those among them that are no."""
    rows = connection.execute(_STANDINGS, {"kind": kind, "subject": subject})
    return [Standing(*row) for row in rows]
