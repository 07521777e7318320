"""The online store of a home: told whenever something is learned, and compared with the history before it counts.

Where no online store is set up (docs/feature_store.md), nothing here reads a rule, opens a file or a connection.
"""

from __future__ import annotations

import datetime as dt
import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from features.facts.vocabulary import Vocabulary
from features.history.history import History
from features.history.records import View
from features.store.backends.place import Place
from features.store.catching_up import CaughtUp, catch_up, is_current, read_mark
from features.store.errors import StoreError
from features.store.filling import OnlineFiller
from features.store.places import open_place, place_name
from features.store.purposes import Purpose, Purposes, kept_views
from features.store.reading import OnlineFacts
from features.store.settings import EMBEDDED, online_choice, read_settings
from features.store.skew import Skew, SkewError, compare, sample
from rules.catalogue import load_catalogue
from rules.rulebook import Rulebook
from serving import settings
from serving.catalogues import as_shown, shipped_catalogues
from serving.evaluation import sound_rulebook
from serving.purposes import active_purposes
from serving.store.server import open_server
from serving.store.sweeps import Sweep
from serving.sweep.account import Check
from serving.sweep.run import Guard
from serving.views import views_of

LOCK = "online.lock"
COMPARING = "control__stores"
"""The purpose of comparing the stores: it reads what any purpose reads, and tells counts alone, never a value."""


@dataclass(frozen=True, slots=True)
class OnlineStore:
    """An online store that is set up.

    Attributes:
        filler: writes the history's facts into it.
        history: what it is filled from.
        lock: held while it is written, so that one process writes at a time.
    """

    filler: OnlineFiller
    history: History
    lock: Path

    def catch_up(self, now: dt.datetime, *, anew: bool = False) -> CaughtUp:
        """Write what the store does not know yet; see :func:`features.store.catching_up.catch_up`.

        Raises:
            StoreUnreachableError: its server does not answer; nothing is lost.
        """
        with self.lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            return catch_up(self.filler, now, anew=anew)

    def is_current(self) -> bool:
        """Does it hold all that the history knows?"""
        return is_current(self.filler)

    def facts(self, purposes: Purposes, now: dt.datetime) -> OnlineFacts:
        """Reads facts by purpose; what was learned since the last push is pushed first, so nothing read is outdated.

        Raises:
            StoreUnreachableError: its server does not answer.
        """
        if not self.is_current():
            self.catch_up(now)
        return OnlineFacts(self.filler.place, self.history.vocabulary, purposes, self.filler.views)

    def compared(self, on_date: dt.date, seed: int, now: dt.datetime) -> list[Skew]:
        """Of each kind of subject, a sample (all, where they are few) with all its facts, beside the history (F22).

        Args:
            on_date: the day of the facts; today, where it is past: the store answers for no day that is past.
            seed: draws the sample.
            now: this moment.

        Raises:
            StoreUnreachableError: its server does not answer.
        """
        known_at = self.catch_up(now).known_at
        views = self.filler.views
        reads = frozenset((view.kind, fact) for view in views for fact in view.facts)
        purposes = Purposes({COMPARING: Purpose(COMPARING, reads)})
        online = OnlineFacts(self.filler.place, self.history.vocabulary, purposes, views)
        day = max(on_date, known_at.date())
        found: list[Skew] = []
        for kind in dict.fromkeys(view.kind for view in views):
            ids = self.history.subjects(kind, known_at).to_list()
            if ids:
                drawn = sample(ids, seed)
                skew = compare(online, self.history, COMPARING, kind, drawn, day, known_at, len(ids))
                found.append(replace(skew, purpose=kind))
        return found


@contextmanager
def online_store(
    home: Path,
    vocabulary: Vocabulary,
    on_date: dt.date,
    rulebook: Rulebook | None = None,
    embedded: str | None = None,
) -> Iterator[OnlineStore | None]:
    """The online store of a home; None where none is set up.

    Args:
        home: $APPLYFREE_HOME.
        vocabulary: of the jurisdiction.
        on_date: what is in force on this day is read.
        rulebook: what it and the models read is kept. None: what the store keeps already, so that no rule need be
            read; where it was never filled, what the jurisdiction's shipped catalogue reads.
        embedded: the server that `embedded` means, where the caller has it open already.

    Raises:
        StoreError: a setting is wrong.
        StoreUnreachableError: the store's server does not answer.
    """
    choice = online_choice(home)
    if choice is None:
        yield None
        return
    with ExitStack() as opened:
        if choice == EMBEDDED and embedded is None:
            server = open_server(settings.database_url(), home)
            opened.callback(server.close)
            embedded = server.url
        stores = read_settings(home, embedded or "")
        place = open_place(stores.online, place_name(stores))
        opened.callback(place.close)
        place.prepare()
        history = History(home / "history", vocabulary, views_of(vocabulary))
        views = _kept(place, history, on_date, rulebook)
        yield OnlineStore(OnlineFiller(place, history, vocabulary, views), history, home / LOCK)


def push(home: Path, vocabulary: Vocabulary, now: dt.datetime) -> CaughtUp | None:
    """After something was loaded: tell the online store. None where none is set up.

    Raises:
        StoreError: a setting is wrong.
        StoreUnreachableError: the store's server does not answer. The next push goes on from where the store stood.
    """
    with online_store(home, vocabulary, now.date()) as store:
        return None if store is None else store.catch_up(now)


def _kept(place: Place, history: History, on_date: dt.date, rulebook: Rulebook | None) -> tuple[View, ...]:
    if rulebook is None:
        mark = read_mark(place)
        if mark is not None:
            return mark.views(history.views.values())
        rulebook = sound_rulebook(load_catalogue(as_shown(shipped_catalogues() / history.vocabulary.jurisdiction)))
    return kept_views(history.views.values(), active_purposes(rulebook, on_date))


def stores_agree(home: Path, rulebook: Rulebook, embedded: str, now: Callable[[], dt.datetime]) -> Guard:
    """Before a sweep's answers may be of automatic grade: does the online store say what the history says?

    What cannot be compared has not passed. Where no online store is set up there is nothing to compare.

    Args:
        home: $APPLYFREE_HOME.
        rulebook: what it reads is what the store is to hold.
        embedded: the server of the determinations.
        now: the clock.
    """

    def guard(sweep: Sweep) -> Check | None:
        said: list[str] = []
        try:
            with online_store(home, rulebook.vocabulary, sweep.on_date, rulebook, embedded) as store:
                if store is None:
                    return None
                for skew in store.compared(sweep.on_date, sweep.id, now()):
                    said.append(skew.said)
                    skew.require()
        except SkewError as error:
            return Check(passed=False, said=tuple(said), facts=tuple(sorted(error.skew.facts)))
        except StoreError as error:
            return Check(passed=False, said=(str(error),))
        return Check(passed=True, said=tuple(said))

    return guard
