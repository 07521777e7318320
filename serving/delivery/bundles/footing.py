"""The footing on which items are compared: what each brings within the next 12 months.

Why 12 months: a household's income is assessed by month and year (Interim Measures for Social Assistance, art. 9-13),
benefits are reviewed at least yearly, and parameters are set for a year; what lies further is not known, and a shorter
footing would favour what is paid at once. What is lost beyond it is not forgotten: a payment that goes on and one that
ends are compared a second time by what *lasts*, and where the two comparisons differ the choice is the household's.
The answer of today is taken to hold for all 12 months; what the rules will say later belongs to the daily sweep.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.yaml_files import read_document
from serving.delivery.bundles.model import Worth

TIMES_A_YEAR = {"once": 1, "week": 52, "month": 12, "quarter": 4, "year": 1}
AT_MOST_A_YEAR = {"day": 365}
"""Paid for each day on which a service is used: at most every day, perhaps never."""

CURRENCIES = ("CNY", "USD")


def worth_of(low: int | None, high: int | None, per: str, unit: str, *, limited: bool) -> Worth:
    """What an amount brings within 12 months.

    Args:
        low: lower bound in minor units; None in kind.
        high: upper bound; None where there is none (or in kind).
        per: the period.
        unit: a currency; anything else (in kind, months, a share of a fare) is measured by no figure.
        limited: the law pays it for a limited time.
    """
    if unit not in CURRENCIES or (per not in TIMES_A_YEAR and per not in AT_MOST_A_YEAR):
        return Worth(0, 0, lasting=not limited, in_kind=True)
    lasting = per != "once" and not limited
    if per in AT_MOST_A_YEAR:
        return Worth(0, None if high is None else high * AT_MOST_A_YEAR[per], lasting)
    times = TIMES_A_YEAR[per]
    return Worth((low or 0) * times, None if high is None else high * times, lasting)


@cache
def limited_benefits(jurisdiction: str) -> frozenset[str]:
    """The benefits of a jurisdiction that are paid for a limited time.

    Raises:
        DocumentError: the file is not as it should be.
    """
    path = Path(str(resources.files("serving.delivery.bundles") / "footing.yaml"))
    node = read_document(path).entries.get(jurisdiction)
    return frozenset() if node is None else frozenset(doc.mapping_of(node, jurisdiction).entries)
