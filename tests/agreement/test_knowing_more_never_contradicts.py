"""What an answer promises about unknown facts: filling them never contradicts it, and `missing` is what settles it."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from features.facts.population import Population, Subject
from features.facts.values import Holding, Known, Unknown, Value
from rules.evaluate.intervals import is_point
from rules.evaluate.reference import Answer, ReferenceEvaluator
from rules.kleene import Truth
from tests.agreement.rule_texts import benefit_text
from tests.agreement.worlds import HOUSEHOLD_FACTS, PERSON_FACTS, World, rulebook_of, values, worlds

RELAXED = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large], deadline=None
)


def answers(world: World, population: Population) -> dict[tuple[str, str], tuple[Answer, frozenset[str]]]:
    """The reference's answers, with the names of what is missing."""
    evaluator = ReferenceEvaluator(world.rulebook, population, world.on_date)
    return {
        (name, subject.id): (answer, frozenset(evaluator.names_of(answer.missing)))
        for name, benefit in evaluator.plans.items()
        for subject in population.listed[benefit.benefit.subject].values()
        for answer in [evaluator.answer(name, subject)]
    }


def is_unknown(holding: Holding | None, world: World) -> bool:
    """Is nothing known on the day (not held, or too old)?"""
    if not isinstance(holding, Known):
        return True
    return holding.stale_on is not None and holding.stale_on <= world.on_date


def is_one_place(holding: Holding, world: World) -> bool:
    """Is it no code of an area that was split by the day, whose record may lie in several?"""
    if not isinstance(holding, Known) or not isinstance(holding.value, str):
        return True
    areas = world.rulebook.vocabulary.areas
    return holding.value not in areas.by_code or len(areas.now(holding.value, world.on_date)) == 1


@st.composite
def filled(draw: st.DrawFn, world: World, facts: frozenset[str] | None = None) -> Population:
    """The population with unknown facts filled at random: all of them, or those of these names."""
    records: list[Subject] = []
    for listed in world.population.listed.values():
        for subject in listed.values():
            names = PERSON_FACTS if subject.kind == "person" else HOUSEHOLD_FACTS if subject.kind == "household" else ()
            held = dict(subject.facts)
            for name in names:
                if (facts is None or name in facts) and (
                    is_unknown(held.get(name), world) or not is_one_place(held[name], world)
                ):
                    value = draw(values(name).filter(lambda value: is_one_place(Known(value), world)))
                    held[name] = Known(value, "filled")
            records.append(Subject(subject.kind, subject.id, held, dict(subject.links)))
    return Population(world.rulebook.vocabulary.subjects, records)


def inside(amount: Answer, before: Answer) -> bool:
    """Does the later amount lie within the earlier one's bounds?"""
    (low, high), (least, most) = amount.interval, before.interval
    return (least is None or (low is not None and low >= least)) and (
        most is None or (high is not None and high <= most)
    )


@pytest.mark.searched
@RELAXED
@given(st.data(), worlds())
def test_filling_unknowns_never_contradicts_a_determined_answer(data: st.DataObject, world: World) -> None:
    before = answers(world, world.population)
    after = answers(world, data.draw(filled(world)))
    for key, (answer, _) in before.items():
        if answer.truth is not Truth.UNKNOWN:
            assert after[key][0].truth is answer.truth, (key, world)
        if after[key][0].truth is Truth.TRUE:
            assert inside(after[key][0], answer), (key, world)


@pytest.mark.searched
@RELAXED
@given(st.data(), worlds())
def test_filling_what_is_missing_settles_the_answer(data: st.DataObject, world: World) -> None:
    before = answers(world, world.population)
    lacking = [(key, missing) for key, (_, missing) in before.items() if missing]
    assume(lacking)
    key, missing = data.draw(st.sampled_from(lacking))
    # A link or a parameter cannot be filled by a value of a fact.
    assume(not any(name.startswith("$") or name.endswith("_id") for name in missing))
    # Persons who are not listed have no facts that could be filled.
    assume(_all_listed(world))
    answer, still = answers(world, data.draw(filled(world, missing)))[key]
    # Filling may lead to a parameter that has no value for what was filled in; nobody could fill that.
    assume(not any(name.startswith("$") for name in still))
    assert answer.truth is not Truth.UNKNOWN, (key, missing, still, world)
    assert answer.truth is Truth.FALSE or is_point(answer.interval), (key, missing, still, world)


def _all_listed(world: World) -> bool:
    people = world.population.listed["person"]
    homes = world.population.listed["household"]
    for person in people.values():
        for link, target in person.links.items():
            known = homes if link == "household_id" else people
            if target is not None and target != "none" and target not in known:
                return False
    return True


# -- minimality, exactly: on rules over few facts with few values every filling is tried ------------------------------

WORLD_DAY = dt.date(2025, 1, 15)
SMALL_FACTS: dict[str, tuple[Value, ...]] = {
    "rich": (True, False),
    "ill": (True, False),
    "works": (True, False),
    "kind": ("a", "b", "c"),
    # One value for each region that the limits below make, and each limit.
    "wage": (Decimal(5_000), Decimal(7_500), Decimal(10_000), Decimal(15_000), Decimal(20_000), Decimal(30_000)),
}
ATOMS = (
    "rich",
    "ill",
    "works",
    "kind = 'a'",
    "kind in ('a', 'b')",
    "kind != 'c'",
    "wage < USD 100",
    "wage <= USD 100",
    "wage >= USD 200",
    "wage > USD 50",
)


def small_conditions(depth: int) -> st.SearchStrategy[str]:
    """Conditions over the small facts, with much repetition."""
    leaves = st.sampled_from(ATOMS)
    if depth == 0:
        return leaves
    sub = small_conditions(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(sub, st.sampled_from([" and ", " or "]), sub).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
        sub.map(lambda p: f"not ({p})"),
        st.tuples(sub, sub, sub).map(lambda p: f"(if {p[0]} then {p[1]} else {p[2]})"),
    )


def small_amounts() -> st.SearchStrategy[str]:
    """Amounts that depend on facts in some branches only."""
    figures = st.sampled_from(["USD 10", "USD 20", "wage", "max(USD 0, USD 200 - wage)"])
    return st.one_of(
        figures, st.tuples(small_conditions(1), figures, figures).map(lambda p: f"(if {p[0]} then {p[1]} else {p[2]})")
    )


@pytest.mark.searched
@RELAXED
@given(
    st.lists(small_conditions(2), min_size=1, max_size=3),
    small_amounts(),
    st.fixed_dictionaries({f: st.sampled_from([*v, None, None]) for f, v in SMALL_FACTS.items()}),
)
def test_missing_settles_for_every_value_and_no_fact_of_it_can_be_left_out(
    conditions: list[str], amount: str, held: dict[str, Value | None]
) -> None:
    text = benefit_text("small", "person", conditions, [], amount, local=False).replace("area_by: home\n", "")
    rulebook = rulebook_of((text,))
    assume(rulebook is not None)
    assert rulebook is not None

    def answer(facts: dict[str, Value | None]) -> tuple[Answer, frozenset[str]]:
        holdings: dict[str, Holding] = {f: Unknown() if v is None else Known(v, "test") for f, v in facts.items()}
        person = Subject("person", "p", holdings, {})
        population = Population(rulebook.vocabulary.subjects, [person])
        evaluator = ReferenceEvaluator(rulebook, population, WORLD_DAY)
        found = evaluator.answer("small", person)
        return found, frozenset(evaluator.names_of(found.missing))

    def is_settled(facts: dict[str, Value | None]) -> bool:
        found, _ = answer(facts)
        return found.truth is Truth.FALSE or (found.truth is Truth.TRUE and is_point(found.interval))

    def settles(names: frozenset[str]) -> bool:
        ordered = sorted(names)
        return all(
            is_settled({**held, **dict(zip(ordered, choice, strict=True))})
            for choice in itertools.product(*(SMALL_FACTS[name] for name in ordered))
        )

    _, missing = answer(held)
    assert settles(missing), (conditions, amount, held, missing)
    if missing:
        for name in missing:
            assert not settles(missing - {name}), (conditions, amount, held, missing, name)
