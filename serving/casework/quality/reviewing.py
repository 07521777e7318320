"""Reviewing a blind sample: facts only, one's own result first, then what the engine said.

Who reviews had no part in the case; PostgreSQL holds that. They are not told from which stratum a case comes, for that
would tell its outcome, and no fact that says whether this very benefit is received.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, insert, select

from rules.determination import Outcome
from serving.casework.citizen.opening import intend
from serving.casework.errors import NotFoundError, SampleError
from serving.casework.moves import refusals
from serving.casework.sealing import OwnWords
from serving.store.tables.quality import sample, sample_answer, sample_review


@dataclass(frozen=True, slots=True)
class ShownFact:
    """One fact as a reviewer sees it.

    Attributes:
        fact: its id.
        value: as it is written; None: not known.
        source: the register that told it.
        true_on: the day it was true.
        gap: why it is not known.
    """

    fact: str
    value: str | None
    source: str | None
    true_on: dt.date | None
    gap: str | None = None


ReadFacts = Callable[[str, str, str, dt.date, int], Sequence[ShownFact]]
"""The facts about a subject that a benefit reads: kind, subject, benefit, day, and the sweep as of whose moment."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a reviewer sees before their own result is written down."""

    case: int
    benefit: str
    on_date: dt.date
    facts: tuple[ShownFact, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A reviewer's own result.

    Attributes:
        outcome: by the law and these facts.
        amount_minor: of what is due; None: in kind, or nothing.
        reason_code: of review.md's list, where something was wrong with the facts.
        note: in their own words.
    """

    outcome: Outcome
    amount_minor: int | None = None
    reason_code: str | None = None
    note: OwnWords | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reviewer's result beside what the engine had said."""

    case: int
    found: Outcome
    said: Outcome
    found_minor: int | None
    said_minor: int | None

    @property
    def wrong(self) -> bool:
        """They differ, in outcome or in amount: too little is as wrong as too much."""
        return self.found is not self.said or (self.found is Outcome.ELIGIBLE and self.found_minor != self.said_minor)


def queue(connection: Connection, month: str, reviewer: str) -> list[int]:
    """The cases of a month that are still to be reviewed, and that this reviewer may review."""
    reviewed = select(sample_review.c.sample)
    in_it = func.officers_in(sample.c.kind, sample.c.subject, sample.c.benefit).table_valued("officer").render_derived()
    query = (
        select(sample.c.id)
        .where(
            sample.c.month == month,
            sample.c.id.not_in(reviewed),
            ~exists().select_from(in_it).where(in_it.c.officer == reviewer).correlate(sample),
        )
        .order_by(sample.c.id)
    )
    return [int(number) for number in connection.execute(query).scalars()]


def material(connection: Connection, case: int, read_facts: ReadFacts) -> Material:
    """What a reviewer sees.

    Args:
        connection: to read with.
        case: its number.
        read_facts: reads facts as they were known to the sweep.

    Raises:
        NotFoundError: there is no such case.
    """
    of = sample.c
    row = connection.execute(
        select(of.kind, of.subject, of.benefit, of.on_date, of.sweep).where(of.id == case)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no sample {case}.")
    tells = f"receives_{row.benefit}"
    facts = read_facts(row.kind, row.subject, row.benefit, row.on_date, row.sweep)
    return Material(case, row.benefit, row.on_date, tuple(each for each in facts if each.fact != tells))


def record_result(connection: Connection, case: int, reviewer: str, found: Found, at: dt.datetime) -> Comparison:
    """Write one's own result down, once, and see what the engine had said.

    Raises:
        NotFoundError: there is no such case.
        NotAllowedError: the reviewer had a part in it.
        ConflictError: it is reviewed.
    """
    if connection.execute(select(sample.c.id).where(sample.c.id == case)).scalar_one_or_none() is None:
        raise NotFoundError(f"There is no sample {case}.")
    with refusals("sample", case, 0, lambda: (), connection):
        row: dict[str, object] = {
            "sample": case, "reviewer": reviewer, "outcome": found.outcome.value, "amount_minor": found.amount_minor,
            "reason_code": found.reason_code, "at": at,
        }  # fmt: skip
        if found.note is not None:
            row = found.note.in_row(sample_review.c.note, row)
        connection.execute(insert(sample_review).values(row))
    compared = compare(connection, case)
    payload: Mapping[str, object] = {"wrong": compared.wrong, "reason_code": found.reason_code}
    intend(connection, "sample:reviewed", "officer", reviewer, "sample", str(case), payload, at)
    return compared


def compare(connection: Connection, case: int) -> Comparison:
    """A reviewed case beside what the engine had said.

    Raises:
        SampleError: nobody has reviewed it: then what the engine said is not shown.
    """
    own, said = sample_review.c, sample_answer.c
    row = connection.execute(
        select(own.outcome, own.amount_minor, said.outcome.label("said"), said.amount_minor.label("said_minor"))
        .join(sample_answer, said.sample == own.sample)
        .where(own.sample == case)
    ).one_or_none()
    if row is None:
        raise SampleError(f"The sample {case} has no result yet: write down your own first.")
    return Comparison(case, Outcome(row.outcome), Outcome(row.said), row.amount_minor, row.said_minor)
