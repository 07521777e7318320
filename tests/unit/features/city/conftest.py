"""One small city for all tests of it: 4,000 persons in partitions of 1,500, with faults as the shipped file says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from features.city.making import DELIVERIES, FAULTS, REGISTERS, TRUTH, Account, Plan, make_city
from features.city.margins import FaultRates, Margins, load_fault_rates, load_margins
from features.documents import Findings
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.registers.contract_files import load_contracts
from features.registers.contracts import Contracts

TODAY = dt.date(2026, 3, 1)


@dataclass(frozen=True)
class City:
    """A written city and what it was made from."""

    folder: Path
    plan: Plan
    account: Account
    vocabulary: Vocabulary
    contracts: Contracts
    margins: Margins
    rates: FaultRates
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)

    def truth(self, kind: str) -> pl.DataFrame:
        """The true facts of all subjects of a kind, with the number of their partition."""
        parts = [
            pl.read_parquet(path).with_columns(partition=pl.lit(int(path.stem[-4:])))
            for path in sorted((self.folder / TRUTH).glob(f"{kind}-*.parquet"))
        ]
        return pl.concat(parts)

    @property
    def faults(self) -> pl.DataFrame:
        """What was planted."""
        return pl.read_parquet(self.folder / TRUTH / FAULTS)

    @property
    def deliveries(self) -> pl.DataFrame:
        """The list of files."""
        return pl.read_csv(self.folder / DELIVERIES)

    @property
    def registers(self) -> Path:
        """The folder of the files."""
        return self.folder / REGISTERS


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    findings = Findings()
    loaded = load_vocabulary("cn", findings)
    assert not findings
    return loaded


@pytest.fixture(scope="session")
def contracts(vocabulary: Vocabulary) -> Contracts:
    findings = Findings()
    loaded = load_contracts(vocabulary, findings)
    assert not findings
    return loaded


@pytest.fixture(scope="session")
def small_city(tmp_path_factory: pytest.TempPathFactory, vocabulary: Vocabulary, contracts: Contracts) -> City:
    folder = tmp_path_factory.mktemp("city")
    plan, margins, rates = Plan(4_000, 5, TODAY, partition=1_500), load_margins(), load_fault_rates()
    account = make_city(plan, folder, vocabulary, contracts, margins, rates)
    return City(folder, plan, account, vocabulary, contracts, margins, rates)
