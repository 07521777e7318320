"""The daily look at registers: degraded ones demote the benefits that hang on them alone, mended ones promote them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Connection

from features.history.records import View
from rules.rulebook import Rulebook
from serving import log
from serving.delivery.demotions import Settled, settle
from serving.delivery.health import (
    MeasuredError,
    demoted_for_error,
    demoted_for_registers,
    facts_read,
    hanging_on,
    health,
)
from serving.delivery.terms import Programmes
from serving.loading import kept_loads
from serving.store.sweeps import Sweep
from serving.sweep.account import Account


def look_after_registers(
    connection: Connection,
    records: Path,
    rulebook: Rulebook,
    views: Iterable[View],
    programmes: Programmes,
    on_date: dt.date,
    now: dt.datetime,
    *,
    sweep: Sweep | None = None,
    measured: Sequence[MeasuredError] = (),
) -> Settled:
    """Find how the registers are and put it into effect, within the caller's transaction.

    Args:
        connection: of the database.
        records: where each load leaves its report ($APPLYFREE_HOME/loads).
        rulebook: the rules in force.
        views: of the history.
        programmes: the operating terms: they have the limits of measured errors.
        on_date: the day.
        now: the moment.
        sweep: the last one: facts of which its check found that the stores have parted degrade their registers.
        measured: what blind samples measured; of a programme that is not among them nothing new is known, so that it
            stays demoted if it was.
    """
    known = tuple(views)
    check = None if sweep is None else Account.read(sweep.account).check
    parted = () if check is None or check.passed else check.facts
    troubles = health(known, kept_loads(records), rulebook.vocabulary, facts_read(rulebook, on_date), on_date, parted)
    wanted = [
        *demoted_for_registers(hanging_on(rulebook, known, on_date), troubles),
        *demoted_for_error(programmes, measured),
    ]
    settled = settle(connection, troubles, wanted, [one.benefit for one in measured], now)
    for register, state in settled.registers:
        log.info("register_health_changed", register=register, state=state)
    if settled.demoted or settled.promoted:
        log.info("benefits_demoted_or_promoted", demoted=len(settled.demoted), promoted=len(settled.promoted))
    return settled
