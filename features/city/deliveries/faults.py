"""Which faults there are, whom they hit in a partition, and the list of what was planted."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from features.city.columns import Flags
from features.city.courses import HOUSEHOLD
from features.city.deliveries.calendar import DAYS_BEFORE, Round
from features.city.margins import FaultRates
from features.city.quarter import Quarter
from features.facts.subjects import PERSON
from features.registers.contracts import Table

LATE_AT_LEAST = 60
"""Days before today: a death that is known late is at least so old."""


class Fault(enum.Enum):
    """Kinds of fault."""

    HOMONYM = "homonym"
    LATE_DEATH = "late_death"
    UNREPORTED_MOVE = "unreported_move"
    STALE_INCOME = "stale_income"
    MISSING_ACCOUNT = "missing_account"
    CONFLICTING_BIRTH_DATE = "conflicting_birth_date"
    MOJIBAKE = "mojibake"
    DUPLICATED_BATCH = "duplicated_batch"
    WITHDRAWN_CERTIFICATE = "withdrawn_certificate"
    WRONG_CODE = "wrong_code"
    WRONG_AMOUNT = "wrong_amount"


FAULTS_SCHEMA = {
    "register": pl.String(), "view": pl.String(), "file": pl.String(), "row": pl.UInt32(),
    "kind_of_subject": pl.String(), "subject": pl.String(), "fact": pl.String(), "kind": pl.String(),
}  # fmt: skip


@dataclass(slots=True)
class FaultBook:
    """What was planted: one row per fault and place where it can be seen."""

    parts: list[pl.DataFrame] = field(default_factory=list)

    def note(
        self,
        table: Table,
        file: str,
        fault: Fault,
        rows: Iterable[int] | None,
        ids: Iterable[str | None],
        fact: str | None,
    ) -> None:
        """Write down a fault; `rows` is None where the whole file is meant."""
        subjects = pl.Series("subject", list(ids), dtype=pl.String)
        n = subjects.len()
        numbers = pl.Series("row", [None] * n if rows is None else list(rows), dtype=pl.UInt32)
        same = {"register": table.register.id, "view": table.id, "file": file, "kind_of_subject": table.kind,
                "fact": fact, "kind": fault.value}  # fmt: skip
        frame = pl.DataFrame([subjects, numbers]).with_columns(
            pl.lit(value, dtype=pl.String).alias(name) for name, value in same.items()
        )
        self.parts.append(frame.select(list(FAULTS_SCHEMA)))

    def note_mistaken_deaths(self, file: str, told: list[tuple[int, str]]) -> None:
        """Write down deaths that life events told of a namesake: the line, and of whom."""
        rows = [
            ("health", "events.death", file, line, PERSON, who, "deceased", Fault.HOMONYM.value) for line, who in told
        ]
        self.parts.append(pl.DataFrame(rows, schema=FAULTS_SCHEMA, orient="row"))

    def table(self) -> pl.DataFrame:
        """Everything noted so far."""
        return pl.concat([pl.DataFrame(schema=FAULTS_SCHEMA), *self.parts])


@dataclass(frozen=True, slots=True)
class Victims:
    """Whom faults hit in one partition, where several tables or rounds must agree about it.

    Attributes:
        late_death: persons whose death is known only in the latest round.
        moved: persons who live elsewhere than the register says; `old_home`: the position of whose home it says.
        stale_income: households that were last checked long ago.
        no_account: persons whose account is missing.
        birth_date: persons who were born on another day according to another register.
        withdrawn: persons with a certificate that should never have been issued.
        corrected: which persons' plausible wrong values the department has put right in the latest round.
        unchecked: households whose means nobody checked; no fault, but not known.
        not_passed_on: persons registered elsewhere of whom what is held there is not passed on.
        not_assessed: frail persons who were not assessed.
    """

    late_death: Flags
    moved: Flags
    old_home: np.ndarray
    stale_income: Flags
    no_account: Flags
    birth_date: Flags
    withdrawn: Flags
    corrected: Flags
    unchecked: Flags
    not_passed_on: Flags
    not_assessed: Flags


def choose_victims(quarter: Quarter, faults: FaultRates, seed: int) -> Victims:
    """Draw whom the faults hit; the same arguments hit the same ones."""
    people, rates, gaps = quarter.people, faults.rates, faults.gaps
    facts = quarter.facts[PERSON]
    assisted = people.sum_by_household(facts.flags("receives_dibao")) > 0
    frail = (facts["ability_level"] != "intact").to_numpy()
    rng = np.random.default_rng([seed, people.partition, 1])

    def some(count: int, fault: Fault) -> Flags:
        return rng.random(count) < rates[fault.value]

    n = people.n
    earlier = people.today - DAYS_BEFORE[Round.EARLIER]
    there_then = quarter.listed[HOUSEHOLD] & (quarter.past[HOUSEHOLD].first <= earlier)
    died = people.dead & (people.death > people.today - 365) & (people.death <= people.today - LATE_AT_LEAST)
    held = (facts["disability_certificate_status"] != "none").to_numpy()
    wrongly = np.zeros(n, dtype=bool)
    free = np.flatnonzero(~held & ~people.dead & (people.age >= 3))
    count = min(len(free), round(float(rates[Fault.WITHDRAWN_CERTIFICATE.value] * held.sum())))
    wrongly[rng.choice(free, count, replace=False)] = True
    return Victims(
        late_death=died & some(n, Fault.LATE_DEATH),
        moved=~people.dead & some(n, Fault.UNREPORTED_MOVE),
        old_home=rng.integers(0, max(n, 1), n).astype(np.uint32),
        stale_income=there_then & some(people.households, Fault.STALE_INCOME),
        no_account=facts.flags("bank_account_held") & some(n, Fault.MISSING_ACCOUNT),
        birth_date=some(n, Fault.CONFLICTING_BIRTH_DATE),
        withdrawn=wrongly,
        corrected=rng.random(n) < faults.corrected,
        unchecked=~assisted & (rng.random(people.households) < gaps["means_not_checked"]),
        not_passed_on=~people.local & (rng.random(n) < gaps["not_passed_on"]),
        not_assessed=frail & (rng.random(n) < gaps["not_assessed"]),
    )
