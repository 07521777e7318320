"""Our fact tables as the files that the peer's script reads: names and codes are the peer's, money is whole dollars."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

MINOR_UNITS = 100
STATUS = {
    "citizen": "CITIZEN",
    "permanent_resident": "LEGAL_PERMANENT_RESIDENT",
    "refugee": "REFUGEE",
    "none": "UNDOCUMENTED",
}
SAME = (
    "id",
    "household_id",
    "tax_unit_id",
    "is_blind",
    "meets_ssi_disability",
    "weekly_hours_worked",
    "is_veteran",
    "was_in_foster_care",
    "is_migratory_child",
    "is_runaway_child",
    "in_head_start",
    "receives_shelter_support",
    "receives_medicaid",
)
MONEY = (
    "shelter_support_value",
    "wages",
    "self_employment_income",
    "taxable_interest",
    "tax_exempt_interest",
    "qualified_dividends",
    "other_dividends",
    "long_term_capital_gains",
    "taxable_pension",
    "tax_exempt_pension",
    "unemployment_compensation",
    "social_security_retirement",
    "social_security_disability",
    "veterans_benefits",
    "general_assistance",
    "child_support_received",
    "child_support_paid",
    "state_ssi_supplement",
    "countable_resources",
    "medical_expenses",
)
CODES = ("tax_unit_role", "ssi_living_arrangement")
RENAMED = {
    "has_disability": "is_disabled",
    "expected_children": "expected_babies",
    "years_in_status": "years_in_us",
    "work_registration_failed": "work_registration_noncompliant",
    "work_program_hours": "snap_work_program_hours",
    "has_taxpayer_number": "has_tin",
}
HOUSEHOLD_SAME = (
    "id",
    "is_homeless",
    "is_rural",
    "is_on_tribal_land",
    "pays_heating_or_cooling",
    "pays_electricity",
    "pays_water",
    "pays_trash",
    "receives_housing_assistance",
)
HOUSEHOLD_MONEY = ("housing_cost", "childcare_cost", "phone_cost", "broadband_cost", "tanf")


def write_peer_facts(folder: Path, tables: dict[str, pl.DataFrame], on_date: dt.date) -> None:
    """Write person, tax_unit and household files for the peer."""
    folder.mkdir(parents=True, exist_ok=True)
    people = _people(tables["person"], on_date)
    people.write_parquet(folder / "person.parquet")
    people.select(id="tax_unit_id", household_id="household_id").unique("id", maintain_order=True).write_parquet(
        folder / "tax_unit.parquet"
    )
    tables["household"].select(
        *HOUSEHOLD_SAME,
        *(pl.col(name) // MINOR_UNITS for name in HOUSEHOLD_MONEY),
        pl.col("state_area").cast(pl.String).str.strip_prefix("US-").alias("state"),
    ).write_parquet(folder / "household.parquet")


def _people(person: pl.DataFrame, on_date: dt.date) -> pl.DataFrame:
    born = pl.col("birth_date")
    months = (
        (on_date.year - born.dt.year()) * 12
        + on_date.month
        - born.dt.month()
        - (born.dt.day() > on_date.day).cast(pl.Int32)
    )
    role, status = pl.col("tax_unit_role").cast(pl.String), pl.col("eligible_noncitizen_status").cast(pl.String)
    college, nursing = pl.col("college_attendance").cast(pl.String), pl.col("breastfeeding").cast(pl.String)
    is_filer = role != "dependent"
    first_unit = pl.col("tax_unit_id").first().over("household_id")
    citizen = status == "citizen"
    return person.select(
        *SAME,
        *(pl.col(name) // MINOR_UNITS for name in MONEY),
        *(pl.col(name).cast(pl.String) for name in CODES),
        *(pl.col(ours).alias(theirs) for ours, theirs in RENAMED.items()),
        (months // 12).cast(pl.Int64).alias("age"),
        months.cast(pl.Int64).alias("age_months"),
        ((role == "head") & (pl.col("tax_unit_id") == first_unit)).alias("is_household_head"),
        (is_filer & (~is_filer).any().over("tax_unit_id")).alias("is_parent"),
        (pl.col("sex").cast(pl.String) == "female").alias("is_female"),
        (pl.col("expected_children") > 0).alias("is_pregnant"),
        (nursing != "none").alias("is_breastfeeding"),
        (nursing == "full").alias("is_fully_breastfeeding"),
        (college == "full_time").alias("is_full_time_college_student"),
        (college == "part_time").alias("is_part_time_college_student"),
        status.replace_strict(STATUS).alias("immigration_status"),
        pl.when(~pl.col("has_work_ssn"))
        .then(pl.lit("NONE"))
        .when(citizen)
        .then(pl.lit("CITIZEN"))
        .otherwise(pl.lit("NON_CITIZEN_VALID_EAD"))
        .alias("ssn_card_type"),
    )
