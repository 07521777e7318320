"""Plants faults into a sheet. Every function returns the sheet's new rows and notes what can be seen where.

A fault that must be seen by its words (an unreadable code, a garbled row) stands beside the rows, for encoded columns
cannot hold it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from features.city.columns import Flags
from features.city.courses import CERTIFICATE, HOUSEHOLD
from features.city.deliveries.calendar import Calendar, Round
from features.city.deliveries.faults import Fault, Victims
from features.city.deliveries.sheets import Sheet
from features.city.margins import FaultRates
from features.city.past import POSITION
from features.city.quarter import Quarter
from features.facts.subjects import PERSON
from features.history.records import STATED, STATUS, TRUE_FROM, WITHDRAWN

MOST_BAD = 0.004
"""The share of a sheet's rows that may be unreadable: a little less than the limit at which deliveries are refused."""
NAMESAKES_IN = frozenset(
    {
        "disabled_persons_federation.certificates", "civil_affairs.assistance", "healthcare_security.insured",
        "education.students", "human_resources_social_security.pensions",
    }
)  # fmt: skip
INCOMES = ("household_income_month", "household_income_year")
NO_SUCH_CODE = "X9"
NO_NUMBER = "12O5.00"
"""With the letter O for a zero."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A fault as it stands in a sheet: rows by their place in the sheet, and the fact, if it is about one."""

    fault: Fault
    rows: np.ndarray
    fact: str | None


@dataclass(slots=True)
class Planted:
    """A sheet with its faults.

    Attributes:
        sheet: the rows, faults included.
        seen: what was planted where.
        words: by fact, the rows whose cell reads as given instead.
        garbled: rows written in another encoding than the file's.
    """

    sheet: Sheet
    seen: list[Seen] = field(default_factory=list)
    words: dict[str, tuple[np.ndarray, str]] = field(default_factory=dict)
    garbled: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def plant(
    sheet: Sheet, quarter: Quarter, victims: Victims, faults: FaultRates, calendar: Calendar, form: str, seed: int
) -> Planted:
    """Plant every fault that can be in this sheet."""
    digest = zlib.crc32(sheet.table.id.encode())
    planter = _Planter(Planted(sheet), quarter, victims, faults, calendar, [seed, quarter.people.partition, 3, digest])
    planter.people_of_the_plan()
    planter.namesakes()
    planter.wrong_values(form)
    planter.garbled_rows(form)
    planter.late_deaths()
    return planter.planted


class _Planter:
    def __init__(
        self,
        planted: Planted,
        quarter: Quarter,
        victims: Victims,
        faults: FaultRates,
        calendar: Calendar,
        seed: list[int],
    ) -> None:
        self.planted, self.quarter, self.victims, self.faults, self.calendar = (
            planted,
            quarter,
            victims,
            faults,
            calendar,
        )
        self.sheet, self.table, self.seed = planted.sheet, planted.sheet.table, seed
        self.taken = np.zeros(quarter.facts[self.table.kind].n, dtype=bool)
        self.last_round = self.sheet.round is Round.LATEST
        self.corrects = self.last_round and Round.OPENING in calendar.rounds(self.table.id)

    # -- who was chosen for the whole partition ------------------------------------------------------------------------

    def people_of_the_plan(self) -> None:
        facts, v = set(self.sheet.facts), self.victims
        if self.table.kind == PERSON:
            if "residence_area" in facts:
                self._moves()
            if "bank_account_held" in facts:
                self._set("bank_account_held", v.no_account, pl.lit(None), Fault.MISSING_ACCOUNT)
            if "birth_date" in facts and self.table.register.id != "public_security":
                first = self.table.register.id == "healthcare_security"
                half = (np.arange(len(v.birth_date)) % 2 == 0) == first
                other_day = pl.col("birth_date") + pl.duration(days=31)
                self._set("birth_date", v.birth_date & half, other_day, Fault.CONFLICTING_BIRTH_DATE)
            if set(CERTIFICATE) <= facts:
                self._certificates()
        elif self.table.kind == HOUSEHOLD and self.sheet.round is Round.EARLIER and set(INCOMES) <= facts:
            for name in INCOMES:
                self._set(name, v.stale_income, (pl.col(name) // 400) * 100, Fault.STALE_INCOME)

    def _set(self, fact: str, who: Flags, value: pl.Expr, fault: Fault) -> None:
        """Say something else of some, in their latest row."""
        hit = self._last_rows(who)
        if len(hit):
            changed = pl.when(self._mask(hit)).then(value).otherwise(pl.col(fact))
            dtype = self.sheet.rows.schema[fact]
            self.sheet.rows = self.sheet.rows.with_columns(changed.cast(dtype).alias(fact))
            self._see(fault, hit, fact)
            self.taken |= who

    def _moves(self) -> None:
        rows = self.sheet.rows
        hit = self._last_rows(self.victims.moved)
        at = rows.get_column(POSITION).gather(pl.Series(hit.astype(np.uint32)))
        truth = self.quarter.facts[PERSON]["residence_area"]
        old = truth.gather(pl.Series(self.victims.old_home).gather(at))
        differs = (old != truth.gather(at)).to_numpy()
        hit, old = hit[differs], old.filter(pl.Series(differs))
        column = rows.get_column("residence_area").scatter(pl.Series(hit.astype(np.uint32)), old)
        self.sheet.rows = rows.with_columns(column.alias("residence_area"))
        self._see(Fault.UNREPORTED_MOVE, hit, "residence_area")
        self.taken |= self.victims.moved

    def _certificates(self) -> None:
        """Somebody has a certificate whom nobody examined; the department takes it back in its latest delivery."""
        rng = np.random.default_rng([*self.seed, 5])
        n = len(self.victims.withdrawn)
        grade, since = rng.integers(1, 3, n), self.quarter.people.today - rng.integers(100, 600, n)
        at = np.flatnonzero(self.victims.withdrawn)
        people = self.quarter.people
        since = np.maximum(since, people.birth + 1)
        schema = self.sheet.rows.schema
        held = {
            POSITION: pl.Series(at, dtype=pl.UInt32),
            "id": people.ids.gather(pl.Series(at.astype(np.uint32))),
            "disability_certificate_status": ["valid"] * len(at),
            "disability_certificate_valid_to": pl.Series((since[at] + 3_650).astype(np.int32)).cast(pl.Date),
            "disability_certificate_area": pl.Series(people.hukou[at].tolist(), dtype=pl.String),
            "disability_grade": grade[at],
            "disability_category": ["physical"] * len(at),
            "disability_multiple": [False] * len(at),
            "disability_intellectual_or_mental": [False] * len(at),
            TRUE_FROM: pl.Series(since[at].astype(np.int32)).cast(pl.Date),
            STATUS: [WITHDRAWN if self.last_round else STATED] * len(at),
        }
        rows = pl.DataFrame(held).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
        self._append(rows, Fault.WITHDRAWN_CERTIFICATE, "disability_certificate_status")
        self.taken |= self.victims.withdrawn

    # -- namesakes -----------------------------------------------------------------------------------------------------

    def namesakes(self) -> None:
        if self.table.id not in NAMESAKES_IN or self.sheet.round is Round.EARLIER:
            return
        rng = np.random.default_rng([*self.seed, 6])
        n, people = len(self.taken), self.quarter.people
        victims = np.flatnonzero((rng.random(n) < self.faults.rates[Fault.HOMONYM.value]) & ~self.taken & ~people.dead)
        remarkable = np.flatnonzero(self._remarkable() & ~self.taken & ~people.dead)
        if not len(victims) or not len(remarkable):
            return
        namesakes = rng.choice(remarkable, len(victims))
        different = namesakes != victims
        victims, namesakes = victims[different], namesakes[different]
        rows = self.sheet.rows.unique(POSITION, keep="last", maintain_order=True)
        place = pl.DataFrame(
            {POSITION: pl.Series(namesakes, dtype=pl.UInt32), "victim": pl.Series(victims, dtype=pl.UInt32)}
        )
        attached = place.join(rows, on=POSITION, how="inner", maintain_order="left")
        born = pl.Series(people.birth[attached.get_column("victim").to_numpy()].astype(np.int32)).cast(pl.Date)
        opening = self.calendar.day(Round.OPENING)
        attached = attached.filter(
            (attached.get_column(TRUE_FROM) >= born) & (attached.get_column(TRUE_FROM) <= opening)
        )
        self.taken[victims] = True
        who = attached.get_column("victim")
        attached = attached.with_columns(
            who.alias(POSITION), people.ids.gather(who).alias("id"),
        ).select(self.sheet.rows.columns)  # fmt: skip
        if self.corrects:
            corrected = pl.Series(self.victims.corrected).gather(who)
            status = pl.Series([WITHDRAWN]).new_from_index(0, len(who)).zip_with(corrected, attached.get_column(STATUS))
            attached = attached.with_columns(status.alias(STATUS))
        self._append(attached, Fault.HOMONYM, None)

    def _remarkable(self) -> Flags:
        """Of whom this table says something that brings them something."""
        facts = self.quarter.facts[PERSON]
        if self.table.id == "disabled_persons_federation.certificates":
            return (facts["disability_certificate_status"] == "valid").to_numpy()
        if self.table.id == "civil_affairs.assistance":
            return facts.flags("receives_dibao")
        if self.table.id == "education.students":
            return facts.flags("is_student")
        if self.table.id == "human_resources_social_security.pensions":
            return facts.flags("pension_in_payment") | facts.flags("resident_pension_in_payment")
        return (facts["medical_insurance_scheme"] == "resident").to_numpy()

    # -- honest errors -------------------------------------------------------------------------------------------------

    def wrong_values(self, form: str) -> None:
        for fault, kinds in ((Fault.WRONG_CODE, ("code",)), (Fault.WRONG_AMOUNT, ("money",))):
            columns = [c for c in self.table.columns if c.fact.type.kind in kinds]
            if not columns or self.sheet.round is Round.EARLIER:
                continue
            rng = np.random.default_rng([*self.seed, 7, *fault.value.encode()[-2:]])
            n = len(self.taken)
            hit = (rng.random(n) < self.faults.rates[fault.value]) & ~self.taken
            unreadable = rng.random(n) < 0.5
            which = rng.integers(0, len(columns), n)
            self.taken |= hit
            for number, column in enumerate(columns):
                mine = hit & (which == number)
                typed = form == "parquet" and column.money == "fen"
                if self.last_round and not typed:
                    word = NO_SUCH_CODE if fault is Fault.WRONG_CODE else NO_NUMBER
                    self._unreadable(column.fact.id, mine & unreadable, fault, word)
                if not self.last_round or self.corrects:
                    self._plausible(column.fact.id, column.fact.type.codes, mine & ~unreadable, fault)

    def _unreadable(self, fact: str, who: Flags, fault: Fault, word: str) -> None:
        rows = self._last_rows(who)[: self._room()]
        if len(rows):
            self.planted.words[fact] = (rows, word)
            self._see(fault, rows, fact)

    def _plausible(self, fact: str, codes: tuple[str, ...], who: Flags, fault: Fault) -> None:
        """A value that could be: the next code of the list, or an amount a hundred times too small or large."""
        if self.corrects:
            corrected = self.victims.corrected if self.table.kind == PERSON else self.faults.corrected >= 1
            who = who & ~np.asarray(corrected)
        hit = self._last_rows(who)
        known = self.sheet.rows.get_column(fact).is_not_null().to_numpy()
        if fault is Fault.WRONG_AMOUNT:
            known &= (self.sheet.rows.get_column(fact).fill_null(0) != 0).to_numpy()
        hit = hit[known[hit]]
        if not len(hit):
            return
        old = pl.col(fact)
        if fault is Fault.WRONG_CODE:
            after = {code: codes[(number + 1) % len(codes)] for number, code in enumerate(codes)}
            new = old.cast(pl.String).replace_strict(after, default=None).cast(self.sheet.rows.schema[fact])
        else:
            new = old // 100
        self.sheet.rows = self.sheet.rows.with_columns(pl.when(self._mask(hit)).then(new).otherwise(old).alias(fact))
        self._see(fault, hit, fact)

    def garbled_rows(self, form: str) -> None:
        if form != "csv" or not self.last_round:
            return
        rng = np.random.default_rng([*self.seed, 8])
        hit = (rng.random(len(self.taken)) < self.faults.rates[Fault.MOJIBAKE.value]) & ~self.taken
        rows = self._last_rows(hit)[: self._room()]
        self.taken |= hit
        if len(rows):
            self.planted.garbled = rows
            self._see(Fault.MOJIBAKE, rows, None)

    def late_deaths(self) -> None:
        if "deceased" in self.sheet.facts and self.last_round:
            rows = self._last_rows(self.victims.late_death)
            if len(rows):
                self._see(Fault.LATE_DEATH, rows, "deceased")

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _room(self) -> int:
        """How many more unreadable rows the sheet may have."""
        so_far = len(self.planted.garbled) + sum(len(rows) for rows, _ in self.planted.words.values())
        return max(0, int(self.sheet.rows.height * MOST_BAD) - so_far)

    def _last_rows(self, who: Flags) -> np.ndarray:
        """The places in the sheet of the last row of some subjects."""
        if not who.any():
            return np.zeros(0, dtype=np.int64)
        at = self.sheet.rows.get_column(POSITION)
        chosen = pl.Series(who).gather(at) & at.is_last_distinct()
        return np.flatnonzero(chosen.to_numpy())

    def _mask(self, rows: np.ndarray) -> pl.Series:
        mask = np.zeros(self.sheet.rows.height, dtype=bool)
        mask[rows] = True
        return pl.Series(mask)

    def _append(self, rows: pl.DataFrame, fault: Fault, fact: str | None) -> None:
        if rows.height:
            first = self.sheet.rows.height
            self.sheet.rows = pl.concat([self.sheet.rows, rows])
            self._see(fault, np.arange(first, first + rows.height), fact)

    def _see(self, fault: Fault, rows: np.ndarray, fact: str | None) -> None:
        if len(rows):
            self.planted.seen.append(Seen(fault, rows, fact))
