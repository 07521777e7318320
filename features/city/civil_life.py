"""Facts of living somewhere and with somebody: registration, residence, marriage, children, school, death."""

from __future__ import annotations

import numpy as np

from features.city.columns import Columns, Flags
from features.city.households import ADULT, NOBODY
from features.city.margins import Margins
from features.city.people import DECADE, People

UNABLE = ("imprisoned", "lost_contact", "drug_rehabilitation", "severe_disability", "declared_missing", "dead")
STAGES = ("none", "primary", "junior", "senior", "higher")
FULL_CHILDCARE_FROM = 18_993
"""2022-01-01 as a day number; children born since then draw the childcare subsidy."""


def register(people: People, facts: Columns, margins: Margins, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Identity, registration and residence.

    Returns:
        `moved`: the day on which each came to live where they do now; 0 where that was before this decade or at birth.
    """
    n, alive = people.n, ~people.dead
    moves = (rng.random(people.households) < margins.rates["moves_in_ten_years"])[people.household]
    day = people.today - rng.integers(5, DECADE, people.households)[people.household]
    moved = np.where(moves & (day > people.birth) & (~people.dead | (day < people.death)), day, 0)
    facts.day("birth_date", people.birth)
    facts.code("sex", ("female", "male"), people.male.astype(np.int64))
    facts.text("hukou_area", people.hukou)
    urban = rng.random(n) < np.where(people.local, 0.8, 0.4)
    facts.code("hukou_type", ("rural", "urban"), urban.astype(np.int64))
    facts.text("residence_area", people.home)
    years = np.where(moved > 0, (people.today - moved) // 366, np.minimum(people.age, 11 + people.age // 3))
    facts.number("residence_years", years)
    permit = ~people.local & (people.age >= 16) & alive & (rng.random(n) < 0.8)
    facts.yes("holds_residence_permit", permit)
    facts.text("residence_permit_area", people.home, permit)
    facts.yes("bank_account_held", alive & (rng.random(n) < 0.93))
    facts.yes("consent_given", rng.random(n) < 0.5)
    facts.yes("imprisoned", alive & (people.age >= ADULT) & (rng.random(n) < 0.0006))
    facts.yes("declared_missing", alive & (rng.random(n) < 0.0001))
    facts.day("declared_missing_date", people.today - rng.integers(100, DECADE, n), facts.flags("declared_missing"))
    facts.yes("deceased", people.dead)
    facts.day("death_date", people.death, people.dead)
    for name, target in (("mother_id", people.mother), ("father_id", people.father), ("guardian_id", people.guardian)):
        facts.link(name, target, people.ids)
    facts.link("household_id", np.where(people.dead & (people.death < people.today - 365), NOBODY, people.household),
               people.household_ids)  # fmt: skip
    return {"moved": moved}


def marry(people: People, facts: Columns, margins: Margins, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Marital status.

    Returns:
        `married`: the wedding day (0: none on record); `ended`: the day a marriage ended.
    """
    n = people.n
    wed = people.spouse != NOBODY
    parent = people.children_of(np.ones(n, dtype=bool)) > 0
    divorced = ~wed & ~people.widowed & (people.age >= 24) & (parent | (rng.random(n) < margins.rates["divorced"]))
    old_alone = ~wed & ~divorced & ~people.widowed & (people.age >= 65) & (rng.random(n) < 0.8)
    status = np.select([wed, people.widowed | old_alone, divorced], [1, 2, 3], 0)
    facts.code("marital_status", ("single", "married", "widowed", "divorced"), status)
    facts.link("spouse_id", people.spouse, people.ids)
    spouse = np.where(wed, people.spouse, 0)
    younger = np.maximum(people.birth, people.birth[spouse])
    earliest = younger + 20 * 366
    oldest_child = np.full(n + 1, people.today - 2, dtype=np.int64)
    for link in (people.mother, people.father):
        has = link != NOBODY
        np.minimum.at(oldest_child, link[has], people.birth[has] - 100)
    latest = np.minimum(oldest_child[:-1], oldest_child[:-1][spouse])
    share = rng.random(n)
    share = np.where(people.male & wed, share[spouse], share)
    wedding = np.where(wed, earliest + np.maximum(latest - earliest, 0) * share, 0).astype(np.int64)
    wedding = np.where(wed, np.minimum(wedding, people.today - 2), 0)
    ended = np.where(divorced, people.today - rng.integers(3, DECADE, n), 0)
    ended = np.maximum(ended, np.where(divorced, people.birth + 21 * 366, 0))
    return {"married": wedding, "ended": np.minimum(ended, people.today - 2) * (ended > 0)}


def raise_children(people: People, facts: Columns, rng: np.random.Generator) -> None:
    """School, parents who cannot raise their children, childcare subsidy."""
    n, age, alive = people.n, people.age, ~people.dead
    child = alive & (age < ADULT)
    student = alive & (age >= ADULT) & (age < 23) & people.collective & (rng.random(n) < 0.75)
    stage = np.select([~(child | student) | (age < 6), age < 12, age < 15, age < ADULT], [0, 1, 2, 3], 4)
    at_school = stage > 0
    facts.code("education_stage", STAGES, stage)
    facts.yes("is_student", at_school)
    special = at_school & (stage < 4) & (rng.random(n) < 0.004)
    facts.code("school_kind", ("none", "ordinary", "special_education"), np.where(special, 2, at_school.astype(int)))
    facts.text("school_area", people.home, at_school)
    facts.yes("boards_at_school", at_school & (stage >= 2) & (rng.random(n) < 0.15))
    facts.yes("final_year_student", student & (rng.random(n) < 0.25))
    facts.yes("has_had_student_loan", (age >= ADULT) & (age < 30) & (rng.random(n) < 0.06))
    facts.yes("birth_lawful", rng.random(n) < 0.985)
    facts.number("birth_order", _birth_order(people), (people.mother != NOBODY) | (people.father != NOBODY))
    facts.number("babies_born", np.zeros(n))
    facts.number(
        "living_children", np.minimum(people.children_of(alive) + (age > 50) * rng.integers(0, 3, n), 8), age >= 20
    )
    _parents(people, facts, child, rng)
    young = child & (people.birth >= FULL_CHILDCARE_FROM)
    claimed = young & (age >= 1) & (rng.random(n) < 0.7)
    facts.yes("childcare_subsidy_claimed_before", claimed)
    facts.number("childcare_subsidy_years_paid", np.where(claimed, 1, 0), young)
    only = (facts["living_children"].to_numpy() == 1) & (age >= 45)
    facts.yes("only_child_certificate", only & (rng.random(n) < 0.4))


def _birth_order(people: People) -> np.ndarray:
    parent = np.where(people.mother != NOBODY, people.mother, people.father).astype(np.int64)
    order = np.lexsort((people.birth, parent))
    grouped = parent[order]
    start = np.concatenate([[True], grouped[1:] != grouped[:-1]])
    position = np.arange(len(order))
    rank = position - np.maximum.accumulate(np.where(start, position, 0)) + 1
    found = np.ones(people.n)
    found[order] = rank
    return found


def _parents(people: People, facts: Columns, child: Flags, rng: np.random.Generator) -> None:
    """Nearly all parents are able; those of children who live with a grandparent often are not."""
    n = people.n
    left = child & (people.guardian != NOBODY)
    fate = rng.random(n)
    both_dead, unable = left & (fate < 0.15), left & (fate >= 0.15) & (fate < 0.45)
    for name, link in (("mother_status", people.mother), ("father_status", people.father)):
        dead = both_dead | ((link != NOBODY) & people.dead[np.where(link == NOBODY, 0, link)])
        drawn = rng.integers(1, len(UNABLE) + 1, n)
        status = np.where(dead, len(UNABLE), np.where(unable, drawn, 0))
        facts.code(name, ("able", *UNABLE), status, child)
    orphan = both_dead & (rng.random(n) < 0.9)
    facts.yes("orphan", orphan)
    facts.yes("de_facto_unattended", unable & (rng.random(n) < 0.7))
    facts.yes("adopted", child & ~left & (rng.random(n) < 0.002))


def mourn(people: People, facts: Columns, rng: np.random.Generator) -> None:
    """What is on record of those who died within the last year."""
    recent = people.dead & (people.death >= people.today - 365)
    insured = recent & (rng.random(people.n) < 0.6)
    facts.number("pension_contribution_years", rng.integers(1, 38, people.n), insured)
    facts.yes("death_work_related", recent & (rng.random(people.n) < 0.02))
    facts.code("death_grant_chosen", ("not_yet", "pension"), (rng.random(people.n) < 0.4).astype(int), recent)
    facts.number("death_grant_average_wage", np.full(people.n, 1_065_000), recent)
    facts.number("death_grant_income_base", np.full(people.n, 494_100), recent)
