"""Makes the city and writes it: deliveries of all registers, life events, the truth, and the list of faults.

Partition after partition: what is in memory does not grow with the number of persons.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from features.city.deliveries.calendar import Calendar, Round
from features.city.deliveries.faults import Fault, FaultBook, Victims, choose_victims
from features.city.deliveries.files import DeliveryFile, form_of
from features.city.deliveries.planting import plant
from features.city.deliveries.sheets import make_sheet
from features.city.deliveries.words import in_words
from features.city.errors import CityError
from features.city.households import make_pool
from features.city.identities import MOST_PARTITIONS
from features.city.life_events import EventFile
from features.city.margins import FaultRates, Margins
from features.city.quarter import Quarter, make_quarter
from features.facts.vocabulary import Vocabulary
from features.registers.contracts import Contracts, Table

PARTITION = 50_000
REGISTERS, EVENTS, TRUTH, AGAIN = "registers", "events", "truth", "again"
FAULTS, DELIVERIES, ABOUT = "faults.parquet", "deliveries.csv", "city.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What city is asked for.

    Attributes:
        persons: exactly so many, the dead of the last ten years included.
        seed: the same seed makes the same city, byte for byte.
        today: the day on which it is looked at.
        partition: persons of a partition; no relation leaves one.
    """

    persons: int
    seed: int
    today: dt.date
    partition: int = PARTITION


@dataclass(slots=True)
class Account:
    """What was written: counts for people to read."""

    subjects: Counter[str] = field(default_factory=Counter)
    files: list[dict[str, object]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Rows of all deliveries."""
        return sum(int(str(file["rows"])) for file in self.files)


def make_city(
    plan: Plan, out: Path, vocabulary: Vocabulary, contracts: Contracts, margins: Margins, faults: FaultRates,
    on_persons: Callable[[int], None] = lambda _: None,
) -> Account:  # fmt: skip
    """Write a city to a folder.

    Args:
        plan: how large, which seed, which day.
        out: the folder; `registers`, `events` and `truth` in it are written anew.
        vocabulary: of China.
        contracts: what deliveries look like.
        margins: what the population looks like.
        faults: how often departments err.
        on_persons: is told how many persons more were written.

    Raises:
        CityError: no persons, or more than ids can be made for.
    """
    sizes = _sizes(plan)
    with _Desk(plan, out, vocabulary, contracts, faults) as desk:
        pool = make_pool(margins, np.random.default_rng([plan.seed, 0, 0]))
        for partition, size in enumerate(sizes):
            quarter = make_quarter(vocabulary, margins, pool, size, partition, plan.seed, plan.today)
            desk.write(quarter)
            on_persons(size)
    return desk.account


def _sizes(plan: Plan) -> list[int]:
    if plan.persons < 1:
        raise CityError("A city has at least one person. Ask for more.")
    full, rest = divmod(plan.persons, plan.partition)
    sizes = [plan.partition] * full + [rest] * (rest > 0)
    if len(sizes) > MOST_PARTITIONS:
        raise CityError(f"{plan.persons:,} persons are more than ids can be made for. Ask for fewer.")
    return sizes


class _Desk:
    """Where the deliveries are written: one open file for every table and round."""

    def __init__(self, plan: Plan, out: Path, vocabulary: Vocabulary, contracts: Contracts, faults: FaultRates) -> None:
        self.plan, self.out, self.vocabulary, self.faults = plan, out, vocabulary, faults
        self.calendar, self.book, self.account = Calendar(plan.today), FaultBook(), Account()
        for name in (REGISTERS, EVENTS, TRUTH):
            shutil.rmtree(out / name, ignore_errors=True)
            (out / name).mkdir(parents=True)
        self._files = {
            (table.id, of): self._file(table, of)
            for table in contracts.tables.values()
            for of in self.calendar.rounds(table.id)
        }
        self._events = EventFile(out / EVENTS / "events.jsonl", self.calendar)

    def _file(self, table: Table, of: Round) -> DeliveryFile:
        form = form_of(table, self.plan.persons)
        return DeliveryFile(self.out / REGISTERS / table.file_name(self.calendar.day(of), form), table, form)

    def __enter__(self) -> _Desk:
        return self

    def write(self, quarter: Quarter) -> None:
        """Write one partition."""
        victims = choose_victims(quarter, self.faults, self.plan.seed)
        for (_, of), file in self._files.items():
            self._deliver(quarter, file, of, victims)
        self.account.events.update(self._events.write(quarter, victims))
        for kind, columns in quarter.facts.items():
            frame = columns.frame().filter(pl.Series(quarter.listed[kind]))
            self.account.subjects[kind] += frame.height
            frame.write_parquet(self.out / TRUTH / f"{kind}-{quarter.people.partition:04d}.parquet", statistics=False)

    def _deliver(self, quarter: Quarter, file: DeliveryFile, of: Round, victims: Victims) -> None:
        sheet = make_sheet(quarter, file.table, of, self.calendar, victims)
        planted = plant(sheet, quarter, victims, self.faults, self.calendar, file.form, self.plan.seed)
        written = in_words(planted, self.calendar.day(of), file.form == "parquet")
        first = file.write(written, planted.garbled)
        ids = planted.sheet.rows.get_column("id")
        for seen in planted.seen:
            subjects = ids.gather(pl.Series(seen.rows.astype(np.uint32)))
            self.book.note(file.table, file.path.name, seen.fault, (seen.rows + first).tolist(), subjects, seen.fact)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        for file in self._files.values():
            file.close()
        self._events.close()
        if kind is None:
            self._finish()

    def _finish(self) -> None:
        for (_, of), file in self._files.items():
            self._list(file, of, file.path.name)
        self._deliver_again()
        self.book.note_mistaken_deaths(self._events.path.name, self._events.mistaken)
        table = self.book.table()
        table.write_parquet(self.out / TRUTH / FAULTS, statistics=False)
        self.account.faults.update(dict(table.get_column("kind").value_counts().iter_rows()))
        order = ("attested_on", "view", "file")
        self.account.files.sort(key=lambda row: tuple(str(row[name]) for name in order))
        pl.DataFrame(self.account.files).write_csv(self.out / DELIVERIES)
        about = {"persons": self.plan.persons, "seed": self.plan.seed, "on_date": str(self.plan.today),
                 "partition": self.plan.partition, "jurisdiction": self.vocabulary.jurisdiction}  # fmt: skip
        (self.out / TRUTH / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")

    def _list(self, file: DeliveryFile, of: Round, name: str) -> None:
        table = file.table
        self.account.files.append(
            {"file": f"{REGISTERS}/{name}", "view": table.id, "register": table.register.id, "format": file.form,
             "attested_on": str(self.calendar.day(of)), "rows": file.rows}
        )  # fmt: skip

    def _deliver_again(self) -> None:
        """Some latest deliveries come twice, byte for byte."""
        rng = np.random.default_rng([self.plan.seed, 4])
        (self.out / REGISTERS / AGAIN).mkdir()
        for (_, of), file in self._files.items():
            if of is Round.LATEST and rng.random() < self.faults.rates[Fault.DUPLICATED_BATCH.value]:
                name = f"{AGAIN}/{file.path.name}"
                shutil.copyfile(file.path, self.out / REGISTERS / name)
                self._list(file, of, name)
                self.book.note(file.table, name, Fault.DUPLICATED_BATCH, None, [None], None)
