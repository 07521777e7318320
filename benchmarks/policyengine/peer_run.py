"""Runs policyengine-us on a folder of facts. Started in that program's own environment only; imports nothing of ours.

Reads person, tax_unit and household Parquet files and writes one row per subject and benefit: subject, id, benefit,
outcome, amount (dollars), per. What the facts give, the program may not estimate itself: state payments, receipt of
Medicaid, costs. Every return is filed.
"""

# mypy: ignore-errors

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

_BEGUN = time.process_time()
from policyengine_core.simulations import SimulationBuilder  # noqa: E402
from policyengine_us import Simulation  # noqa: E402
from policyengine_us.system import system  # noqa: E402

IMPORT_SECONDS = time.process_time() - _BEGUN

SAME = (
    "is_female",
    "is_parent",
    "is_blind",
    "is_pregnant",
    "is_breastfeeding",
    "is_full_time_college_student",
    "is_part_time_college_student",
    "is_veteran",
    "was_in_foster_care",
    "is_migratory_child",
    "is_runaway_child",
    "has_tin",
    "social_security_retirement",
    "social_security_disability",
    "veterans_benefits",
    "general_assistance",
    "child_support_received",
    "is_disabled",
)
RENAMED = {
    "expected_babies": "current_pregnancies",
    "weekly_hours_worked": "weekly_hours_worked_before_lsr",
    "in_head_start": "is_head_start_eligible",
    "snap_work_program_hours": "weekly_snap_work_program_hours",
    "years_in_us": "years_since_us_entry",
    "shelter_support_value": "ssi_shelter_support_value",
    "receives_medicaid": "medicaid_enrolled",
    "wages": "employment_income_before_lsr",
    "self_employment_income": "self_employment_income_before_lsr",
    "taxable_interest": "taxable_interest_income",
    "tax_exempt_interest": "tax_exempt_interest_income",
    "qualified_dividends": "qualified_dividend_income",
    "other_dividends": "non_qualified_dividend_income",
    "long_term_capital_gains": "long_term_capital_gains_before_response",
    "taxable_pension": "taxable_private_pension_income",
    "tax_exempt_pension": "tax_exempt_private_pension_income",
    "unemployment_compensation": "total_unemployment_compensation",
    "child_support_paid": "child_support_expense",
    "countable_resources": "bank_account_assets",
    "medical_expenses": "snap_allowable_medical_expenses",
    "meets_ssi_disability": "meets_ssi_disability_criteria",
    "work_registration_noncompliant": "is_snap_work_registration_noncompliant",
    "is_fully_breastfeeding": "is_wic_fully_breastfeeding",
    "receives_shelter_support": "ssi_receives_outside_shelter_support",
}
HOUSEHOLD_SAME = (
    "is_homeless",
    "is_rural",
    "is_on_tribal_land",
    "housing_cost",
    "phone_cost",
    "broadband_cost",
    "tanf",
    "receives_housing_assistance",
)
BILLS = {
    "pays_heating_or_cooling": ("heating_cooling_expense", 1200.0),
    "pays_electricity": ("pre_subsidy_electricity_expense", 600.0),
    "pays_water": ("water_expense", 360.0),
    "pays_trash": ("trash_expense", 240.0),
}
SUPPLEMENTS = {"SD": "sd_ssp", "UT": "ut_dhhs_ssp", "WY": "wy_ssp"}
LIVES_WITH_OTHERS = (
    "ssi_lives_in_another_persons_household",
    "ssi_receives_shelter_from_others_in_household",
    "ssi_others_pay_all_meals",
)
IN_FACILITY = ("ssi_lives_in_medical_treatment_facility", "ssi_medicaid_pays_majority_of_care")
DUST = 0.005
"""Amounts below half a cent are rounding."""


class Peer:
    """One simulation."""

    def __init__(self, folder: Path, month: str) -> None:
        self.month, self.year = month, month[:4]
        self.months = [f"{self.year}-{number:02d}" for number in range(1, 13)]
        self.household = pd.read_parquet(folder / "household.parquet")
        self.tax_unit = pd.read_parquet(folder / "tax_unit.parquet")
        self.person = self._ordered(pd.read_parquet(folder / "person.parquet"))
        self.simulation = self._built()
        self._put_people()
        self._put_households()
        self.seconds: dict[str, float] = {}

    def _ordered(self, person: pd.DataFrame) -> pd.DataFrame:
        home = pd.Series(np.arange(len(self.household)), self.household.id)
        unit = pd.Series(np.arange(len(self.tax_unit)), self.tax_unit.id)
        person = person.assign(
            home=home.loc[person.household_id].to_numpy(),
            unit=unit.loc[person.tax_unit_id].to_numpy(),
            place=person.tax_unit_role.map({"head": 0, "spouse": 1, "dependent": 2}),
        )
        return person.sort_values(["home", "unit", "place"], kind="stable").reset_index(drop=True)

    def _built(self) -> Simulation:
        count, units = len(self.person), len(self.tax_unit)
        home, unit = self.person.home.to_numpy(), self.person.unit.to_numpy()
        alone = self.person.tax_unit_role.eq("dependent").to_numpy()
        _, couple = np.unique(np.where(alone, units + np.arange(count), unit), return_inverse=True)
        builder = SimulationBuilder()
        builder.populations = system.instantiate_entities()
        builder.declare_person_entity("person", np.arange(count))
        members = np.array(["member"] * count)
        for name, group in (
            ("household", home),
            ("spm_unit", home),
            ("family", unit),
            ("tax_unit", unit),
            ("marital_unit", couple),
        ):
            entity = builder.declare_entity(name, np.arange(group.max() + 1))
            builder.join_with_persons(entity, group, members)
        return Simulation(populations=builder.populations)

    def put(self, variable: str, values: np.ndarray) -> None:
        """Set an input for the year, or for each of its months."""
        definition = system.variables[variable]
        values = np.asarray(values)
        if values.dtype == object:
            values = definition.possible_values.encode(values.astype(str))
        for period in self.months if definition.definition_period == "month" else [self.year]:
            self.simulation.set_input(variable, period, values)

    def _put_people(self) -> None:
        person = self.person
        self.simulation.set_input("person_id", self.year, np.arange(len(person)))
        self.simulation.set_input("tax_unit_id", self.year, np.arange(len(self.tax_unit)))
        self.simulation.set_input("is_household_head", "eternity", person.is_household_head.to_numpy(bool))
        self.put("age", np.where(person.age == 0, person.age_months / 12.0, person.age).astype(float))
        self.put("tax_unit_role_input", person.tax_unit_role.str.upper().to_numpy(object))
        for code in ("immigration_status", "ssn_card_type"):
            self.put(code, person[code].to_numpy(object))
        for name in SAME:
            self.put(name, person[name].to_numpy())
        for name, variable in RENAMED.items():
            self.put(variable, person[name].to_numpy())
        self.put("is_permanently_and_totally_disabled", person.meets_ssi_disability.to_numpy(bool))
        for variable in LIVES_WITH_OTHERS:
            self.put(variable, person.ssi_living_arrangement.eq("anothers_household").to_numpy())
        for variable in IN_FACILITY:
            self.put(variable, person.ssi_living_arrangement.eq("medical_facility").to_numpy())

    def _put_households(self) -> None:
        household, person = self.household, self.person
        self.put("state_code", household.state.to_numpy(object))
        for name in HOUSEHOLD_SAME:
            self.put(name, household[name].to_numpy())
        self.put("childcare_expenses", household.childcare_cost.to_numpy())
        for name, (variable, cost) in BILLS.items():
            self.put(variable, household[name].to_numpy() * cost)
        state = household.state.to_numpy()[person.home.to_numpy()]
        for code, variable in SUPPLEMENTS.items():
            self.put(variable, np.where(state == code, person.state_ssi_supplement.to_numpy() / 12.0, 0.0))
        self.put("would_file_taxes_voluntarily", np.ones(len(self.tax_unit), bool))

    def ask(self, variable: str, period: str) -> np.ndarray:
        """One variable's values; the time is noted."""
        begun = time.process_time()
        values = self.simulation.calculate(variable, period)
        self.seconds[variable] = time.process_time() - begun
        return values.decode_to_str() if hasattr(values, "decode_to_str") else np.asarray(values)

    def answers(self) -> pd.DataFrame:
        """Every benefit's outcome and amount."""
        people, homes, units = self.person.id, self.household.id, self.tax_unit.id
        month, year = self.month, self.year
        ssi, snap, is_eligible = self.ask("ssi", month), self.ask("snap", month), self.ask("is_snap_eligible", month)
        for other in self.months:
            if other != month:  # where another benefit asks for the year's SNAP, this month's stands for all
                self.simulation.set_input("snap", other, snap)
        eitc, ctc = self.ask("eitc", year), self.ask("ctc_value", year)
        wic, in_wic = self.ask("wic", month), self.ask("is_wic_eligible", month)
        tier, home = self.ask("school_meal_tier", year), self.person.home.to_numpy()
        meals = self.ask("school_meal_daily_subsidy", year) - self.ask("school_meal_paid_daily_subsidy", year)
        fed = self.ask("is_in_k12_school", year) & (tier[home] != "PAID")
        lifeline, in_lifeline = self.ask("lifeline", year) / 12, self.ask("is_lifeline_eligible", year)
        adult = self.ask("is_adult_for_medicaid", year) & self.ask("is_medicaid_immigration_status_eligible", year)
        for group in ("pregnant", "parent", "ssi_recipient", "young_adult"):
            adult = adult & ~self.ask(f"is_{group}_for_medicaid", year).astype(bool)
        frames = [
            _frame("person", people, "ssi", ssi > DUST, ssi, "month"),
            _frame("household", homes, "snap", is_eligible & (snap > 0), snap, "month"),
            _frame("tax_unit", units, "eitc", eitc > DUST, eitc, "year"),
            _frame("tax_unit", units, "ctc", ctc > DUST, ctc, "year"),
            _frame("person", people, "wic", in_wic, wic, "month"),
            _frame("person", people, "school_meals", fed, meals[home], "day"),
            _frame("household", homes, "lifeline", in_lifeline, lifeline, "month"),
            _frame("person", people, "medicaid_adult", adult, np.zeros(len(people)), "month"),
        ]
        return pd.concat(frames, ignore_index=True)


def _frame(
    subject: str, ids: pd.Series, benefit: str, eligible: np.ndarray, amount: np.ndarray, per: str
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subject": subject,
            "id": ids,
            "benefit": benefit,
            "outcome": np.where(eligible, "eligible", "ineligible"),
            "amount": np.where(eligible, np.asarray(amount, float), 0.0),
            "per": per,
        }
    )


def main() -> None:
    """Read the command line, run, write the answers, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=Path, required=True)
    parser.add_argument("--month", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    begun = time.process_time()
    peer = Peer(options.facts, options.month)
    build = time.process_time() - begun
    peer.answers().to_parquet(options.out, index=False)
    print(
        json.dumps(
            {
                "households": len(peer.household),
                "cpu_import_seconds": IMPORT_SECONDS,
                "cpu_build_seconds": build,
                "cpu_benefits_seconds": sum(peer.seconds.values()),
                "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
