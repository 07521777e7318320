"""Facts of each household: where it lives, what it pays for, and what the state pays it."""

from __future__ import annotations

import numpy as np

from features.cps.draws import Draws, Whole
from features.cps.people import Columns
from features.cps.returns import Returns

STATES = np.array(["US-TN", "US-MS", "US-UT", "US-SD", "US-WY"], dtype=object)
"""Contiguous states without broad-based categorical eligibility, so that the federal rules decide."""
STATES_WITH_SUPPLEMENT = ("US-UT", "US-SD", "US-WY")
LARGEST_TANF = 9600


def household_columns(returns: Returns, ids: Whole, young_children: Whole, earnings: Whole, seed: int) -> Columns:
    """The columns of the households `ids`, which have so many children under 13 and so much earnings. Whole dollars."""
    own = Draws(ids, seed + 3000)
    position = np.searchsorted(ids, returns.household)

    def total(name: str) -> np.ndarray:
        return np.bincount(position, np.asarray(returns.column(name)), len(ids))

    homeless = own.below("homeless", 0.012)
    unpaid = own.share("rent0")
    rent = np.where(unpaid < 0.12, 0, np.rint(3600 + 22000 * own.share("rent") ** 2)).astype(np.int64)
    rent = np.where(homeless, np.where(unpaid < 0.5, 0, own.whole("hr", 30, 400) * 12), rent)
    cared_for = (young_children > 0) & (earnings > 0) & own.below("care", 0.35)
    phone = own.share("phone")
    state = np.minimum((own.share("state") * len(STATES)).astype(np.int64), len(STATES) - 1)
    return {
        "state_area": STATES[state],
        "is_homeless": homeless,
        "is_rural": own.below("rural", 0.25),
        "is_on_tribal_land": own.below("tribal", 0.025),
        "housing_cost": rent,
        "childcare_cost": np.where(cared_for, own.whole("carev", 40, 900) * 12, 0),
        "phone_cost": np.where(
            phone < 0.12, 0, np.where(phone < 0.2, own.whole("ph1", 1, 8) * 12, own.whole("ph2", 10, 120) * 12)
        ),
        "broadband_cost": np.where(own.below("bb", 0.35), 0, own.whole("bbv", 10, 90) * 12),
        "pays_heating_or_cooling": ~homeless & own.below("heat", 0.6),
        "pays_electricity": ~homeless & own.below("elec", 0.7),
        "pays_water": ~homeless & own.below("water", 0.35),
        "pays_trash": ~homeless & own.below("trash", 0.3),
        "tanf": (np.minimum(total("tanf_ben"), LARGEST_TANF) // 12 * 12).astype(np.int64),
        "receives_housing_assistance": total("housing_ben") > 0,
    }


def state_supplements(frail: np.ndarray, state: np.ndarray, own: Draws) -> Whole:
    """A state's supplement to SSI by person: a state payment, so a fact, and only where the state has one."""
    paid = frail & np.isin(state, STATES_WITH_SUPPLEMENT) & own.below("ssp", 0.12)
    return np.where(paid, own.whole("sspv", 5, 60) * 12, 0)
