"""A field can be read where it was written, by who has the keys, as long as the person's key exists; nowhere else."""

from __future__ import annotations

import subprocess
import threading
from base64 import b64encode
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from serving.security.errors import FieldErasedError, FieldTamperedError, KeyMissingError, SecurityError
from serving.security.fields.blind_index import BlindIndex
from serving.security.fields.cipher import FieldCipher, Place
from serving.security.fields.keyring import KeyRing, Owner
from serving.store.server import EmbeddedServer
from serving.store.tables.keys import data_key
from tests.unit.serving.security.fields.conftest import CONTACT, KEKS

MEI, LAN = Owner("person", "p-mei"), Owner("person", "p-lan")
HERE = Place("contact", "phone", (1,))


def fill(engine: Engine, cipher: FieldCipher, count: int) -> list[str]:
    """Rows of contact data of `count` people; every value that must not be found in the database."""
    index, values = BlindIndex(b"b" * 32), []
    with engine.begin() as connection:
        for number in range(count):
            owner = Owner("person", f"p-{number:04}")
            phone, address = f"139{number:08}", f"桂花街道{number:04}号之{number * 7919}室"
            values += [phone, address]
            connection.execute(
                insert(CONTACT).values(
                    id=number,
                    subject=owner.subject,
                    phone=cipher.encrypt(connection, owner, Place("contact", "phone", (number,)), phone),
                    address=cipher.encrypt(connection, owner, Place("contact", "address", (number,)), address),
                    phone_index=index.of("contact", "phone", phone),
                )
            )
    return values


def test_what_is_written_is_read_back(engine: Engine, cipher: FieldCipher) -> None:
    with engine.begin() as connection:
        for said in ("", "13800138000", "桂花街道 12 号\n二楼", "x" * 100_000, "\0"):
            stored = cipher.encrypt(connection, MEI, HERE, said)
            assert cipher.decrypt(connection, HERE, stored) == said
            assert cipher.encrypt(connection, MEI, HERE, said) != stored
        assert connection.execute(select(func.count()).select_from(data_key)).scalar_one() == 1


def test_a_dump_of_the_database_holds_none_of_a_thousand_values(
    engine: Engine, owner: Engine, cipher: FieldCipher, server: EmbeddedServer
) -> None:
    values = fill(engine, cipher, 500)
    assert len(set(values)) == 1_000
    with owner.connect() as connection:
        programs = connection.execute(text("SELECT setting FROM pg_config WHERE name = 'BINDIR'")).scalar_one()
    command = [str(Path(programs) / "pg_dump"), "--inserts", server.url]
    dump = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    with engine.connect() as connection:
        shown = "\n".join(
            str(row)
            for table in ("contact", "data_key", "key_rotation")
            for (row,) in connection.execute(text(f"SELECT t::text FROM {table} t"))
        )
    assert dump.count("INSERT INTO public.contact") == 500  # the dump is one: it holds the rows
    assert "p-0123" in shown
    for place in (dump, shown):
        for value in values:
            raw = value.encode()
            assert value not in place
            assert raw.hex() not in place
            assert b64encode(raw).decode().rstrip("=")[:-1] not in place
    for key in KEKS.values():
        assert key.hex() not in dump


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("contact", "phone", (2,)), Place("contact", "address", (1,)), Place("note", "phone", (1,)),
        Place("contactp", "hone", (1,)), Place("contact", "phone", ()), Place("contact", "phone", (1, 1)),
    ],
)  # fmt: skip
def test_a_field_moved_elsewhere_is_not_read(engine: Engine, cipher: FieldCipher, elsewhere: Place) -> None:
    with engine.begin() as connection:
        stored = cipher.encrypt(connection, MEI, HERE, "13800138000")
        with pytest.raises(FieldTamperedError, match="not encrypted for this place") as refusal:
            cipher.decrypt(connection, elsewhere, stored)
        assert "13800138000" not in str(refusal.value)


def test_rows_and_columns_swapped_in_the_database_are_not_read(
    engine: Engine, owner: Engine, cipher: FieldCipher
) -> None:
    fill(engine, cipher, 2)
    swap_rows = "UPDATE contact SET phone = (SELECT phone FROM contact c WHERE c.id = 1 - contact.id)"
    with owner.begin() as connection:
        connection.execute(text(swap_rows))
        connection.execute(text("UPDATE contact SET address = phone"))
    with engine.begin() as connection:
        for row in connection.execute(select(CONTACT)).all():
            for column in ("phone", "address"):
                with pytest.raises(FieldTamperedError):
                    cipher.decrypt(connection, Place("contact", column, (row.id,)), row._mapping[column])


def test_a_field_under_the_key_of_somebody_else_is_not_read(engine: Engine, owner: Engine, cipher: FieldCipher) -> None:
    with engine.begin() as connection:
        mine = cipher.encrypt(connection, MEI, HERE, "a")
        cipher.encrypt(connection, LAN, HERE, "b")
    with owner.begin() as connection:
        other = "(SELECT wrapped FROM data_key d WHERE d.subject <> data_key.subject)"
        connection.execute(text(f"UPDATE data_key SET wrapped = {other}"))
    with engine.begin() as connection, pytest.raises(FieldTamperedError, match=r"data_key\.wrapped"):
        cipher.decrypt(connection, HERE, mine)


def test_every_altered_byte_is_found(engine: Engine, cipher: FieldCipher) -> None:
    with engine.begin() as connection:
        stored = cipher.encrypt(connection, MEI, HERE, "abc")
        for position in range(len(stored)):
            altered = bytearray(stored)
            altered[position] ^= 1
            with pytest.raises(FieldTamperedError):
                cipher.decrypt(connection, HERE, bytes(altered))
        for length in range(len(stored)):
            with pytest.raises(FieldTamperedError):
                cipher.decrypt(connection, HERE, stored[:length])


def test_a_deleted_key_makes_the_persons_fields_unreadable_and_nothing_else(
    engine: Engine, cipher: FieldCipher
) -> None:
    fill(engine, cipher, 20)
    with engine.begin() as connection:
        assert cipher.erase(connection, Owner("person", "p-0007")) == 1
    with engine.begin() as connection:
        for row in connection.execute(select(CONTACT)).all():
            for column in ("phone", "address"):
                place, stored = Place("contact", column, (row.id,)), row._mapping[column]
                (found,) = cipher.decrypt_many(connection, [(place, stored)])
                assert (found is None) == (row.subject == "p-0007")
        gone = connection.execute(select(CONTACT.c.phone).where(CONTACT.c.id == 7)).scalar_one()
        with pytest.raises(FieldErasedError, match=r"contact\.phone: its data key was deleted"):
            cipher.decrypt(connection, Place("contact", "phone", (7,)), gone)
        kept = connection.execute(select(data_key).where(data_key.c.subject == "p-0007")).one()
        assert (kept.wrapped, kept.destroyed_because) == (None, "erased")


def test_what_a_person_states_after_their_erasure_has_a_new_key(engine: Engine, cipher: FieldCipher) -> None:
    with engine.begin() as connection:
        before = cipher.encrypt(connection, MEI, HERE, "before")
        cipher.erase(connection, MEI)
        after = cipher.encrypt(connection, MEI, HERE, "after")
        assert cipher.decrypt_many(connection, [(HERE, before), (HERE, after)]) == [None, "after"]
        assert cipher.erase(connection, LAN) == 0


def test_an_erasure_waits_for_who_is_writing(engine: Engine, cipher: FieldCipher) -> None:
    with engine.begin() as connection:
        cipher.encrypt(connection, MEI, HERE, "a")
    erased = threading.Event()

    def erase() -> None:
        with engine.begin() as connection:
            cipher.erase(connection, MEI)
        erased.set()

    with engine.begin() as writing:
        cipher.encrypt(writing, MEI, HERE, "b")
        thread = threading.Thread(target=erase)
        thread.start()
        assert not erased.wait(0.3)
    thread.join(10)
    assert erased.is_set()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM data_key", "TRUNCATE data_key", "UPDATE data_key SET subject = 'p-lan'",
        "UPDATE data_key SET wrapped = 'x', kek = 1, destroyed_at = NULL, destroyed_because = NULL",
        "UPDATE data_key SET retired_at = NULL",
    ],
)  # fmt: skip
def test_a_key_keeps_its_owner_and_does_not_come_back(
    engine: Engine, owner: Engine, cipher: FieldCipher, statement: str
) -> None:
    with engine.begin() as connection:
        cipher.encrypt(connection, MEI, HERE, "a")
        cipher.erase(connection, MEI)
    with pytest.raises(DBAPIError) as refusal, owner.begin() as connection:
        connection.execute(text(statement))
    assert getattr(refusal.value.orig, "sqlstate", "") == "23001"


def test_many_who_write_at_once_make_one_key(engine: Engine, cipher: FieldCipher) -> None:
    begin, stored = threading.Barrier(8), []

    def write() -> None:
        begin.wait()
        with engine.begin() as connection:
            stored.append(cipher.encrypt(connection, MEI, HERE, "a"))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(data_key)).scalar_one() == 1
        assert cipher.decrypt_many(connection, [(HERE, one) for one in stored]) == ["a"] * 8


def test_without_its_version_of_the_key_nothing_is_read(engine: Engine, cipher: FieldCipher) -> None:
    with engine.begin() as connection:
        stored = cipher.encrypt(connection, MEI, HERE, "a")
        with pytest.raises(KeyMissingError, match="version 1 of the key-encryption key"):
            FieldCipher(KeyRing({2: KEKS[2]})).decrypt(connection, HERE, stored)
        with pytest.raises(FieldTamperedError):
            FieldCipher(KeyRing({1: KEKS[2]})).decrypt(connection, HERE, stored)


def test_a_field_is_found_by_its_blind_index(engine: Engine, cipher: FieldCipher) -> None:
    fill(engine, cipher, 50)
    index = BlindIndex(b"b" * 32)
    with engine.begin() as connection:
        query = select(CONTACT.c.id).where(CONTACT.c.phone_index == index.of("contact", "phone", "139 0000-００42"))
        assert connection.execute(query).scalars().all() == [42]
    value = "13900000042"
    assert index.of("contact", "phone", value) != index.of("contact", "address", value)
    assert index.of("contact", "phone", value) != BlindIndex(b"c" * 32).of("contact", "phone", value)
    assert index.of("a", "bc", value) != index.of("ab", "c", value)


@pytest.mark.parametrize("versions", [{}, {1: b"short"}])
def test_a_ring_without_keys_is_none(versions: dict[int, bytes]) -> None:
    with pytest.raises(SecurityError):
        KeyRing(versions)


def test_a_short_key_makes_no_index() -> None:
    with pytest.raises(SecurityError):
        BlindIndex(b"short")


def test_the_engine_may_not_take_a_trace_away(engine: Engine, cipher: FieldCipher) -> None:
    with engine.begin() as connection:
        cipher.encrypt(connection, MEI, HERE, "a")
    for statement in (
        "DELETE FROM data_key",
        "UPDATE data_key SET kind = 'x'",
        "INSERT INTO key_rotation (what) VALUES ('data')",
    ):
        with pytest.raises(DBAPIError) as refusal, engine.begin() as connection:
            connection.execute(text(statement))
        assert getattr(refusal.value.orig, "sqlstate", "") == "42501"
    with engine.begin() as connection:
        connection.execute(update(data_key).values(retired_at=func.now()))
