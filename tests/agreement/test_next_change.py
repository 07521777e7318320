"""For every day between `on_date` and `next_change` the answer is the same, though time goes on."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import plan
from rules.evaluate.reference import ReferenceEvaluator
from tests.agreement.worlds import World, worlds


@pytest.mark.searched
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large], deadline=None
)
@given(worlds(), st.lists(st.integers(1, 900), min_size=4, max_size=8))
def test_answers_hold_until_next_change_on_random_rules(world: World, later: list[int]) -> None:
    now = ReferenceEvaluator(world.rulebook, world.population, world.on_date)
    answers = {
        (name, subject.id): now.answer(name, subject)
        for name, benefit in now.plans.items()
        for subject in world.population.listed[benefit.benefit.subject].values()
    }
    offsets = set(later)
    for answer in answers.values():
        # The last day on which the answer must still hold is where a mistake would show.
        offsets.add(min(answer.until - now.today - 1, 40_000))
    for offset in sorted(o for o in offsets if o > 0):
        day = world.on_date + dt.timedelta(days=offset)
        then = ReferenceEvaluator(world.rulebook, world.population, day)
        for (name, subject_id), answer in answers.items():
            if plan.day_number(day) >= answer.until:
                continue
            subject = world.population.listed[then.plans[name].benefit.subject][subject_id]
            found = then.answer(name, subject)
            assert (found.truth, found.interval) == (answer.truth, answer.interval), (name, subject_id, day, world)


@pytest.mark.long
@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    deadline=None,
)
@given(worlds())
def test_answers_hold_on_every_single_day_on_random_rules(world: World) -> None:
    now = ReferenceEvaluator(world.rulebook, world.population, world.on_date)
    for name, benefit in now.plans.items():
        for subject in world.population.listed[benefit.benefit.subject].values():
            answer = now.answer(name, subject)
            for offset in range(1, min(answer.until - now.today, 400)):
                day = world.on_date + dt.timedelta(days=offset)
                found = ReferenceEvaluator(world.rulebook, world.population, day).answer(name, subject)
                assert (found.truth, found.interval) == (answer.truth, answer.interval), (name, subject.id, day, world)
