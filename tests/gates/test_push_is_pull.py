"""What the engine brings is what it answers when asked (acceptance row 3): push set = pull set, subject by subject."""

from __future__ import annotations

import polars as pl
import pytest

from explain.compose import Explainer
from explain.explanation import Explanation
from features.facts.encoding import ID
from features.facts.units import MINOR_UNITS
from serving.sweep.one_subject import explained
from tests.delivered_city import DAY, City

Key = tuple[str, str, str]
"""Kind of subject, its id, benefit."""
SOME, MANY = 1, 8
"""Of each kind of subject and each way things go on, in the small and in the whole city."""
NOES = 2
"""Of each who is asked about, so many benefits of which the engine says no; and all of which it does not."""


@pytest.fixture(scope="module")
def asked(city: City) -> list[tuple[str, str]]:
    """Some who are offered something, some who get it, some who wait for a caseworker, some who get nothing."""
    found = city.opened.entitlements().select("subject", ID, "state")
    everybody = city.opened.tiers().select("subject", ID).unique(maintain_order=False)
    nothing = everybody.join(found, on=["subject", ID], how="anti").with_columns(state=pl.lit("nothing"))
    groups = pl.concat([found, nothing]).unique().sort("subject", ID, "state")
    many = MANY if city.is_whole else SOME
    drawn = [
        group.sample(min(many, group.height), seed=1).select("subject", ID)
        for _, group in groups.group_by("subject", "state", maintain_order=True)
    ]
    return pl.concat(drawn).unique().sort("subject", ID).rows()


def test_what_is_brought_is_what_is_answered(city: City, asked: list[tuple[str, str]]) -> None:
    home = city.opened
    history, explainer = home.history(), Explainer(home.catalogue, home.rulebook)
    key_of = ("subject", ID, "benefit")
    tiers: dict[Key, str] = {(k, who, b): tier for k, who, b, tier in home.tiers().select(*key_of, "tier").iter_rows()}
    owed = home.entitlements().select(*key_of, "state", "amount_minor")
    pushed: dict[Key, tuple[str, int | None]] = {(k, who, b): tuple(said) for k, who, b, *said in owed.iter_rows()}
    aside = {
        (item["kind"], item["subject"], item["benefit"])
        for (items,) in home.rows("SELECT items FROM knot")
        for item in items  # type: ignore[attr-defined]
        if not item["proposed"]
    }
    yes = 0
    for kind, who in asked:
        noes = 0
        for benefit, plan in home.rulebook.in_force(DAY).items():
            key = (kind, who, benefit)
            if plan.benefit.subject != kind:
                continue
            if tiers.get(key, "none") == "none":  # no, or a benefit of another place: nothing is brought
                assert key not in pushed
                noes += 1
                if noes > NOES or key not in tiers:
                    continue
            pulled = explained(explainer, history, benefit, who, DAY, home.sweep.known_at)
            outcome = pulled.outcome.value
            if key not in pushed:
                # What an unreadable row might end is asked about first, though what is known says yes.
                assert outcome != "eligible" or key in aside or tiers[key] == "ask"
                continue
            assert tiers[key] != "ask"
            state, amount = pushed[key]
            assert outcome == "eligible" or (outcome == "undetermined" and state == "review")
            if state != "review":
                assert amount == minor(pulled, home.rulebook.currency)
                yes += 1
    assert yes >= 5 * (MANY if city.is_whole else SOME)


def minor(pulled: Explanation, currency: str) -> int | None:
    """What an answer promises, in minor units; None for what is given in kind or as no certain figure."""
    if pulled.amount.unit != currency or pulled.amount.value is None:
        return None
    return int(pulled.amount.value * MINOR_UNITS)
