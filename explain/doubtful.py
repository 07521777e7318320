"""Answers of subjects of whom it is not known who belongs to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

from rules.answers import IN_KIND, ordered_missing
from rules.benefits import IN_AREA
from rules.determination import Determination, Outcome
from rules.rulebook import BenefitPlan


def left_open(found: Determination, benefit: BenefitPlan, links: Collection[str]) -> Determination:
    """An answer as a sweep stores it: undetermined, and the links are missing, where any links are in doubt.

    Outside of the benefit's area nothing rests on its persons: such an answer stays as it is.

    Args:
        found: the answer on the persons who are known to belong to the subject.
        benefit: on the day of the answer.
        links: those in doubt.
    """
    outside = found.outcome is Outcome.INELIGIBLE and IN_AREA in found.unmet
    if not links or outside:
        return found
    return replace(
        found,
        outcome=Outcome.UNDETERMINED,
        amount=None,
        amount_low=None if found.unit == IN_KIND else Decimal(0),
        amount_high=None,
        unmet=(),
        missing=ordered_missing(benefit, (*found.missing, *links)),
    )
