"""Drawing blind samples that nobody can foresee and everybody can check afterwards.

Before a month begins, the hash of a secret is written down. When it is over, the secret chooses (`choosing.py`). Who
lacks it knows nothing about the choice; who chose could not choose otherwise. Once it is published, `verify` says so.

Source: commit and reveal as in Blum, Coin flipping by telephone (1983).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from serving.casework.citizen.opening import intend
from serving.casework.errors import SampleError
from serving.casework.quality.choosing import Drawn, Population, Stratum, choose
from serving.store.tables.quality import sample, sample_answer, sample_commitment, sample_stratum

SECRET_BYTES = 32
_ACTOR = "quality"


def commit(connection: Connection, month: str, secret: bytes, at: dt.datetime) -> str:
    """Promise the secret of a month, before it begins; only its hash is written.

    Args:
        connection: in a transaction.
        month: like `2026-03`.
        secret: 32 bytes of chance, kept outside of the database until it is revealed.
        at: the moment.

    Returns:
        The SHA-256 of the secret, in hexadecimal.

    Raises:
        SampleError: it is too short to be a secret, or another was promised.
    """
    if len(secret) < SECRET_BYTES:
        raise SampleError(f"A secret has at least {SECRET_BYTES} bytes.")
    commitment = hashlib.sha256(secret).hexdigest()
    held = connection.execute(
        select(sample_commitment.c.commitment).where(sample_commitment.c.month == month)
    ).scalar_one_or_none()
    if held is not None:
        raise SampleError(f"The secret of {month} was promised before.")
    connection.execute(insert(sample_commitment).values(month=month, commitment=commitment, committed_at=at))
    intend(connection, "sample:committed", "system", _ACTOR, "sample_commitment", month, {"commitment": commitment}, at)
    return commitment


def draw(
    connection: Connection, month: str, secret: bytes, benefit: str, population: Population, at: dt.datetime
) -> list[int]:
    """Draw the sample of one benefit and month.

    Args:
        connection: in a transaction.
        month: like `2026-03`.
        secret: the promised one.
        benefit: which.
        population: what there is to draw from.
        at: the moment.

    Returns:
        The numbers of the cases, in the order of the queue.

    Raises:
        SampleError: the secret is not the promised one, was promised after an answer was given, or is public; or the
            sample was drawn before.
    """
    promise = _promise(connection, month)
    drawn_before = select(func.count()).where(sample.c.month == month, sample.c.benefit == benefit)
    if connection.execute(drawn_before).scalar_one():
        raise SampleError(f"The sample of `{benefit}` for {month} was drawn before.")
    if hashlib.sha256(secret).hexdigest() != promise.commitment:
        raise SampleError(f"This is not the secret that was promised for {month}.")
    if promise.revealed_at is not None:
        raise SampleError(f"The secret of {month} is public: what is drawn with it could be foreseen.")
    drawn = choose(secret, population)
    real = (each.candidate for each in drawn if (Stratum.SEEDED, "") not in each.marks)
    if any(each.at < promise.committed_at for each in real):
        raise SampleError(f"Answers of {month} were given before its secret was promised.")
    if any(each.candidate.benefit != benefit for each in drawn):
        raise SampleError(f"There are answers about other benefits than `{benefit}`.")
    numbers = [_keep(connection, month, each, at) for each in drawn]
    payload = {"benefit": benefit, "cases": len(numbers), "granted": len(set(population.granted))}
    intend(connection, "sample:drawn", "system", _ACTOR, "sample_commitment", month, payload, at)
    return numbers


def _keep(connection: Connection, month: str, drawn: Drawn, at: dt.datetime) -> int:
    one = drawn.candidate
    number = connection.execute(
        insert(sample)
        .values(
            month=month, benefit=one.benefit, kind=one.kind, subject=one.subject, sweep=one.sweep,
            determination=one.determination, on_date=one.on_date, drawn_at=at,
        )
        .returning(sample.c.id)
    ).scalar_one()  # fmt: skip
    connection.execute(
        insert(sample_answer).values(sample=number, outcome=one.outcome.value, amount_minor=one.amount_minor)
    )
    marks = [{"sample": number, "stratum": stratum, "protected_group": group} for stratum, group in drawn.marks]
    connection.execute(insert(sample_stratum), marks)
    return int(number)


def reveal(connection: Connection, month: str, secret: bytes, at: dt.datetime) -> None:
    """Publish the secret of a month that is over and drawn. PostgreSQL takes only the one that was promised.

    Raises:
        SampleError: it is not the promised one, or the month is not over.
    """
    promise = _promise(connection, month)
    if hashlib.sha256(secret).hexdigest() != promise.commitment:
        raise SampleError(f"This is not the secret that was promised for {month}.")
    if (at - dt.timedelta(days=1)).strftime("%Y-%m") <= month:  # a day later it is over in every zone
        raise SampleError(f"{month} is not over: whoever knew its secret could choose who is looked at.")
    connection.execute(
        update(sample_commitment).where(sample_commitment.c.month == month).values(secret=secret, revealed_at=at)
    )
    payload = {"commitment": promise.commitment, "secret": secret.hex()}
    intend(connection, "sample:revealed", "system", _ACTOR, "sample_commitment", month, payload, at)


def verify(connection: Connection, month: str, benefit: str, population: Population) -> list[str]:
    """What does not fit between a published secret and the sample that was drawn; nothing: all of it fits.

    Args:
        connection: to read with; an auditor's will do.
        month: like `2026-03`.
        benefit: which.
        population: the same answers again, as the ledger of the month has them.

    Raises:
        SampleError: the secret is not published yet.
    """
    promise = _promise(connection, month)
    if promise.secret is None:
        raise SampleError(f"The secret of {month} is not published yet.")
    findings = []
    if hashlib.sha256(promise.secret).hexdigest() != promise.commitment:
        findings.append("the secret is not the promised one")
    rows = connection.execute(
        select(sample.c.sweep, sample.c.determination)
        .where(sample.c.month == month, sample.c.benefit == benefit)
        .order_by(sample.c.id)
    )
    found = [tuple(row) for row in rows]
    due = [(each.candidate.sweep, each.candidate.determination) for each in choose(promise.secret, population)]
    findings += [f"{len(set(due) - set(found))} cases were left out"] if set(due) - set(found) else []
    findings += [f"{len(set(found) - set(due))} cases were added"] if set(found) - set(due) else []
    if not findings and due != found:
        findings.append("the queue is in another order")
    return findings


@dataclass(frozen=True, slots=True)
class _Promise:
    commitment: str
    committed_at: dt.datetime
    secret: bytes | None
    revealed_at: dt.datetime | None


def _promise(connection: Connection, month: str) -> _Promise:
    of = sample_commitment.c
    row = connection.execute(
        select(of.commitment, of.committed_at, of.secret, of.revealed_at).where(of.month == month)
    ).one_or_none()
    if row is None:
        raise SampleError(f"No secret was promised for {month}.")
    return _Promise(*row)
