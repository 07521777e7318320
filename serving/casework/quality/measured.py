"""How often the machine was wrong, as far as blind samples know; and how attentive those are who look."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Integer, and_, cast, func, or_, select

from serving.casework.quality.choosing import Stratum
from serving.casework.quality.sizes import Measured, measured
from serving.store.tables.quality import sample, sample_answer, sample_review, sample_stratum

_ELIGIBLE = "eligible"


def measured_errors(connection: Connection, months: Sequence[str] | None = None) -> dict[str, Measured]:
    """By benefit the error rate of its automatic grants.

    Groups are drawn on top and planted cases are planted: neither says anything about all grants, so neither counts.

    Args:
        connection: to read with.
        months: which; all, by default.
    """
    return _rates(connection, Stratum.GRANTED, sample.c.benefit, months)


def measured_misses(connection: Connection, months: Sequence[str] | None = None) -> dict[str, Measured]:
    """By benefit how many of those who got nothing were answered wrongly."""
    return _rates(connection, Stratum.NOT_SELECTED, sample.c.benefit, months)


def measured_by_group(connection: Connection, months: Sequence[str] | None = None) -> dict[str, Measured]:
    """By protected group the error rate of grants to its members."""
    return _rates(connection, Stratum.GROUP, sample_stratum.c.protected_group, months)


def caught_by_reviewer(connection: Connection, months: Sequence[str] | None = None) -> dict[str, Measured]:
    """By reviewer how many of the planted mistakes they found; as `errors` of `n`."""
    return _rates(connection, Stratum.SEEDED, sample_review.c.reviewer, months)


def _rates(
    connection: Connection, stratum: Stratum, by: ColumnElement[str], months: Sequence[str] | None
) -> dict[str, Measured]:
    own, said = sample_review.c, sample_answer.c
    wrong = or_(
        own.outcome != said.outcome,
        and_(own.outcome == _ELIGIBLE, own.amount_minor.is_distinct_from(said.amount_minor)),
    )
    query = (
        select(by, func.sum(cast(wrong, Integer)), func.count())
        .select_from(
            sample.join(sample_stratum, sample_stratum.c.sample == sample.c.id)
            .join(sample_review, own.sample == sample.c.id)
            .join(sample_answer, said.sample == sample.c.id)
        )
        .where(sample_stratum.c.stratum == stratum)
        .group_by(by)
        .order_by(by)
    )
    if months is not None:
        query = query.where(sample.c.month.in_(months))
    return {str(name): measured(int(errors), int(n)) for name, errors, n in connection.execute(query)}
