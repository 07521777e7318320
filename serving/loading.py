"""Loading deliveries into the history: each is taken or refused for itself, and a refusal changes nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from features.documents import nearest_advice
from features.errors import FactProblem
from features.facts.vocabulary import Vocabulary
from features.history.history import History
from features.history.keeping import Appended
from features.registers.contracts import Contracts, Table
from features.registers.errors import LoadRefusedError
from features.registers.intake import Intake, refuse_cut_off, take_in, take_in_relation
from features.registers.reports import LoadReport
from features.senders import NOBODY_SIGNS, Senders
from serving import log
from serving.errors import ServingError
from serving.security.exports import neutralised
from serving.views import contracts_of, views_of, vocabulary_of

EVERY_REGISTER = "all"
DATABASE = ("postgresql://", "postgres://")
_MOMENT = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class Load:
    """What one delivery came to: taken, there already, or refused.

    `report` and `appended` are None where it was refused, `refusal` where it was not.
    """

    table: Table | None
    source: str
    report: LoadReport | None = None
    appended: Appended | None = None
    refusal: LoadRefusedError | UnknownDeliveryError | None = None
    quarantine: Path | None = None

    @property
    def outcome(self) -> str:
        """In a word."""
        if self.appended is None:
            return "refused"
        if not self.appended.taken:
            return "was there already"
        return "overtaken" if self.appended.overtaken else "taken"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        problems = [] if self.refusal is None else [asdict(problem) for problem in self.refusal.problems]
        return {
            "outcome": self.outcome,
            "table": None if self.table is None else self.table.id,
            "source": self.source,
            "report": None if self.report is None else self.report.as_json(),
            "history": None if self.appended is None else asdict(self.appended),
            "refused_for": problems,
            "refused_for_total": 0 if self.refusal is None else self.refusal.total,
        }


@dataclass(frozen=True, slots=True)
class KeptLoad:
    """What the record of one load says: figures and reasons, never a row.

    Attributes:
        table: id of the table.
        learned_at: when it came.
        outcome: as :attr:`Load.outcome`.
        attested_on: the day it speaks for; None where it was refused.
        read, set_aside: rows, and those of them with a mistake; 0 where it was refused.
        refused_for: so many problems.
    """

    table: str
    learned_at: dt.datetime
    outcome: str
    attested_on: dt.date | None
    read: int
    set_aside: int
    refused_for: int


def kept_loads(records: Path) -> list[KeptLoad]:
    """The records of all loads, in the order in which they came."""
    found: list[KeptLoad] = []
    for path in sorted(records.glob("*.json")):
        moment, _, table = path.stem.partition("_")
        load = json.loads(path.read_text(encoding="utf-8"))
        report = load["report"] or {}
        attested = report.get("attested_on")
        found.append(
            KeptLoad(
                table, dt.datetime.strptime(moment, _MOMENT).replace(tzinfo=dt.UTC), load["outcome"],
                None if attested is None else dt.date.fromisoformat(attested), report.get("read", 0),
                report.get("set_aside", 0), load["refused_for_total"],
            )
        )  # fmt: skip
    return found


class UnknownDeliveryError(ServingError):
    """No contract of the register knows a file of this name."""

    total = 1

    def __init__(self, source: str, tables: Iterable[Table]) -> None:
        agreed = [table.files for table in tables]
        reason = f"No contract knows such a file. {nearest_advice(Path(source).stem, agreed, 'Agreed names are: ')}"
        self.problems = (FactProblem(source, None, None, reason),)
        super().__init__(f"{source}: {reason} Or name its table with --table.")


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads the deliveries of some tables.

    Attributes:
        vocabulary: of the jurisdiction.
        contracts: of all its registers.
        history: where rows go.
        records: where each load leaves its report and the rows that were set aside.
        accept_short_lists: take lists of everybody though they leave out far more than the last ones.
        senders: whose messages must be signed.
    """

    vocabulary: Vocabulary
    contracts: Contracts
    history: History
    records: Path
    accept_short_lists: bool = False
    senders: Senders = NOBODY_SIGNS

    def tables_of(self, register: str) -> tuple[Table, ...]:
        """The tables of a register; of every one for `all`.

        Raises:
            ServingError: there is no such register.
        """
        if register == EVERY_REGISTER:
            return tuple(self.contracts.tables.values())
        tables = self.contracts.of_register(register)
        if not tables:
            registers = {table.register.id for table in self.contracts.tables.values()}
            advice = nearest_advice(register, [*registers, EVERY_REGISTER], "Registers are: ")
            raise ServingError(f"There is no contract with a register `{register}`. {advice}")
        return tables

    def load_file(
        self, path: Path, tables: Sequence[Table], learned_at: dt.datetime, attested_on: dt.date | None = None
    ) -> Load:
        """Load one file. With one table, its name need not be as agreed where the day is given."""
        table = tables[0] if len(tables) == 1 else next((one for one in tables if one.matches(path.name)), None)
        if table is None:
            return Load(None, path.name, refusal=UnknownDeliveryError(path.name, tables))
        try:
            intake = take_in(table, path, learned_at, self.vocabulary, attested_on, self.senders)
            self._refuse_cut_off(table, intake)
        except LoadRefusedError as refusal:
            return self._refused(table, path.name, refusal, learned_at)
        return self._taken(table, intake)

    def load_relation(
        self, table: Table, connection_url: str, learned_at: dt.datetime, attested_on: dt.date | None = None
    ) -> Load:
        """Load one PostgreSQL table."""
        try:
            intake = take_in_relation(table, connection_url, learned_at, self.vocabulary, attested_on)
            self._refuse_cut_off(table, intake)
        except LoadRefusedError as refusal:
            return self._refused(table, table.relation or table.name, refusal, learned_at)
        return self._taken(table, intake)

    def _refuse_cut_off(self, table: Table, intake: Intake) -> None:
        if table.full and not self.accept_short_lists:
            refuse_cut_off(table, intake, self.history.listed_before(intake.batch))

    def _taken(self, table: Table, intake: Intake) -> Load:
        appended = self.history.append(intake.batch, intake.rows)
        quarantine = self._keep_quarantine(table, intake.quarantine, intake.batch.learned_at)
        load = Load(table, intake.batch.source, intake.report, appended, None, quarantine)
        self._keep(load, table, intake.batch.learned_at)
        log.info(
            "delivery_taken", table=table.id, batch=intake.batch.content_hash, outcome=load.outcome,
            read=intake.report.read, set_aside=intake.report.set_aside, new=appended.new,
            unchanged=appended.unchanged, left=appended.closed,
        )  # fmt: skip
        return load

    def _refused(self, table: Table, source: str, refusal: LoadRefusedError, learned_at: dt.datetime) -> Load:
        quarantine = self._keep_quarantine(table, refusal.quarantine, learned_at)
        load = Load(table, source, refusal=refusal, quarantine=quarantine)
        self._keep(load, table, learned_at)
        log.info("delivery_refused", table=table.id, outcome=load.outcome, reasons=refusal.total)
        return load

    def _keep_quarantine(self, table: Table, rows: pl.DataFrame | None, moment: dt.datetime) -> Path | None:
        if rows is None or not rows.height:
            return None
        path = self._path(table, moment, ".quarantine.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Names of files and headers come from outside, and somebody opens this in a spreadsheet.
        rows.with_columns(pl.col(pl.String).map_elements(neutralised, return_dtype=pl.String)).write_csv(path)
        return path

    def _keep(self, load: Load, table: Table, moment: dt.datetime) -> None:
        path = self._path(table, moment, ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(load.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _path(self, table: Table, moment: dt.datetime, ending: str) -> Path:
        return self.records / f"{moment.astimezone(dt.UTC).strftime(_MOMENT)}_{table.id}{ending}"


def open_loader(home: Path, jurisdiction: str) -> Loader:
    """The loader of a jurisdiction, with its state under `home`.

    Raises:
        DocumentError: a dictionary or contract has a mistake; the first one is told.
    """
    return loader_of(vocabulary_of(jurisdiction), home)


def loader_of(vocabulary: Vocabulary, home: Path) -> Loader:
    """The loader for a vocabulary that is there already."""
    return Loader(
        vocabulary,
        contracts_of(vocabulary),
        History(home / "history", vocabulary, views_of(vocabulary)),
        home / "loads",
    )


def in_order(paths: Iterable[Path], tables: Sequence[Table]) -> list[Path]:
    """Files, and those files of folders that a contract knows, by the day they speak for."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            held = sorted(file for file in path.rglob("*") if file.is_file())
            found += [file for file in held if any(table.matches(file.name) for table in tables)]
        else:
            found.append(path)
    days = {path: _day(path, tables) for path in found}
    return sorted(found, key=lambda path: days[path])


def _day(path: Path, tables: Sequence[Table]) -> dt.date:
    table = next((one for one in tables if one.matches(path.name)), None)
    return (table.date_in(path.name) if table is not None else None) or dt.date.max
