"""What one table's delivery says of one partition before anything goes wrong: rows of encoded facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.city.columns import Flags
from features.city.deliveries.calendar import Calendar, Round
from features.city.deliveries.faults import Victims
from features.city.margins import FaultRates
from features.city.past import POSITION
from features.city.people import day_number
from features.city.quarter import HOUSEHOLD, Quarter
from features.facts.subjects import PERSON
from features.history.records import STATED, STATUS, TRUE_FROM
from features.registers.contracts import Table


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


def make_sheet(
    quarter: Quarter, table: Table, of: Round, calendar: Calendar, victims: Victims, faults: FaultRates, seed: int
) -> Sheet:
    """The rows that a department would deliver if it made no mistake but those of timing."""
    kind, people = table.kind, quarter.people
    past = quarter.past[kind]
    if kind == PERSON and set(table.view.facts) & {"deceased", "death_date"} and of is Round.OPENING:
        rows = _before_late_deaths(past.rows_of(table.view.facts), victims.late_death)
    else:
        rows = past.rows_of(table.view.facts)
    rows = _of_round(rows, table, of, calendar)
    listed = _listed(quarter, table, of, victims, faults, seed)
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


def _listed(
    quarter: Quarter, table: Table, of: Round, victims: Victims, faults: FaultRates, seed: int
) -> Flags:
    """Whom the department has on its list."""
    people, facts = quarter.people, quarter.facts[table.kind]
    rng = np.random.default_rng([seed, people.partition, 2])
    listed = quarter.listed[table.kind].copy()
    if table.kind == HOUSEHOLD:
        assisted = people.sum_by_household((quarter.facts[PERSON]["receives_dibao"]).to_numpy()) > 0
        checked = assisted | (rng.random(people.households) >= faults.gaps["means_not_checked"])
        if "hardship_cause" in facts.facts and "hardship_cause" in table.view.facts:
            listed &= (facts["hardship_cause"] != "none").to_numpy()
        else:
            listed &= checked
        if table.id == "civil_affairs.household_checks":
            listed &= victims.stale_income if of is Round.EARLIER else ~victims.stale_income
    elif table.kind == PERSON:
        foreign = ~people.local & (rng.random(people.n) < faults.gaps["not_passed_on"])
        frail = (facts["ability_level"] != "intact").to_numpy() & (rng.random(people.n) < faults.gaps["not_assessed"])
        if table.id == "public_security.deaths":
            listed &= people.dead
            if of is Round.OPENING:
                listed &= ~victims.late_death
        elif table.id in ("health.births", "civil_affairs.marriages", "disabled_persons_federation.certificates"):
            listed &= ~foreign
            if table.id == "disabled_persons_federation.certificates":
                listed |= victims.withdrawn
        elif table.id in ("civil_affairs.elders", "healthcare_security.long_term_care"):
            listed &= ~frail
        elif table.id == "human_resources_social_security.death_grants":
            listed &= people.dead
        elif table.id == "citizen_declaration.consents":
            listed &= facts.flags("consent_given")
        elif table.id == "finance.childcare_subsidies":
            listed &= people.age < 6
    return listed
