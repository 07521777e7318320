"""Facts of each person: from the survey file where it speaks, by draws where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.cps import returns as survey
from features.cps.draws import Draws, Mask, Whole
from features.cps.returns import People, Returns

Columns = dict[str, npt.NDArray[Any]]
PENSION_AGE = 62


@dataclass(frozen=True, slots=True)
class Frame:
    """What the parts of this module share: who each person is, and the draws by person, return and household."""

    returns: Returns
    people: People
    own: Draws
    of_return: Draws
    of_household: Draws

    def column(self, name: str) -> Whole:
        """A column of the survey file, for each person."""
        return np.asarray(self.returns.column(name))[self.people.row]

    @property
    def head(self) -> Mask:
        return np.asarray(self.people.place == survey.HEAD)

    @property
    def spouse(self) -> Mask:
        return np.asarray(self.people.place == survey.SPOUSE)

    @property
    def dependant(self) -> Mask:
        return np.asarray(self.people.place > survey.SPOUSE)

    @property
    def is_joint(self) -> Mask:
        return self.returns.is_joint[self.people.row]

    @property
    def has_dependants(self) -> Mask:
        return (self.returns.dependants > 0)[self.people.row]


def frame_of(returns: Returns, people: People, seed: int) -> Frame:
    """The frame for these people; households, returns and people have seeds of their own."""
    household, number = returns.household[people.row], returns.number[people.row]
    return Frame(
        returns,
        people,
        Draws(household * 10_000 + number * 100 + people.number, seed),
        Draws(household * 100 + number, seed + 1000),
        Draws(household, seed + 2000),
    )


def person_columns(frame: Frame) -> Columns:
    """Every column of a person but identity, links and birth date; `age` and `months` stand for it. Dollars."""
    facts: Columns = _ages(frame)
    age = np.asarray(facts["age"])
    facts.update(_incomes(frame, age))
    facts.update(_health(frame, age, facts))
    facts.update(_school_and_work(frame, age, facts))
    facts.update(_standing(frame, age, facts))
    facts.update(_means(frame, age, facts))
    return facts


def _ages(frame: Frame) -> Columns:
    own, place, head_age = frame.own, frame.people.place, frame.column("age_head")
    adult = np.maximum(21, np.minimum(own.whole("age", 21, 30), np.maximum(head_age - 16, 21)))
    age = np.select(
        [
            place == band
            for band in (survey.HEAD, survey.SPOUSE, survey.UNDER_6, survey.FROM_6, survey.FROM_13, survey.FROM_18)
        ],
        [
            head_age,
            frame.column("age_spouse"),
            own.whole("age", 0, 5),
            own.whole("age", 6, 12),
            own.whole("age", 13, 17),
            own.whole("age", 18, 20),
        ],
        adult,
    ).astype(np.int64)
    # Couples are of two sexes here, so that a return has at most one mother.
    one_parent = frame.column("MARS") == survey.SINGLE_PARENT_RETURN
    sex = frame.of_return.share("sex")
    head_is_woman = np.where(frame.is_joint, sex < 0.35, np.where(one_parent, sex < 0.8, sex < 0.5))
    woman = np.where(frame.head, head_is_woman, np.where(frame.spouse, ~head_is_woman, own.below("sex", 0.5)))
    return {"age": age, "months": own.whole("months", 0, 11), "is_woman": woman.astype(bool)}


def _dollars(values: npt.NDArray[np.generic]) -> Whole:
    return np.rint(np.maximum(values.astype(np.float64), 0)).astype(np.int64)


def _incomes(frame: Frame, age: Whole) -> Columns:
    own, column, head, spouse = frame.own, frame.column, frame.head, frame.spouse
    wages: npt.NDArray[np.generic] = np.select([head, spouse], [column("e00200p"), column("e00200s")], 0)
    works = frame.dependant & (age >= 15) & own.below("depwork", 0.22)
    earns = np.where(own.below("depwage", 0.12), own.whole("depw2", 9000, 24000), own.whole("depw", 600, 9000))
    wages = np.where(works, earns, wages)
    business = np.select([head, spouse], [column("e00900p"), column("e00900s")], 0)

    def of_head(values: npt.NDArray[np.generic]) -> Whole:
        return _dollars(np.where(head, values, 0))

    benefit = _social_security(frame)
    is_disability = (benefit > 0) & (age < PENSION_AGE)
    veterans = np.where(head, column("vet_ben"), 0)
    dividends, qualified = column("e00600"), np.minimum(column("e00650"), column("e00600"))
    support = of_head(column("e00800"))
    alone = head & frame.has_dependants & (column("MARS") == survey.SINGLE_PARENT_RETURN)
    support = np.where(alone & own.below("csrec", 0.25), own.whole("csr", 50, 600) * 12, support)
    to_child = frame.dependant & (age < 18) & own.below("csrec", 0.02)
    support = np.where(to_child, own.whole("csr", 50, 900) * 12, support)
    assistance = np.where(head & own.below("ga", 0.008), own.whole("gaa", 40, 300) * 12, 0)
    paid = np.where(~frame.dependant & own.below("cspd", 0.025), own.whole("csp", 60, 500) * 12, 0)
    return {
        "wages": _dollars(wages),
        "self_employment_income": _dollars(business),
        "social_security_retirement": np.where(is_disability, 0, benefit),
        "social_security_disability": np.where(is_disability, benefit, 0),
        "veterans_benefits": np.where(veterans > 0, _dollars(veterans / 3), 0),
        "unemployment_compensation": of_head(column("e02300")),
        "taxable_interest": of_head(column("e00300")),
        "tax_exempt_interest": of_head(column("e00400")),
        "qualified_dividends": of_head(qualified),
        "other_dividends": of_head(dividends - qualified),
        "long_term_capital_gains": of_head(column("e01100")),
        "taxable_pension": of_head(column("e01700") + column("e01400")),
        "tax_exempt_pension": of_head(np.maximum(column("e01500") - column("e01700"), 0)),
        "general_assistance": assistance,
        "child_support_received": support,
        "child_support_paid": paid,
    }


def _social_security(frame: Frame) -> Whole:
    """The return's benefit, given to whoever of the filers has the age; both share it where both have."""
    head_old = frame.column("age_head") >= PENSION_AGE
    spouse_old = frame.column("age_spouse") >= PENSION_AGE
    both = frame.is_joint & head_old & spouse_old
    shared = np.where(frame.head, 0.6, np.where(frame.spouse, 0.4, 0.0))
    alone = np.where(frame.is_joint & ~head_old & spouse_old, frame.spouse, frame.head) * 1.0
    return _dollars(frame.column("e02400") * np.where(both, shared, alone))


def _health(frame: Frame, age: Whole, facts: Columns) -> Columns:
    own = frame.own
    blind = np.select([frame.head, frame.spouse], [frame.column("blind_head"), frame.column("blind_spouse")], 0) > 0
    blind |= frame.dependant & own.below("blind", 0.003)
    severe = np.asarray(facts["social_security_disability"]) > 0
    severe |= frame.head & (frame.column("ssi_ben") > 0) & (age < 65)
    severe |= (age >= 18) & (age < 65) & own.below("sev", 0.02)
    severe |= (age < 18) & own.below("sev", 0.012)
    disabled = severe | blind | ((age >= 16) & (age < 70) & own.below("dis", 0.03))
    woman = np.asarray(facts["is_woman"], dtype=bool)
    pregnant = woman & (age >= 15) & (age <= 44) & own.below("preg", 0.04)
    children = np.where(pregnant, np.where(own.below("twins", 0.05), 2, 1), 0)
    infants = np.bincount(frame.people.row, age == 0, len(frame.returns.household))[frame.people.row]
    nursing = ~frame.dependant & frame.has_dependants & woman & (infants > 0) & own.below("bf", 0.45)
    return {
        "is_blind": blind,
        "meets_ssi_disability": severe,
        "has_disability": disabled,
        "expected_children": children,
        "breastfeeding": np.select([nursing & own.below("fullbf", 0.5), nursing], ["full", "partial"], "none").astype(
            object
        ),
        "receives_medicaid": (frame.column("mcaid_ben") > 0) & own.below("mcd", 0.8),
    }


def _school_and_work(frame: Frame, age: Whole, facts: Columns) -> Columns:
    own, dependant = frame.own, frame.dependant
    full = dependant & (age >= 18) & (age <= 23) & own.below("ft", 0.55)
    full |= ~dependant & (age >= 17) & (age <= 35) & own.below("ft", 0.06)
    full |= ~dependant & (age > 35) & (age < 60) & own.below("ft", 0.008)
    part = ~full & (age >= 18) & (age < 60) & own.below("pt", 0.012)
    earned = np.asarray(facts["wages"]) + np.asarray(facts["self_employment_income"])
    hours = np.clip(np.rint(earned / 52 / (7.25 + 20 * own.share("wage"))), 1, 70)
    hours = np.where(earned > 0, hours, 0)
    hours = np.where((earned > 0) & own.below("hr20", 0.1), 20, hours)
    hours = np.where((earned > 0) & own.below("hr30", 0.1), 30, hours)
    in_program = (age >= 18) & (age < 60) & own.below("prog", 0.015)
    return {
        "college_attendance": np.select([full, part], ["full_time", "part_time"], "none").astype(object),
        "weekly_hours_worked": hours.astype(np.int64),
        "is_veteran": (np.asarray(facts["veterans_benefits"]) > 0) | ((age >= 20) & own.below("vet", 0.03)),
        "was_in_foster_care": (age < 25) & own.below("fost", 0.006),
        "is_migratory_child": (age < 18) & own.below("migr", 0.003),
        "is_runaway_child": (age < 18) & own.below("runa", 0.002),
        "in_head_start": (age >= 3) & (age <= 4) & own.below("hs", 0.12),
        "work_registration_failed": (age >= 16) & (age < 60) & own.below("nonc", 0.006),
        "work_program_hours": np.where(in_program, np.where(own.below("progh", 0.5), 20, 10), 0),
    }


def _standing(frame: Frame, age: Whole, facts: Columns) -> Columns:
    """Status under the benefit statutes and numbers: one household in twenty has members who are not citizens."""
    own = frame.own
    mixed = frame.of_household.below("mixed", 0.05)
    drawn = own.share("status")
    kinds = np.select(
        [drawn < 0.35, drawn < 0.45, drawn < 0.6], ["permanent_resident", "refugee", "citizen"], "none"
    ).astype(object)
    status = np.where(mixed & (age >= 1) & ~(frame.dependant & (drawn > 0.5)), kinds, "citizen")
    status = np.where((status == "none") & frame.dependant & (age < 10), "citizen", status)
    citizen = status == "citizen"
    unnumbered = frame.dependant & citizen & own.below("nossn", 0.006)
    numbered = ~unnumbered & (status != "none")
    return {
        "eligible_noncitizen_status": status,
        "years_in_status": np.where(citizen, 0, np.minimum(own.whole("yrs", 0, 20), age)),
        "has_work_ssn": numbered,
        "has_taxpayer_number": numbered | ~own.below("tin", 0.4),
    }


def _means(frame: Frame, age: Whole, facts: Columns) -> Columns:
    own, kind = frame.own, frame.own.share("res")
    resources = np.where(
        kind < 0.62,
        own.whole("r1", 0, 900),
        np.where(
            kind < 0.82,
            own.whole("r2", 900, 3500),
            np.where(kind < 0.91, own.whole("r3", 3000, 12000), own.whole("r4", 8000, 200000)),
        ),
    )
    steady = sum(
        np.asarray(facts[name])
        for name in (
            "wages",
            "self_employment_income",
            "social_security_retirement",
            "social_security_disability",
            "taxable_pension",
        )
    )
    resources = np.where(steady > 60000, resources + own.whole("r5", 0, 50000), resources)
    resources = np.where(age < 18, np.where(own.below("resc", 0.9), 0, own.whole("r6", 50, 3000)), resources)
    disabled = np.asarray(facts["has_disability"], dtype=bool)
    medical = np.where(
        (age >= 60) | disabled,
        np.where(own.below("med", 0.55), own.whole("m1", 0, 6000), 0),
        np.where(own.below("med", 0.3), own.whole("m2", 0, 3000), 0),
    )
    frail, arrangement = disabled | (age >= 65), own.share("la")
    other = frail & (arrangement < 0.02)
    facility = frail & (age >= 18) & (arrangement < 0.026) & ~other
    helped = frail & ~other & ~facility & own.below("ism", 0.06)
    return {
        "countable_resources": resources,
        "medical_expenses": medical,
        "ssi_living_arrangement": np.select(
            [other, facility], ["anothers_household", "medical_facility"], "own"
        ).astype(object),
        "receives_shelter_support": helped,
        "shelter_support_value": np.where(helped & own.below("ismv", 0.6), own.whole("ismw", 30, 500) * 12, 0),
    }
