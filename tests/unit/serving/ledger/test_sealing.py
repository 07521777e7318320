"""Sealing in a real PostgreSQL: without gaps, whoever appends, and never signed where it was set back."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymerkle import InmemoryTree
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from serving.ledger import stored
from serving.ledger.checkpoints import publish, read_last_published, read_published, signed
from serving.ledger.errors import CheckpointFileError, LedgerContradictsError
from serving.ledger.intents import intend, is_behind, record_sweep
from serving.ledger.leaves import Json
from serving.ledger.sealing import LONGEST_SILENCE, Signer, seal, seal_and_publish, sign
from serving.ledger.tree import grew_from, root_by_path
from serving.ledger.verification import verify
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING, casework_database, count, owner_engine
from tests.ledger_world import SIGNER, things_happen

LATER = MORNING + dt.timedelta(minutes=16)


def test_the_stored_tree_is_that_of_the_oracle(engine: Engine) -> None:
    oracle = InmemoryTree(algorithm="sha256")
    for _ in range(3):  # 700 leaves: two roots of 256 are kept
        things_happen(engine, 233)
        with engine.begin() as connection:
            seal(connection)
    things_happen(engine, 1)
    with engine.begin() as connection:
        seal(connection)
        leaves = list(stored.all_leaves(connection))
        for leaf in leaves:
            assert leaf.event is not None
            oracle.append_entry(leaf.salt + leaf.event.canonical())
        assert count(connection, "ledger_node") == 2
        for size in (0, 1, 255, 256, 257, 512, 513, 699, 700):
            assert stored.root_at(connection, size) == oracle.get_root(size)
        for index in (0, 255, 256, 600, 699):
            path = stored.prove_inclusion(connection, index, 700)
            assert root_by_path(leaves[index].hash, index, 700, path) == oracle.get_root(700)
        grown = stored.prove_consistency(connection, 300, 700)
    assert grew_from(300, oracle.get_root(300), 700, oracle.get_root(700), grown)


def test_appenders_that_run_at_once_leave_no_gap(engine: Engine) -> None:
    def work(number: int) -> None:
        for _ in range(5):
            things_happen(engine, 7)
            with engine.begin() as connection:
                seal(connection, most=5 + number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.begin() as connection:
        seal(connection)
        assert [leaf.index for leaf in stored.all_leaves(connection)] == list(range(140))
        assert count(connection, "audit_unsealed") == 0


def test_an_appender_that_dies_leaves_no_gap(engine: Engine) -> None:
    things_happen(engine, 3)
    with engine.connect() as connection:
        assert seal(connection) == 3
        connection.rollback()
    things_happen(engine, 2)
    with engine.begin() as connection:
        assert seal(connection) == 5
        assert [leaf.index for leaf in stored.all_leaves(connection)] == list(range(5))


def test_a_run_seals_signs_and_publishes_all(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "ledger" / "checkpoints.jsonl"
    things_happen(engine, 2_300)
    assert seal_and_publish(engine, SIGNER, file, MORNING) == 2_300
    published = read_published(file)
    assert [one.size for one in published] == [1_000, 2_000, 2_300]
    assert seal_and_publish(engine, SIGNER, file, MORNING) == 0
    assert read_published(file) == published
    seal_and_publish(engine, SIGNER, file, MORNING + LONGEST_SILENCE)
    assert [one.size for one in read_published(file)][3:] == [2_300]
    with engine.begin() as connection:
        assert stored.all_checkpoints(connection) == read_published(file)
        verdict = verify(stored.all_leaves(connection), published, SIGNER.key.public_key())
    assert (verdict.sound, verdict.leaves, verdict.proved) == (True, 2_300, 2_300)


def test_what_was_signed_before_a_crash_is_published_after_it(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.jsonl"
    things_happen(engine, 3)
    with engine.begin() as connection:
        seal(connection)
        made = sign(connection, SIGNER, MORNING)
    seal_and_publish(engine, SIGNER, file, MORNING)
    assert read_published(file) == [made]


def test_a_line_that_a_full_disk_cut_short_does_not_spoil_the_next(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.jsonl"
    file.write_text('{"origin": "ledger.te')
    things_happen(engine, 1)
    with engine.begin() as connection:
        seal(connection)
        made = sign(connection, SIGNER, MORNING)
    assert made is not None
    publish(made, file)
    assert read_published(file) == read_last_published(file) == [made]


def test_of_a_file_that_is_years_long_the_end_is_read(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.jsonl"
    assert read_last_published(file) == []
    made = [signed(SIGNER.origin, size, bytes(32), MORNING, SIGNER.key) for size in range(1_000)]
    file.write_text("".join(one.line() + "\n" for one in made))
    last = read_last_published(file)
    assert last == made[-len(last) :]
    assert 100 < len(last) < 1_000
    assert read_published(file) == made


@pytest.mark.parametrize("line", ["{}", '{"origin": 1}', '["}"}', '{"origin": "x", "size": -1, "root": ""}'])
def test_a_whole_line_that_is_no_checkpoint_is_told(tmp_path: Path, line: str) -> None:
    file = tmp_path / "checkpoints.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(CheckpointFileError, match=r"checkpoints\.jsonl:1: this "):
        read_published(file)


def test_a_checkpoint_that_somebody_put_into_the_database_is_not_published(
    engine: Engine, server: EmbeddedServer, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoints.jsonl"
    things_happen(engine, 3)
    with engine.begin() as connection:
        seal(connection)
        forged = sign(connection, Signer(SIGNER.origin, Ed25519PrivateKey.generate()), MORNING)
    seal_and_publish(engine, SIGNER, file, LATER)
    assert forged not in read_published(file)
    assert [one.size for one in read_published(file)] == [3]


def test_a_database_that_was_set_back_is_not_signed(engine: Engine, server: EmbeddedServer, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.jsonl"
    things_happen(engine, 5)
    seal_and_publish(engine, SIGNER, file, MORNING)
    with casework_database(server) as restored:
        things_happen(restored, 3)
        with pytest.raises(LedgerContradictsError, match="has 0 leaves, but a checkpoint of 5"):
            seal_and_publish(restored, SIGNER, file, LATER)
        with restored.begin() as connection:
            assert count(connection, "ledger_leaf") == count(connection, "ledger_checkpoint") == 0
            assert is_behind(connection, LATER)
        things_happen(restored, 9)
        with restored.begin() as connection:
            assert seal(connection) == 12
        with pytest.raises(LedgerContradictsError, match="another root"):
            seal_and_publish(restored, SIGNER, file, LATER)
        with restored.begin() as connection, pytest.raises(LedgerContradictsError, match="another root"):
            sign(connection, SIGNER, LATER, read_published(file))


def test_delivery_stops_where_nothing_is_sealed_for_a_quarter_of_an_hour(engine: Engine) -> None:
    things_happen(engine, 1)
    with engine.begin() as connection:
        assert not is_behind(connection, MORNING + dt.timedelta(minutes=15))
        assert is_behind(connection, LATER)
        seal(connection)
        assert not is_behind(connection, LATER)


def test_a_sweep_is_attested(engine: Engine) -> None:
    account: dict[str, Json] = {"subjects": 12, "eligible": 4, "benefits": [{"benefit": "dibao", "granted": 2}]}
    with engine.begin() as connection:
        record_sweep(connection, 1, "0" * 64, account, MORNING)
        seal(connection)
        (leaf,) = stored.all_leaves(connection)
    assert leaf.event is not None
    assert (leaf.event.action, leaf.event.payload["rulebook"]) == ("sweep:attested", "0" * 64)


@pytest.mark.parametrize("payload", [{"amount": 1.5}, {"n": 2**53}, {"deep": [{"words": "我" * 129}]}, {"n": -(2**60)}])
def test_a_payload_holds_ids_codes_and_counts(engine: Engine, payload: dict[str, Json]) -> None:
    with engine.connect() as connection, pytest.raises(IntegrityError, match="payload_holds"):
        intend(connection, "a:b", "system", "test", "case_file", "1", payload, MORNING)


CARELESS = {
    "leaf edited": "UPDATE ledger_leaf SET salt = hash",
    "leaf deleted": "DELETE FROM ledger_leaf",
    "leaves emptied": "TRUNCATE ledger_leaf",
    "event deleted": "DELETE FROM audit_intent",
    "event edited": "UPDATE audit_intent SET actor = 'nobody'",
    "node edited": "UPDATE ledger_node SET hash = hash",
    "checkpoint edited": "UPDATE ledger_checkpoint SET size = 1",
    "checkpoint deleted": "DELETE FROM ledger_checkpoint",
    "what waits emptied": "TRUNCATE audit_unsealed",
    "a gap": "INSERT INTO ledger_leaf SELECT 300, id, hash, hash FROM audit_intent, ledger_leaf "
    "WHERE index = 0 AND id = (SELECT max(id) FROM audit_intent)",
    "sealed twice": "INSERT INTO ledger_leaf SELECT 256, intent, salt, hash FROM ledger_leaf WHERE index = 0",
}


@pytest.fixture(scope="module")
def full(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        things_happen(engine, 256)
        with engine.begin() as connection:
            seal(connection)
            sign(connection, SIGNER, MORNING)
        things_happen(engine, 1)
        yield engine


@pytest.mark.parametrize("query", CARELESS.values(), ids=CARELESS)
def test_a_careless_query_of_the_owner_changes_nothing(full: Engine, server: EmbeddedServer, query: str) -> None:
    owner = owner_engine(server)
    with owner.connect() as connection:
        with pytest.raises(DBAPIError, match=r"append-only|without gaps|duplicate key|cannot truncate"):
            connection.execute(text(query))
        connection.rollback()
        assert connection.execute(text("SELECT count(*) FROM audit_unsealed")).scalar_one() == 1
    owner.dispose()


def test_the_application_cannot_say_that_something_was_sealed(full: Engine) -> None:
    with full.connect() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("DELETE FROM audit_unsealed"))
