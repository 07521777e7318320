"""What departments send: taken in by the contracts, true but for the noted faults, and every fault to be seen."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from features.city.deliveries.faults import Fault
from features.city.making import Plan, make_city
from features.city.margins import load_fault_rates, load_margins
from features.facts.population import NONE
from features.facts.vocabulary import Vocabulary
from features.history.history import History
from features.history.records import QUARANTINED, WITHDRAWN
from features.registers.contracts import Contracts, Table
from features.registers.intake import Intake, take_in
from tests.unit.features.city.conftest import TODAY, City

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, vocabulary: Vocabulary, contracts: Contracts) -> None:
    def made(name: str, seed: int) -> dict[str, str]:
        plan = Plan(600, seed, TODAY, partition=250)
        make_city(plan, tmp_path / name, vocabulary, contracts, load_margins(), load_fault_rates())
        return files_of(tmp_path / name)

    first = made("a", 1)
    assert first == made("b", 1)
    other = made("c", 2)
    assert first.keys() == other.keys() or {k for k in first if "again" not in k} == {
        k for k in other if "again" not in k
    }
    assert sum(first[name] == other.get(name) for name in first) < len(first) / 4


def test_a_smaller_city_is_the_beginning_of_a_larger_one(
    tmp_path: Path, vocabulary: Vocabulary, contracts: Contracts
) -> None:
    for name, persons in (("one", 300), ("two", 600)):
        plan = Plan(persons, 1, TODAY, partition=300)
        make_city(plan, tmp_path / name, vocabulary, contracts, load_margins(), load_fault_rates())
    one, two = (pl.read_parquet(tmp_path / name / "truth" / "person-0000.parquet") for name in ("one", "two"))
    assert one.equals(two)


def test_all_four_formats_and_both_encodings_are_there(small_city: City) -> None:
    assert set(small_city.deliveries["format"]) == {"csv", "xlsx", "parquet"}
    encodings = {table.encoding for table in small_city.contracts.tables.values() if table.formats[0] == "csv"}
    assert encodings == {"utf-8", "gb18030"}
    views = set(small_city.deliveries["view"])
    assert views == set(small_city.contracts.tables)


# -- taking in ---------------------------------------------------------------------------------------------------------


def taken(city: City) -> Iterator[tuple[dict[str, object], Table, Intake]]:
    """Every delivery, taken in; a refusal fails the test."""
    for row in city.deliveries.iter_rows(named=True):
        path = city.folder / row["file"]
        table = city.contracts.of_file(path.name)
        assert table is not None
        assert table.id == row["view"]
        yield row, table, take_in(table, path, NOW, city.vocabulary)


@pytest.fixture(scope="module")
def intakes(small_city: City) -> list[tuple[dict[str, object], Table, Intake]]:
    return list(taken(small_city))


def test_every_delivery_is_taken_and_every_bad_row_is_a_noted_fault(
    small_city: City, intakes: list[tuple[dict[str, object], Table, Intake]]
) -> None:
    noted = small_city.faults
    for row, _, intake in intakes:
        name = str(row["file"]).removeprefix("registers/")
        assert intake.batch.attested_on.isoformat() == row["attested_on"]
        bad = set(intake.quarantine["row"])
        known = noted.filter(pl.col("file") == name.removeprefix("again/"))
        unreadable = known.filter(pl.col("kind").is_in(["mojibake", "wrong_code", "wrong_amount"]))
        assert bad <= set(unreadable["row"]), name
        garbled = known.filter(pl.col("kind") == "mojibake")
        assert set(garbled["row"]) <= bad, name


@pytest.fixture(scope="module")
def known(small_city: City, tmp_path_factory: pytest.TempPathFactory, intakes: object) -> dict[str, pl.DataFrame]:
    """What the history holds of the city on its day."""
    views = [table.view for table in small_city.contracts.tables.values()]
    history = History(tmp_path_factory.mktemp("history"), small_city.vocabulary, views)
    for row, _, intake in intakes:  # type: ignore[attr-defined]
        moment = dt.datetime.fromisoformat(f"{row['attested_on']}T20:00:00+00:00")
        batch = type(intake.batch)(
            **{name: getattr(intake.batch, name) for name in intake.batch.__slots__} | {"learned_at": moment}
        )
        history.append(batch, intake.rows)
    return history.as_of(TODAY, NOW)


@pytest.mark.parametrize("kind", ["person", "household", "enterprise"])
def test_what_is_known_is_true_but_for_the_faults(small_city: City, known: dict[str, pl.DataFrame], kind: str) -> None:
    truth = small_city.truth(kind)
    both = truth.join(known[kind], on="id", suffix="@known")
    assert both.height == truth.height
    faulty = small_city.faults.select("subject", "fact").unique()
    compared = 0
    for name in truth.columns:
        if f"{name}@known" not in both.columns:
            continue
        held = both.filter(pl.col(f"{name}@known").is_not_null())
        wrong = held.filter(pl.col(name).ne_missing(pl.col(f"{name}@known")))["id"]
        unexplained = set(wrong) - set(faulty.filter((pl.col("fact") == name) | pl.col("fact").is_null())["subject"])
        assert not unexplained, name
        compared += held.height
    assert compared > 4 * truth.height


def test_most_of_what_is_true_is_known(small_city: City, known: dict[str, pl.DataFrame]) -> None:
    both = small_city.truth("person").join(known["person"], on="id", suffix="@known")
    for name in ("birth_date", "hukou_area", "household_id", "employed", "medical_insurance_scheme", "deceased"):
        assert both[f"{name}@known"].null_count() < 0.02 * both.height, name


# -- each fault can be seen --------------------------------------------------------------------------------------------


def cells(city: City, file: str) -> pl.DataFrame:
    """A file's cells as text, as they stand there; bytes that are not in the file's encoding become signs of that."""
    path = city.registers / file
    table = city.contracts.of_file(path.name)
    assert table is not None
    if path.suffix == ".parquet":
        return pl.read_parquet(path).cast(pl.String)
    if path.suffix == ".xlsx":
        return fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()
    text = path.read_bytes().decode(table.encoding, "replace")
    return pl.read_csv(text.encode(), infer_schema=False)


def noted(city: City, kind: Fault) -> Iterator[tuple[dict[str, str | None], Table, dict[str, object]]]:
    """Every noted fault of a kind: the cells of the row it names, the table, the note."""
    faults = city.faults.filter((pl.col("kind") == kind.value) & ~pl.col("view").str.starts_with("events."))
    assert not faults.is_empty(), kind
    for (file,), notes in faults.group_by("file", maintain_order=True):
        rows = cells(city, str(file)).rows(named=True)
        first = 1 if str(file).endswith(".parquet") else 2
        for note in notes.iter_rows(named=True):
            yield rows[note["row"] - first], city.contracts.tables[note["view"]], note


@pytest.mark.parametrize("kind", [kind for kind in Fault if kind is not Fault.DUPLICATED_BATCH])
def test_a_noted_fault_stands_in_the_row_that_the_note_names(small_city: City, kind: Fault) -> None:
    for row, table, note in noted(small_city, kind):
        assert row[table.key] == note["subject"]


def cell_of(row: dict[str, str | None], table: Table, note: dict[str, object]) -> str | None:
    return row[next(column.header for column in table.columns if column.fact.id == note["fact"])]


def test_a_missing_account_is_an_empty_cell(small_city: City) -> None:
    truth = dict(small_city.truth("person").select("id", "bank_account_held").iter_rows())
    for row, table, note in noted(small_city, Fault.MISSING_ACCOUNT):
        assert cell_of(row, table, note) is None
        assert truth[note["subject"]] is True


def test_a_conflicting_birth_date_is_another_day_than_that_of_the_id(small_city: City) -> None:
    for row, table, note in noted(small_city, Fault.CONFLICTING_BIRTH_DATE):
        cell = cell_of(row, table, note)
        assert cell is not None
        assert cell.replace("-", "") != str(note["subject"])[6:14]
        assert note["register"] != "public_security"


def test_a_death_that_is_known_late_is_months_old_in_the_first_delivery_that_tells_it(small_city: City) -> None:
    deaths = small_city.truth("person").filter("deceased").select("id", "death_date")
    late = small_city.faults.filter(pl.col("kind") == "late_death").join(deaths, left_on="subject", right_on="id")
    assert (late["death_date"] <= TODAY - dt.timedelta(days=60)).all()
    opening = cells(small_city, "卫健_生存状况_20260115.csv")
    told = opening.filter(pl.col("已死亡") == "是")["身份证件号码"]
    assert set(late["subject"]).isdisjoint(set(told))
    latest = cells(small_city, "卫健_生存状况_20260228.csv")
    assert set(late["subject"]) <= set(latest.filter(pl.col("已死亡") == "是")["身份证件号码"])


def test_an_income_that_is_stale_stands_in_the_old_delivery_only_and_has_risen_since(small_city: City) -> None:
    truth = dict(small_city.truth("household").select("id", "household_income_month").iter_rows())
    stale = small_city.faults.filter(pl.col("kind") == "stale_income")
    assert set(stale["file"]) == {"民政_家庭经济状况核对_20241017.csv"}
    newer = cells(small_city, "民政_家庭经济状况核对_20260228.csv")
    assert set(stale["subject"]).isdisjoint(set(newer["家庭编号"]))
    for row, table, note in noted(small_city, Fault.STALE_INCOME):
        if note["fact"] == "household_income_month":
            cell = cell_of(row, table, note)
            assert cell is not None
            assert float(cell) * 100 <= truth[note["subject"]] / 4


def test_an_unreported_move_names_another_home_than_the_true_one(small_city: City) -> None:
    truth = dict(small_city.truth("person").select("id", pl.col("residence_area").cast(pl.String)).iter_rows())
    for row, table, note in noted(small_city, Fault.UNREPORTED_MOVE):
        assert cell_of(row, table, note) != truth[note["subject"]]


def test_a_withdrawn_certificate_was_valid_and_is_taken_back(small_city: City) -> None:
    truth = dict(
        small_city.truth("person").select("id", pl.col("disability_certificate_status").cast(pl.String)).iter_rows()
    )
    for row, table, note in noted(small_city, Fault.WITHDRAWN_CERTIFICATE):
        assert table.status is not None
        withdrawn = "20260228" in str(note["file"])
        assert row[table.status.header] == (table.status.withdrawn if withdrawn else table.status.stated)
        assert truth[note["subject"]] == NONE
    files = small_city.faults.filter(pl.col("kind") == "withdrawn_certificate").group_by("subject").len()
    assert (files["len"] == 2).all()


def test_records_of_a_namesake_are_stated_first_and_taken_back_later(small_city: City) -> None:
    told = {"20260115": 0, "20260228": 0}
    for row, table, note in noted(small_city, Fault.HOMONYM):
        day = str(note["file"]).rpartition(".")[0][-8:]
        assert table.status is not None
        assert row[table.status.header] == (table.status.stated if day == "20260115" else table.status.withdrawn)
        told[day] += 1
    assert told["20260115"] == told["20260228"] > 0


def test_wrong_codes_and_amounts_are_not_the_truth(small_city: City) -> None:
    for kind in (Fault.WRONG_CODE, Fault.WRONG_AMOUNT):
        unreadable = 0
        for row, table, note in noted(small_city, kind):
            cell = cell_of(row, table, note)
            assert cell is not None
            unreadable += cell in ("X9", "12O5.00")
        assert unreadable > 0, kind


def test_a_garbled_row_cannot_be_read_in_the_encoding_of_its_file(small_city: City) -> None:
    for row, table, _ in noted(small_city, Fault.MOJIBAKE):
        assert table.status is not None
        assert row[table.status.header] != table.status.stated


def test_a_batch_that_comes_twice_is_the_same_byte_for_byte(small_city: City) -> None:
    doubled = small_city.faults.filter(pl.col("kind") == "duplicated_batch")
    assert not doubled.is_empty()
    for file in doubled["file"]:
        again, once = small_city.registers / file, small_city.registers / Path(file).name
        assert again.read_bytes() == once.read_bytes()


def test_without_faults_none_is_noted(tmp_path: Path, vocabulary: Vocabulary, contracts: Contracts) -> None:
    plan = Plan(300, 1, TODAY)
    account = make_city(plan, tmp_path, vocabulary, contracts, load_margins(), load_fault_rates().scaled(0))
    assert not account.faults


def test_withdrawn_and_quarantined_rows_reach_the_history_as_such(
    intakes: list[tuple[dict[str, object], Table, Intake]],
) -> None:
    statuses = {status for _, _, intake in intakes for status in intake.rows["status"].unique()}
    assert {WITHDRAWN, QUARANTINED} <= statuses


def test_life_events_tell_what_is_true_and_take_back_deaths_told_of_somebody_else(small_city: City) -> None:
    lines = (small_city.folder / "events" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    assert {"birth", "death", "move_in", "marriage"} <= {event["message"]["event_type"] for event in told}
    assert all(event["header"]["action"] == "notify" for event in told)
    truth = dict(small_city.truth("person").select("id", "deceased").iter_rows())
    taken_back = {event["message"]["reverses"] for event in told if "reverses" in event["message"]}
    for event in told:
        message = event["message"]
        assert message["event_date"] <= event["header"]["message_ts"][:10] < TODAY.isoformat()
        if message["event_type"] == "death" and "subjects" in message:
            assert truth[message["subjects"]["person"]] is (message["event_id"] not in taken_back)
    noted_in_events = small_city.faults.filter(pl.col("view") == "events.death")
    assert noted_in_events.height == len(taken_back)
    for note in noted_in_events.iter_rows(named=True):
        assert told[note["row"] - 1]["message"]["subjects"]["person"] == note["subject"]
