"""The sender: claims, commits, calls, commits the result. It may be killed at any point, and there may be many."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, Engine

from serving import log
from serving.errors import ServingError
from serving.outbox.claims import begin_call, claim, put_back, recover, settle
from serving.outbox.deliveries import Delivery
from serving.outbox.patience import Pauses, while_database_is_away
from serving.outbox.providers import Answer, Provider, Reply

Result = TypeVar("Result")
SENT, IN_DOUBT, FAILED, AGAIN, RESTED, OVERTAKEN = "sent", "in_doubt", "failed", "again", "rested", "overtaken"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sender works.

    Args:
        batch: deliveries claimed at a time.
        lease: after which others may take what it holds; longer than any call lasts.
        idle: how long it waits where nothing is due; the pause after which a release is noticed.
        pauses: between calls for one delivery.
    """

    batch: int = 20
    lease: dt.timedelta = dt.timedelta(minutes=2)
    idle: dt.timedelta = dt.timedelta(seconds=1)
    pauses: Pauses = field(default_factory=Pauses)


class Sender:
    """Hands deliveries to their providers, one after the other.

    Args:
        engine: of the database.
        providers: one per channel; deliveries of other channels are left alone.
        now: tells the moment.
        rng: for the pauses.
        manner: how.
        guard: looked at before each batch; while it raises a ServingError nothing is delivered (a database that lost
            what was acknowledged: :mod:`serving.store.fence`).
    """

    def __init__(
        self,
        engine: Engine,
        providers: Sequence[Provider],
        now: Callable[[], dt.datetime],
        rng: random.Random,
        manner: Manner = Manner(),
        guard: Callable[[], None] | None = None,
    ) -> None:
        self._engine, self._now, self._rng, self._manner = engine, now, rng, manner
        self._providers = {provider.channel: provider for provider in providers}
        self._repeatable = [provider.channel for provider in providers if provider.may_repeat]
        self._guard, self._ended = guard, threading.Event()

    def run(self) -> None:
        """Work until :meth:`end`; wait for a database that is away."""
        while not self._ended.is_set():
            tally = self._patiently(self.run_once)
            if not sum(tally.values()):
                self._ended.wait(self._manner.idle.total_seconds())

    def end(self) -> None:
        """Let the call that runs come to its end, and begin no other."""
        self._ended.set()

    def run_once(self) -> Counter[str]:
        """Take back what dead senders held, claim one batch, and deliver it.

        Returns:
            How many were sent, are in doubt, failed, are to be tried again, rested (stopped) or overtaken (somebody
            else has the claim).
        """
        if not self._is_whole():
            return Counter()
        channels = list(self._providers)
        with self._engine.begin() as connection:
            lost = recover(connection, channels, self._repeatable, self._now())
        with self._engine.begin() as connection:
            batch = claim(connection, channels, self._manner.batch, self._now(), self._manner.lease)
        tally = Counter(self._deliver(one) for one in batch)
        if tally or lost:
            log.info("outbox_batch", written=tally[SENT], waiting=tally[AGAIN], dead=tally[FAILED] + tally[IN_DOUBT])
        return tally

    def _is_whole(self) -> bool:
        try:
            if self._guard is not None:
                self._guard()
        except ServingError as error:
            log.error("delivery_is_guarded", outcome=type(error).__name__)
            return False
        return True

    def _deliver(self, one: Delivery) -> str:
        begun = None
        if not self._ended.is_set():
            with self._engine.begin() as connection:
                begun = begin_call(connection, one, self._now(), self._manner.lease)
        if begun is None:
            with self._engine.begin() as connection:
                return RESTED if put_back(connection, one) else OVERTAKEN
        # Committed: no row is locked and no transaction open while the provider takes its time.
        reply = self._call(one)
        return self._patiently(lambda: self._note(one, reply))

    def _call(self, one: Delivery) -> Reply:
        try:
            return self._providers[one.channel].deliver(one)
        except Exception:  # noqa: BLE001 an edge: whatever a provider's code raises, nobody knows what it had done
            log.error("provider_failed", where=one.channel)
            return Reply(Answer.UNKNOWN, trouble="provider_raised")

    def _note(self, one: Delivery, reply: Reply) -> str:
        with self._engine.begin() as connection:
            return self._end_of(connection, one, reply)

    def _end_of(self, connection: Connection, one: Delivery, reply: Reply) -> str:
        now, calls = self._now(), one.attempts + 1
        doubtful, unknown = one.doubtful or reply.answer is Answer.UNKNOWN, reply.answer is Answer.UNKNOWN
        may_repeat = self._providers[one.channel].may_repeat
        more = calls < self._manner.pauses.most_attempts
        if reply.answer is Answer.TAKEN:
            state = SENT
        elif more and (reply.answer is Answer.NOT_TAKEN or (unknown and may_repeat)):
            pause = self._manner.pauses.after(calls, self._rng, reply.wait)
            written = put_back(connection, one, now + pause, reply.trouble, doubtful=unknown)
            return AGAIN if written else OVERTAKEN
        else:
            # Refused after a call of which nobody knows the end: it may have arrived by that one.
            state = IN_DOUBT if doubtful else FAILED
        written = settle(
            connection, one, state, now, trouble=reply.trouble, reference=reply.reference, doubtful=unknown
        )
        return state if written else OVERTAKEN

    def _patiently(self, work: Callable[[], Result]) -> Result:
        return while_database_is_away(self._ended)(work)
