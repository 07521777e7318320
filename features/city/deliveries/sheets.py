"""What one table's delivery says of one partition before anything goes wrong: rows of encoded facts."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.city.columns import Flags
from features.city.courses import HOUSEHOLD
from features.city.deliveries.calendar import Calendar, Round
from features.city.deliveries.faults import Victims
from features.city.past import POSITION
from features.city.people import day_number
from features.city.quarter import Quarter
from features.facts.subjects import PERSON
from features.history.records import STATED, STATUS, TRUE_FROM
from features.registers.contracts import Table

MEANS = (
    "household_income_month",
    "household_income_year",
    "household_assets_within_limit",
    "temporary_assistance_year",
)
OLDEST_WITH_CHILDCARE_SUBSIDY = 6


@dataclass(slots=True)
class Sheet:
    """Rows of one table, round and partition.

    `rows`: position (UInt32, of the subject), id, the facts as encoded, true_from, status; in the order of the file.
    """

    table: Table
    round: Round
    rows: pl.DataFrame

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts in the order of the contract."""
        return self.table.view.facts


def make_sheet(quarter: Quarter, table: Table, of: Round, calendar: Calendar, victims: Victims) -> Sheet:
    """The rows that a department would deliver if it made no mistake but those of timing."""
    kind, people = table.kind, quarter.people
    past = quarter.past[kind]
    if kind == PERSON and set(table.view.facts) & {"deceased", "death_date"} and of is Round.OPENING:
        rows = _before_late_deaths(past.rows_of(table.view.facts), victims.late_death)
    else:
        rows = past.rows_of(table.view.facts)
    rows = _of_round(rows, table, of, calendar)
    if kind == HOUSEHOLD and of is not Round.EARLIER:
        rows = _without_unchecked_means(rows, victims.unchecked)
    listed = _listed(quarter, table, of, victims)
    rows = rows.filter(pl.Series(listed).gather(rows.get_column(POSITION)))
    ids = quarter.facts[kind].ids.gather(rows.get_column(POSITION)).alias("id")
    status = pl.Series(STATUS, [STATED]).new_from_index(0, rows.height)
    assert people.today == day_number(calendar.today)
    return Sheet(table, of, rows.insert_column(1, ids).with_columns(status.alias(STATUS)))


def _before_late_deaths(rows: pl.DataFrame, late: Flags) -> pl.DataFrame:
    """Without the deaths that are not known yet."""
    unknown = pl.Series(late).gather(rows.get_column(POSITION)) & rows.get_column("deceased")
    return rows.filter(~unknown)


def _of_round(rows: pl.DataFrame, table: Table, of: Round, calendar: Calendar) -> pl.DataFrame:
    """The opening delivery brings the history; a later one today's state and what happened in between."""
    day = calendar.day(of)
    rows = rows.filter(pl.col(TRUE_FROM) <= day)
    rounds = calendar.rounds(table.id)
    if of is Round.EARLIER or (of is Round.LATEST and Round.OPENING in rounds):
        last = pl.col(POSITION).is_last_distinct()
        rows = rows.filter(last | (pl.col(TRUE_FROM) > calendar.day(Round.OPENING)))
    return rows


def _listed(quarter: Quarter, table: Table, of: Round, victims: Victims) -> Flags:
    """Whom the department has on its list."""
    people, facts, listed = quarter.people, quarter.facts[table.kind], quarter.listed[table.kind]
    only: dict[str, Flags] = {}
    if table.kind == HOUSEHOLD:
        checked_now = victims.stale_income if of is Round.EARLIER else ~victims.stale_income
        only = {
            "civil_affairs.household_checks": checked_now,
            "housing.protection": ~victims.unchecked,
            "citizen_declaration.hardships": (facts["hardship_cause"] != "none").to_numpy(),
        }
    elif table.kind == PERSON:
        died = people.dead & ~victims.late_death if of is Round.OPENING else people.dead
        only = {
            "public_security.deaths": died,
            "health.births": ~victims.not_passed_on,
            "civil_affairs.marriages": ~victims.not_passed_on,
            "disabled_persons_federation.certificates": ~victims.not_passed_on | victims.withdrawn,
            "civil_affairs.elders": ~victims.not_assessed,
            "healthcare_security.long_term_care": ~victims.not_assessed,
            "human_resources_social_security.death_grants": people.dead,
            "citizen_declaration.consents": facts.flags("consent_given"),
            "finance.childcare_subsidies": people.age < OLDEST_WITH_CHILDCARE_SUBSIDY,
        }
    return listed & only[table.id] if table.id in only else listed


def _without_unchecked_means(rows: pl.DataFrame, unchecked: Flags) -> pl.DataFrame:
    """Every household is on the list; of those whose means nobody checked it says only who they are."""
    known = pl.Series(~unchecked).gather(rows.get_column(POSITION))
    return rows.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name in MEANS if name in rows.columns)
