"""F22, end to end: a sweep whose stores have parted is made, and none of its answers is of automatic grade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from features.registers.writing import write_delivery
from features.store.backends.place import Place
from features.store.places import open_place, subject_key
from serving.store import sweeps
from serving.store.database import connect
from serving.sweep.account import Account
from serving.sweep.errors import AutomaticStoppedError
from tests.cli.shell import Done, applyfree
from tests.online_servers import online, postgres, redis
from tests.registers_world import ATTESTED, contracts, written

__all__ = ["online", "postgres", "redis"]

RESIDENTS = contracts().tables["public_security.residents"]


@pytest.fixture
def database(postgres: str, online: tuple[str, str]) -> str:
    """A database of its own for the sweeps."""
    name = f"sweeps_{online[1]}"
    with psycopg.connect(postgres, autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture
def place(database: str, online: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A home with residents, its sweeps' database, and its online store."""
    address, name = online
    for key, value in {
        "APPLYFREE_HOME": str(tmp_path / "home"),
        "APPLYFREE_DATABASE_URL": database,
        "APPLYFREE_ONLINE_STORE": address,
        "APPLYFREE_FEAST_PROJECT": name,
    }.items():
        monkeypatch.setenv(key, value)
    path = tmp_path / RESIDENTS.file_name(ATTESTED)
    write_delivery(RESIDENTS, written(RESIDENTS), path)
    assert applyfree("ingest", "public_security", path).status == 0
    opened = open_place(address, f"{name}_facts_online")
    yield opened
    opened.drop()
    opened.close()


def sweep(database: str) -> tuple[Done, Account]:
    """Sweep as a person does; what is printed, and the account that is stored."""
    done = applyfree("sweep", "--on-date", str(ATTESTED), "--workers", "1")
    with connect(database) as session:
        last = sweeps.last_complete(session)
    assert last is not None
    return done, Account.read(last.account)


def alter(place: Place) -> None:
    """What a bug, or a hand in the database, does to one store: another sex, of one person in four hundred."""
    key = subject_key("person", str(written(RESIDENTS)[RESIDENTS.key][0]))

    def altered(there: Mapping[str, bytes]) -> dict[str, bytes]:
        swapped = there[key].replace(b'"female"', b'"?"').replace(b'"male"', b'"female"').replace(b'"?"', b'"male"')
        assert swapped != there[key]
        return {key: swapped}

    place.change([key], altered)


def test_parted_stores_stop_automatic_grade_until_they_agree_again(place: Place, database: str) -> None:
    done, account = sweep(database)
    assert done.status == 0, done.out
    assert "Automatic grade: nothing stands in its way." in done.out
    assert account.check is not None
    assert account.check.passed
    account.require_automatic()

    alter(place)
    done, account = sweep(database)
    assert done.status == 1
    assert "Automatic grade: STOPPED" in done.out
    assert "`sex` (1)" in done.out
    with pytest.raises(AutomaticStoppedError, match=r"1 \(0.25 %\) differ"):
        account.require_automatic()
    assert applyfree("online", "check", "--on-date", str(ATTESTED)).status == 1

    assert applyfree("online", "fill", "--anew", "--on-date", str(ATTESTED)).status == 0
    done, account = sweep(database)
    assert done.status == 0
    account.require_automatic()


@pytest.mark.parametrize("online", ["postgresql"], indirect=True)
def test_a_store_that_cannot_be_compared_has_not_passed(
    place: Place, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep is made all the same: the law's answers do not wait for a cache."""
    monkeypatch.setenv("APPLYFREE_ONLINE_STORE", f"unix://{tmp_path}/nobody.sock")
    done, account = sweep(database)
    assert done.status == 1
    assert sum(account.subjects.values()) >= 400
    with pytest.raises(AutomaticStoppedError, match="cannot be reached"):
        account.require_automatic()
