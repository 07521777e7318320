"""The tier as a function: what each reason demands, and that worse evidence never makes it less careful."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from features.facts.values import Gap
from rules.determination import Outcome
from serving.delivery.tier import (
    Amount,
    Asks,
    Discretion,
    Evidence,
    Identity,
    Reason,
    Tier,
    most_careful,
    rule_on,
    under,
)

ELIGIBLE = Evidence(Outcome.ELIGIBLE)
FREE = Asks(law="村规 第一条")

ASKS = st.builds(
    Asks,
    application=st.booleans(),
    will=st.booleans(),
    discretion=st.sampled_from(Discretion),
    clauses=st.sampled_from([(), ("第九条",)]),
    unconfirmed=st.booleans(),
    irreversible=st.booleans(),
    incomplete=st.sampled_from([Tier.ASK, Tier.REVIEW]),
    law=st.just("村规"),
)
FACTS = st.lists(st.sampled_from("abc"), unique=True).flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(name), st.sampled_from(Gap)) for name in names))
)
EVIDENCE = st.builds(
    Evidence,
    outcome=st.sampled_from(Outcome),
    missing=FACTS,
    without_figure=st.sampled_from([(), ("$rate",)]),
    beside=FACTS,
    amount=st.sampled_from(Amount),
    identity=st.sampled_from(Identity),
    membership_in_doubt=st.booleans(),
    check_passed=st.booleans(),
)
GAPS = [Gap.NOT_HELD, Gap.STALE, Gap.QUARANTINED, Gap.WITHHELD, Gap.CONFLICTING]
"""From good to bad: nobody said it, it was said too long ago, cannot be read, may not be, is disputed."""


@pytest.mark.parametrize(
    ("asks", "evidence", "tier", "reason"),
    [
        (FREE, ELIGIBLE, Tier.AUTOMATIC, Reason.IN_ORDER),
        (FREE, Evidence(Outcome.INELIGIBLE), Tier.NONE, Reason.INELIGIBLE),
        (replace(FREE, application=True), ELIGIBLE, Tier.CONFIRM, Reason.APPLICATION_BY_LAW),
        (replace(FREE, will=True), ELIGIBLE, Tier.CONFIRM, Reason.WILL_NEEDED),
        (replace(FREE, irreversible=True), ELIGIBLE, Tier.CONFIRM, Reason.IRREVERSIBLE),
        (replace(FREE, discretion=Discretion.PARTIAL), ELIGIBLE, Tier.REVIEW, Reason.DISCRETION_PARTIAL),
        (replace(FREE, discretion=Discretion.FULL), ELIGIBLE, Tier.REVIEW, Reason.DISCRETION_FULL),
        (replace(FREE, unconfirmed=True), ELIGIBLE, Tier.REVIEW, Reason.LAW_NOT_CONFIRMED),
        (FREE, replace(ELIGIBLE, amount=Amount.ABOVE_CAP), Tier.REVIEW, Reason.ABOVE_CAP),
        (FREE, replace(ELIGIBLE, amount=Amount.OPEN), Tier.ASK, Reason.AMOUNT_OPEN),
        (FREE, replace(ELIGIBLE, check_passed=False), Tier.CONFIRM, Reason.CHECK_FAILED),
        (FREE, replace(ELIGIBLE, beside=(("a", Gap.CONFLICTING),)), Tier.REVIEW, Reason.BESIDE_CONFLICTING),
        (FREE, replace(ELIGIBLE, beside=(("a", Gap.QUARANTINED),)), Tier.CONFIRM, Reason.BESIDE_UNREADABLE),
        (FREE, replace(ELIGIBLE, beside=(("a", Gap.WITHHELD),)), Tier.CONFIRM, Reason.BESIDE_WITHHELD),
        (FREE, replace(ELIGIBLE, beside=(("a", Gap.STALE),)), Tier.AUTOMATIC, Reason.IN_ORDER),
        (FREE, replace(ELIGIBLE, identity=Identity.GRANTED_TWICE), Tier.REVIEW, Reason.GRANTED_TWICE),
        (FREE, replace(ELIGIBLE, identity=Identity.OF_TWO), Tier.REVIEW, Reason.ID_OF_TWO),
        (FREE, replace(ELIGIBLE, identity=Identity.RETIRED), Tier.NONE, Reason.ID_RETIRED),
    ],
)
def test_what_each_reason_demands(asks: Asks, evidence: Evidence, tier: Tier, reason: Reason) -> None:
    ruling = rule_on(asks, evidence)
    assert ruling.tier is tier
    assert ruling.reasons[0].reason is reason


@pytest.mark.parametrize(
    ("gap", "tier"),
    [
        (Gap.NOT_HELD, Tier.ASK),
        (Gap.STALE, Tier.ASK),
        (Gap.QUARANTINED, Tier.ASK),
        (Gap.WITHHELD, Tier.REVIEW),
        (Gap.CONFLICTING, Tier.REVIEW),
    ],
)
def test_what_is_missing_is_asked_for_and_what_is_disputed_is_reviewed(gap: Gap, tier: Tier) -> None:
    ruling = rule_on(FREE, Evidence(Outcome.UNDETERMINED, missing=(("income", gap), ("age", Gap.NOT_HELD))))
    assert ruling.tier is tier
    assert "income" in ruling.reasons[0].facts


def test_discretion_names_its_clause() -> None:
    asks = replace(FREE, discretion=Discretion.FULL, clauses=("困难程度：第十二条",))
    (given_,) = rule_on(asks, ELIGIBLE).reasons
    assert given_.law == ("困难程度：第十二条",)
    assert rule_on(replace(asks, clauses=()), ELIGIBLE).reasons[0].law == ("村规 第一条",)


@pytest.mark.parametrize("incomplete", [Tier.ASK, Tier.REVIEW])
def test_an_incomplete_file_to_be_judged_goes_where_the_terms_say(incomplete: Tier) -> None:
    asks = replace(FREE, discretion=Discretion.PARTIAL, incomplete=incomplete)
    ruling = rule_on(asks, Evidence(Outcome.UNDETERMINED, missing=(("a", Gap.NOT_HELD),)))
    assert ruling.tier is incomplete
    assert Reason.DISCRETION_PARTIAL in {one.reason for one in ruling.reasons}


@given(ASKS, EVIDENCE)
def test_unknown_is_never_automatic(asks: Asks, evidence: Evidence) -> None:
    assume(evidence.outcome is Outcome.UNDETERMINED or evidence.missing or evidence.without_figure)
    tier = rule_on(asks, evidence).tier
    if evidence.outcome is not Outcome.INELIGIBLE and evidence.identity is not Identity.RETIRED:
        assert tier in (Tier.ASK, Tier.REVIEW)


@given(ASKS, EVIDENCE)
def test_every_ruling_says_why_and_its_first_reason_decides(asks: Asks, evidence: Evidence) -> None:
    ruling = rule_on(asks, evidence)
    assert ruling.reasons[0].tier is ruling.tier
    assert ruling.tier is most_careful(one.tier for one in ruling.reasons)
    assert (ruling.tier is Tier.NONE) == (
        evidence.outcome is Outcome.INELIGIBLE or evidence.identity is Identity.RETIRED
    )


def worse(evidence: Evidence) -> list[Evidence]:
    """The same evidence with one thing worse."""
    found = [
        replace(evidence, missing=(*evidence.missing, ("d", Gap.NOT_HELD))),
        replace(evidence, beside=(*evidence.beside, ("d", Gap.CONFLICTING))),
        replace(evidence, without_figure=("$rate",)),
        replace(evidence, membership_in_doubt=True),
        replace(evidence, check_passed=False),
    ]
    if evidence.identity is Identity.CERTAIN:
        found += [replace(evidence, identity=one) for one in (Identity.GRANTED_TWICE, Identity.OF_TWO)]
    for place, (fact, gap) in enumerate(evidence.missing):
        for heavier in GAPS[GAPS.index(gap) + 1 :]:
            changed = (*evidence.missing[:place], (fact, heavier), *evidence.missing[place + 1 :])
            found.append(replace(evidence, missing=changed))
    for place, (fact, _) in enumerate(evidence.beside):
        changed = (*evidence.beside[:place], (fact, Gap.CONFLICTING), *evidence.beside[place + 1 :])
        found.append(replace(evidence, beside=changed))
    if evidence.outcome is Outcome.ELIGIBLE:
        steps = list(Amount)
        found += [replace(evidence, amount=one) for one in steps[steps.index(evidence.amount) + 1 :]]
        found.append(replace(evidence, outcome=Outcome.UNDETERMINED, amount=Amount.WITHIN_CAP))
    return found


@given(ASKS, EVIDENCE)
def test_worse_evidence_never_gives_a_less_careful_tier(asks: Asks, evidence: Evidence) -> None:
    """`ask` and `review` both stop the machine; which comes first for an incomplete file, the terms say."""
    assume(evidence.outcome is not Outcome.INELIGIBLE and evidence.identity is not Identity.RETIRED)
    before = rule_on(asks, evidence)
    for less in worse(evidence):
        after = rule_on(asks, less)
        assert after.tier.care >= min(before.tier.care, Tier.ASK.care), less
        to_be_judged = asks.discretion is not Discretion.NONE or asks.unconfirmed
        put_off = to_be_judged and asks.incomplete is Tier.ASK
        settled = less.outcome is evidence.outcome and less.amount is evidence.amount
        over_cap = evidence.amount is Amount.ABOVE_CAP and less.outcome is Outcome.UNDETERMINED
        if settled or not (put_off or over_cap):
            assert after.tier.care >= before.tier.care, less


@given(ASKS, EVIDENCE)
def test_a_law_that_asks_more_never_gives_a_less_careful_tier(asks: Asks, evidence: Evidence) -> None:
    for more in (
        replace(asks, application=True),
        replace(asks, will=True),
        replace(asks, unconfirmed=True),
        replace(asks, irreversible=True),
        replace(asks, discretion=Discretion.FULL),
    ):
        assert rule_on(more, evidence).tier.care >= rule_on(asks, evidence).tier.care


@given(st.sampled_from(Tier), st.lists(st.sampled_from([Tier.CONFIRM, Tier.ASK, Tier.REVIEW])))
def test_a_ceiling_only_makes_more_careful(tier: Tier, ceilings: list[Tier]) -> None:
    found = under(tier, ceilings)
    assert found.care >= tier.care
    assert (found is Tier.NONE) == (tier is Tier.NONE)
    if tier is not Tier.NONE:
        assert all(found.care >= ceiling.care for ceiling in ceilings)
