"""Waiting before trying again: longer each time, and never all at the same moment."""

from __future__ import annotations

import datetime as dt
import random
import threading
from dataclasses import dataclass

import psycopg
import sqlalchemy.exc
import tenacity


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait between two calls for one delivery.

    Args:
        first: the longest pause after the first call.
        longest: no pause is longer.
        most_attempts: so many calls; then a human is asked.

    Source:
        gates.md, F23 (48 times, five minutes at most, as GOV.UK Notify); full jitter: Brooker, Exponential Backoff And
        Jitter (AWS Architecture Blog, 2015): among clients that all failed at one moment it makes the fewest calls.
    """

    first: dt.timedelta = dt.timedelta(seconds=5)
    longest: dt.timedelta = dt.timedelta(minutes=5)
    most_attempts: int = 48

    def after(self, attempts: int, rng: random.Random, asked: dt.timedelta | None = None) -> dt.timedelta:
        """The pause after so many calls: anything up to twice the bound of the one before, on top of what was asked."""
        bound = min(self.first * (1 << min(attempts - 1, 30)), self.longest)
        return (asked or dt.timedelta()) + bound * rng.random()


def database_is_away(error: BaseException) -> bool:
    """Whether a statement failed for want of a server, and may be tried again when there is one."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | sqlalchemy.exc.TimeoutError)


def while_database_is_away(
    ended: threading.Event, *, longest_seconds: float = 5.0, give_up_seconds: float | None = None
) -> tenacity.Retrying:
    """Try a transaction again until the database is back: with pauses at random, so that not all come back at once.

    Args:
        ended: set to give up, and to wake whoever waits.
        longest_seconds: the longest pause.
        give_up_seconds: after which the last error is raised; None: never.
    """
    stop = tenacity.stop_when_event_set(ended)
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(database_is_away),
        wait=tenacity.wait_random_exponential(multiplier=0.1, max=longest_seconds),
        stop=stop if give_up_seconds is None else tenacity.stop_any(stop, tenacity.stop_after_delay(give_up_seconds)),
        sleep=tenacity.sleep_using_event(ended),
        reraise=True,
    )
