"""Keys are replaced while others read and write: nothing is lost, nobody waits, and an interrupted job goes on."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, func, insert, select, text, update

from serving.security.errors import FieldTamperedError, KeyMissingError
from serving.security.fields.cipher import FieldCipher, Place
from serving.security.fields.keyring import KeyRing, Owner
from serving.security.fields.rotation import Rotated, rotate_data_keys, rotate_kek, versions_needed
from serving.store.tables.keys import data_key, encrypted_columns, key_rotation
from tests.unit.serving.security.fields.conftest import CONTACT, KEKS, NOTE, TABLES

PEOPLE = 60
COLUMNS = list(encrypted_columns(TABLES))
NOW = dt.timedelta()


def both() -> FieldCipher:
    """As after the second version was put there and the processes were restarted."""
    return FieldCipher(KeyRing(KEKS))


def owner_of(number: int) -> Owner:
    return Owner("person", f"p-{number:04}")


@pytest.fixture
def filled(engine: Engine, cipher: FieldCipher) -> Engine:
    with engine.begin() as connection:
        for number in range(PEOPLE):
            row = {"id": number, "subject": owner_of(number).subject}
            for name in ("phone", "address"):
                place = Place("contact", name, (number,))
                row[name] = cipher.encrypt(connection, owner_of(number), place, f"{name} 0 of {number}")
            connection.execute(insert(CONTACT).values(row))
    return engine


def everything(engine: Engine, cipher: FieldCipher) -> list[str | None]:
    with engine.begin() as connection:
        rows = connection.execute(select(CONTACT).order_by(CONTACT.c.id)).all()
        return cipher.decrypt_many(
            connection,
            [(Place("contact", name, (row.id,)), row._mapping[name]) for row in rows for name in ("phone", "address")],
        )


def keys_of_fields(engine: Engine) -> set[str]:
    with engine.begin() as connection:
        return {
            str(key)
            for name in (CONTACT.c.phone, CONTACT.c.address)
            for (key,) in connection.execute(select(func.field_key(name)))
        }


def test_the_columns_say_themselves_that_they_are_encrypted() -> None:
    assert [(one.table.name, one.column.name, one.fixed) for one in COLUMNS] == [
        ("contact", "phone", False), ("contact", "address", False), ("note", "said", True),
    ]  # fmt: skip


def test_a_key_encryption_key_is_replaced(filled: Engine, owner: Engine) -> None:
    before = everything(filled, both())
    with filled.begin() as connection:
        assert versions_needed(connection) == [1]
    assert rotate_kek(owner, both()) == Rotated(PEOPLE)
    with filled.begin() as connection:
        assert versions_needed(connection) == [2]
        rotation = connection.execute(select(key_rotation)).one()
        assert (rotation.what, rotation.kek, rotation.finished_at is None) == ("kek", 2, False)
    only_second = FieldCipher(KeyRing({2: KEKS[2]}))
    assert everything(filled, only_second) == before
    assert rotate_kek(owner, both()) == Rotated(0)
    with filled.begin() as connection:
        only_second.encrypt(connection, owner_of(9999), Place("contact", "phone", (9999,)), "new")
        assert versions_needed(connection) == [2]


def test_until_a_rotation_says_so_new_keys_are_wrapped_as_before(filled: Engine, cipher: FieldCipher) -> None:
    place = Place("contact", "phone", (9999,))
    with filled.begin() as connection:
        stored = both().encrypt(connection, owner_of(9999), place, "new")
    with filled.begin() as connection:  # a process that has not been restarted yet
        assert cipher.decrypt(connection, place, stored) == "new"


def test_a_machine_without_the_newest_version_does_not_rotate(filled: Engine, owner: Engine) -> None:
    rotate_kek(owner, both())
    with pytest.raises(KeyMissingError, match="version 2"):
        rotate_kek(owner, FieldCipher(KeyRing({1: KEKS[1]})))


def test_data_keys_are_replaced_and_the_old_ones_destroyed(filled: Engine, owner: Engine, cipher: FieldCipher) -> None:
    before, keys = everything(filled, cipher), keys_of_fields(filled)
    assert rotate_data_keys(owner, cipher, COLUMNS) == Rotated(PEOPLE, 2 * PEOPLE, 0, PEOPLE)
    assert everything(filled, cipher) == before
    assert keys_of_fields(filled).isdisjoint(keys)
    assert len(keys_of_fields(filled)) == PEOPLE
    # The next rotation destroys what this one retired; the grace has passed by then.
    done = rotate_data_keys(owner, cipher, COLUMNS, NOW)
    assert (done.destroyed, done.kept) == (2 * PEOPLE, 0)
    assert everything(filled, cipher) == before


def test_append_only_rows_keep_their_key_as_long_as_they_are_there(
    filled: Engine, owner: Engine, cipher: FieldCipher
) -> None:
    place = Place("note", "said", (1, 1))
    with filled.begin() as connection:
        said = cipher.encrypt(connection, owner_of(3), place, "a note")
        connection.execute(insert(NOTE).values(case_file=1, number=1, said=said))
    done = rotate_data_keys(owner, cipher, COLUMNS, NOW)
    assert (done.destroyed, done.kept) == (PEOPLE - 1, 1)
    with filled.begin() as connection:
        assert cipher.decrypt(connection, place, said) == "a note"


def test_a_field_in_a_column_that_nobody_declared_keeps_its_key_too(
    filled: Engine, owner: Engine, cipher: FieldCipher
) -> None:
    done = rotate_data_keys(owner, cipher, [], NOW)
    assert (done.keys, done.fields, done.destroyed, done.kept) == (PEOPLE, 0, 0, PEOPLE)
    assert None not in everything(filled, cipher)


def test_the_erased_stay_erased(filled: Engine, owner: Engine, cipher: FieldCipher) -> None:
    with filled.begin() as connection:
        cipher.erase(connection, owner_of(5))
    rotate_kek(owner, both())
    rotate_data_keys(owner, both(), COLUMNS, NOW)
    found = everything(filled, both())
    assert [position for position, one in enumerate(found) if one is None] == [10, 11]


def test_rows_that_were_tampered_with_stop_the_rotation(filled: Engine, owner: Engine, cipher: FieldCipher) -> None:
    with owner.begin() as connection:
        connection.execute(text("UPDATE contact SET phone = address WHERE id = 7"))
    with pytest.raises(FieldTamperedError, match=r"contact\.phone"):
        rotate_data_keys(owner, cipher, COLUMNS)


class _KilledError(Exception):
    pass


@contextmanager
def killed_at(engine: Engine, commit: int) -> Iterator[None]:
    """The job ends at its n-th commit, which does not come about."""
    seen = 0

    def on_commit(_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == commit:
            raise _KilledError

    event.listen(engine, "commit", on_commit)
    try:
        yield
    finally:
        event.remove(engine, "commit", on_commit)


@pytest.mark.parametrize("commit", range(1, 9))
def test_an_interrupted_rotation_goes_on(
    filled: Engine, owner: Engine, commit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.security.fields.rotation._BATCH", 25)
    before, keys = everything(filled, both()), keys_of_fields(filled)
    steps: list[Callable[[], Rotated]] = [
        lambda: rotate_kek(owner, both()),
        lambda: rotate_data_keys(owner, both(), COLUMNS),
    ]
    for rotate in steps:
        try:
            with killed_at(owner, commit):
                rotate()
        except _KilledError:
            assert everything(filled, both()) == before
        rotate()
    assert everything(filled, FieldCipher(KeyRing({2: KEKS[2]}))) == before
    assert keys_of_fields(filled).isdisjoint(keys)
    with filled.begin() as connection:
        assert connection.execute(
            select(func.count()).select_from(key_rotation).where(key_rotation.c.finished_at.is_(None))
        ).scalar_one() == 0  # fmt: skip


class Worker(threading.Thread):
    """Writes fields of its own people and reads everybody's, until told to stop."""

    def __init__(self, number: int, engine: Engine, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.mine = range(number * PEOPLE // 4, (number + 1) * PEOPLE // 4)
        self.engine, self.stopped, self.chance = engine, stop, random.Random(number)
        self.said: dict[tuple[int, str], str] = {}
        self.written = self.read = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        cipher = both()
        try:
            while not self.stopped.is_set():
                self._write(cipher)
                self._read(cipher)
        except Exception as error:  # noqa: BLE001 whatever a reader or writer meets is what the test is about
            self.wrong.append(repr(error))

    def _write(self, cipher: FieldCipher) -> None:
        with self.engine.begin() as connection:
            for number in self.chance.sample(self.mine, 3):  # in any order: as careless as a caller may be
                name = self.chance.choice(("phone", "address"))
                said = f"{name} {self.written} of {number}"
                stored = cipher.encrypt(connection, owner_of(number), Place("contact", name, (number,)), said)
                connection.execute(update(CONTACT).where(CONTACT.c.id == number).values({name: stored}))
                self.said[number, name] = said
                self.written += 1

    def _read(self, cipher: FieldCipher) -> None:
        number = self.chance.randrange(PEOPLE)
        with self.engine.begin() as connection:
            row = connection.execute(select(CONTACT).where(CONTACT.c.id == number)).one()
            for name in ("phone", "address"):
                found = cipher.decrypt(connection, Place("contact", name, (number,)), row._mapping[name])
                if not found.startswith(f"{name} ") or not found.endswith(f" of {number}"):
                    self.wrong.append("a field says what was written elsewhere")
                self.read += 1


def test_four_who_read_and_write_meanwhile_lose_nothing(filled: Engine, owner: Engine) -> None:
    stop = threading.Event()
    workers = [Worker(number, filled, stop) for number in range(4)]
    for worker in workers:
        worker.start()
    rotated = []
    for _ in range(3):
        rotated.append(rotate_data_keys(owner, both(), COLUMNS, dt.timedelta(seconds=1)))
        rotate_kek(owner, both())
    stop.set()
    for worker in workers:
        worker.join(30)
    assert [worker.wrong for worker in workers] == [[], [], [], []]
    assert all(worker.written and worker.read for worker in workers)
    assert all(done.keys >= PEOPLE for done in rotated)
    assert sum(done.fields for done in rotated) > PEOPLE
    said = {key: value for worker in workers for key, value in worker.said.items()}
    expected = [
        said.get((number, name), f"{name} 0 of {number}") for number in range(PEOPLE) for name in ("phone", "address")
    ]
    assert everything(filled, FieldCipher(KeyRing({2: KEKS[2]}))) == expected
    with filled.begin() as connection:
        assert versions_needed(connection) == [2]
        current = select(func.count()).select_from(data_key).where(data_key.c.retired_at.is_(None))
        assert connection.execute(current).scalar_one() == PEOPLE
