"""The online store behind the commands: what is loaded can be read there, and what was not told is told later."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from features.registers.writing import write_delivery
from features.store.places import open_place
from tests.cli.shell import applyfree
from tests.online_servers import online, postgres, redis
from tests.registers_world import ATTESTED, contracts, written
from tests.unit.features.events.worlds import death, lines

__all__ = ["online", "postgres", "redis"]

RESIDENTS = contracts().tables["public_security.residents"]
BENEFIT, DAY = "advanced_age_allowance", "2026-03-05"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def store(home: Path, online: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """An online store that is set up for the home."""
    address, name = online
    monkeypatch.setenv("APPLYFREE_ONLINE_STORE", address)
    monkeypatch.setenv("APPLYFREE_FEAST_PROJECT", name)
    yield address, name
    place = open_place(address, f"{name}_facts_online")
    place.drop()
    place.close()


def delivery(folder: Path) -> Path:
    path = folder / RESIDENTS.file_name(ATTESTED)
    write_delivery(RESIDENTS, written(RESIDENTS), path)
    return path


def someone() -> str:
    return str(written(RESIDENTS)[RESIDENTS.key][0])


def read_online(person: str) -> dict[str, dict[str, str | int | None]]:
    done = applyfree("online", "read", "person", person, "--for", BENEFIT, "--on-date", DAY, "--format", "json")
    assert done.status == 0, done.err
    return {row["fact"]: row for row in json.loads(done.out)}


def test_what_is_loaded_is_read_online_with_where_it_comes_from(store: tuple[str, str], tmp_path: Path) -> None:
    done = applyfree("ingest", "public_security", delivery(tmp_path))
    assert done.status == 0
    assert "Online store filled: 400 subjects" in " ".join(done.out.split())
    birth = read_online(someone())["birth_date"]
    told = applyfree("facts", someone(), "--format", "json", "--lang", "en")
    history = {row["fact"]: row for row in json.loads(told.out)}["birth_date"]
    assert (birth["source"], birth["true_from"]) == (RESIDENTS.id, history["true_from"])
    assert birth["attested_on"] == str(ATTESTED)
    assert birth["gap"] is None


def test_a_life_event_is_pushed_and_only_who_it_concerns_is_written(store: tuple[str, str], tmp_path: Path) -> None:
    applyfree("ingest", "public_security", delivery(tmp_path))
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"".join(lines([death(person=someone(), on=str(ATTESTED))])))
    done = applyfree("events", file)
    assert done.status == 0
    assert "Online store told what changed: 1 subjects" in done.out
    deceased = read_online(someone())["deceased"]
    assert (deceased["value"], deceased["source"]) == ("True", "events.death")


def test_where_no_online_store_is_set_up_nothing_is_pushed(home: Path, tmp_path: Path) -> None:
    done = applyfree("ingest", "public_security", delivery(tmp_path))
    assert (done.status, "nline store" in done.out + done.err) == (0, False)
    assert sorted(path.name for path in home.iterdir()) == ["history", "loads"]
    done = applyfree("online", "fill")
    assert done.status == 2
    assert "No online store is set up" in done.err


def test_a_load_whose_push_failed_is_pushed_by_the_next(
    home: Path, store: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken in stays taken in; the address, which may hold a password, is not shown."""
    file = delivery(tmp_path)
    for unreachable in (f"unix://{tmp_path}/secret.sock", "postgresql://secret:secret@127.0.0.1:9/secret"):
        monkeypatch.setenv("APPLYFREE_ONLINE_STORE", unreachable)
        done = applyfree("ingest", "public_security", file)
        assert done.status == 1
        assert "cannot be reached" in done.err
        assert "secret" not in done.out + done.err
    monkeypatch.setenv("APPLYFREE_ONLINE_STORE", store[0])
    again = applyfree("ingest", "public_security", file)
    assert (again.status, "was there already" in again.out) == (0, True)
    assert read_online(someone())["birth_date"]["gap"] is None


def test_a_household_is_read_online_with_its_members(store: tuple[str, str], tmp_path: Path) -> None:
    table = next(t for t in contracts().tables.values() if "household_id" in t.view.facts)
    cells = written(table)
    homes = pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("h-made")).otherwise("家庭编号").alias("家庭编号")
    path = tmp_path / table.file_name(ATTESTED)
    write_delivery(table, cells.with_columns(homes), path)
    assert applyfree("ingest", table.register.id, path).status == 0
    asked = ("online", "read", "household", "h-made", "--for", "dibao", "--on-date", DAY)
    rows = list(csv.DictReader(io.StringIO(applyfree(*asked, "--format", "csv").out)))
    assert {row["id"] for row in rows if row["subject"] == "person"} == set(cells[table.key][:3])
    links = [row for row in rows if row["fact"] == "household_id"]
    assert {(row["value"], row["source"], row["attested_on"]) for row in links} == {("h-made", table.id, str(ATTESTED))}
    assert ("household", "household_income_month") in {(row["subject"], row["fact"]) for row in rows}
    assert all(row["gap"] or row["source"] for row in rows)


def test_more_than_the_benefit_reads_is_not_fetched(store: tuple[str, str], tmp_path: Path) -> None:
    applyfree("ingest", "public_security", delivery(tmp_path))
    listed = read_online(someone())
    assert "birth_date" in listed
    assert "hukou_kind" not in listed
    done = applyfree("online", "read", "person", someone(), "--for", "closed")
    assert done.status == 2
    assert "art. 6" in done.err


def test_the_embedded_store_is_the_postgresql_of_the_determinations(
    home: Path, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLYFREE_DATABASE_URL", postgres)
    monkeypatch.setenv("APPLYFREE_FEAST_PROJECT", "of_the_determinations")
    home.mkdir()
    (home / "store.toml").write_text('online = "embedded"\n', encoding="utf-8")
    done = applyfree("ingest", "public_security", delivery(tmp_path))
    assert "Online store filled: 400 subjects" in done.out
    assert applyfree("online", "check", "--on-date", DAY).status == 0
    place = open_place(postgres, "of_the_determinations_facts_online")
    assert place.read([f"person:{someone()}"])
    place.close()
