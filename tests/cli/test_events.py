"""`applyfree events`, as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shell import applyfree
from tests.unit.features.events.worlds import death, envelope, lines, move
from tests.unit.features.signing import private_key, senders_with, signed


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path / "home"))
    return tmp_path


def test_it_tells_what_was_taken_doubled_set_aside_and_what_waits(home: Path) -> None:
    file, bad = home / "events.jsonl", home / "bad.csv"
    said = [death(id="e1"), death(id="e1"), move(id="m2", version=2, corrects="m1")]
    file.write_bytes(b"".join(lines(said)) + b'{"header": {}}\n')
    done = applyfree("events", file, "--quarantine", bad)
    assert done.status == 1
    (row,) = (line for line in done.out.splitlines() if "events.jsonl" in line and "│" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "events.jsonl",
        "4",
        "2",
        "1",
        "0",
        "1",
        "1",
        "0",
        "1",
    ]
    assert "Set aside: events.jsonl, row 4, column `message`: is missing." in done.out
    assert "Waits for the event that it corrects or reverses: m2 of police." in done.out
    assert bad.read_text("utf-8").splitlines()[0] == "file,line,field,reason"
    assert "events.jsonl,4,message,is missing" in bad.read_text("utf-8")


def test_the_event_that_was_waited_for_comes_later(home: Path) -> None:
    first, second = home / "first.jsonl", home / "second.jsonl"
    first.write_bytes(b"".join(lines([move(id="m2", version=2, corrects="m1")])))
    second.write_bytes(b"".join(lines([move(id="m1"), move(id="m2", version=2, corrects="m1")])))
    done = applyfree("events", first, second)
    assert done.status == 0
    assert done.out.count("Waits") == 1


def test_a_sender_whose_key_is_named_must_sign_and_the_others_are_told_of(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = home / "keys"
    keys.mkdir()
    senders_with(keys, ("health", private_key(1)))
    monkeypatch.setenv("APPLYFREE_SENDERS", str(keys / "senders.yaml"))
    file = home / "events.jsonl"
    theirs = signed(envelope(death(id="e1")), private_key(1))
    file.write_bytes(json.dumps(theirs).encode() + b"\n" + b"".join(lines([death(id="e2"), move(id="m1")])))
    done = applyfree("events", file)
    assert done.status == 1
    assert "events.jsonl, row 2, column `signature`: The message is not signed" in done.out
    assert "Taken unchecked: 1 events" in done.out
    monkeypatch.setenv("APPLYFREE_SENDERS", str(home / "none.yaml"))
    done = applyfree("events", file)
    assert done.status == 2
    assert "cannot be read" in done.err


def test_no_persons_data_on_the_screen(home: Path) -> None:
    file = home / "events.jsonl"
    file.write_bytes(b"".join(lines([death(person="secret-person")])) + b'{"secret-person": 1}\n' + b"secret-person\n")
    done = applyfree("events", file)
    assert "secret" not in done.out + done.err


def test_a_file_that_is_not_there_is_an_error(home: Path) -> None:
    done = applyfree("events", home / "none.jsonl")
    assert done.status == 2
    assert "none.jsonl" in done.err
