"""Humans' own words: in no table, log line, problem or audit payload; read by those who may; erased with their key."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, LargeBinary, select, text

from rules.determination import Outcome
from serving.api.application import build
from serving.api.words import Sealing
from serving.casework.quality.reviewing import Found, record_result
from serving.security.errors import FieldTamperedError
from serving.security.fields.cipher import FieldCipher, Place
from serving.security.fields.keyring import KeyRing, Owner
from serving.security.fields.rotation import rotate_data_keys, rotate_kek, versions_needed
from serving.store.tables.casework import case_event, decision, move
from serving.store.tables.citizens import objection
from serving.store.tables.keys import encrypted_columns
from serving.store.tables.metadata import metadata
from tests.api_world import NOW, ORIGIN, World, api_world, unlimited

CANARY = "金丝雀"
SCAN = "5ca17ab1e0" * 6 + "beef"
"""The hash of a paper that somebody signed."""
KEKS = {1: bytes(range(1, 33)), 2: bytes(range(101, 133))}
COLUMNS = {(one.table.name, one.column.name): one for one in encrypted_columns(metadata)}


@dataclass
class Said:
    """Everything that was said, and to whom it was not to be told."""

    world: World
    answers: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    number: int = 0

    def words(self, at: str) -> str:
        """The next words, which occur nowhere else."""
        self.number += 1
        return f"{CANARY}{self.number:03} of {at}"

    def ask(self, who: str, path: str, status: int = 200, **more: Any) -> Any:  # noqa: ANN401 (JSON)
        """Say something; the answer to it does not repeat it."""
        answer = self.world.ask(who, "POST", path, **more)
        assert answer.status_code == status, answer.text
        self.answers.append(answer.text)
        return answer.json()

    def as_read(self, who: str, path: str) -> dict[str, str]:
        """The header that says which revision they have read."""
        return {"If-Match": self.world.ask(who, "GET", path).headers["ETag"]}

    def read(self, who: str, path: str) -> Any:  # noqa: ANN401 (JSON)
        answer = self.world.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage() + repr(record.__dict__))


@pytest.fixture(scope="module")
def said() -> Iterator[Said]:
    """Words through every route that takes some, good ones and ones that are refused, with every log open."""
    with api_world(change=unlimited) as world:
        found = Said(world)
        catcher, loggers = _Lines(found.lines), [logging.getLogger(), logging.getLogger("applyfree")]
        levels = [one.level for one in loggers]
        for one in loggers:
            one.addHandler(catcher)
            one.setLevel(logging.DEBUG)
        try:
            _say_all(found)
            yield found
        finally:
            for one, level in zip(loggers, levels, strict=True):
                one.removeHandler(catcher)
                one.setLevel(level)


def _say_all(said: Said) -> None:
    offers, cases, people = said.world.offers, said.world.cases, said.world.people
    said.ask("alice", f"/me/offers/{offers['alice']}/person", json={"words": said.words("person")})
    mine = f"/me/offers/{offers['alice2']}"
    body = {"words": said.words("objection")}
    said.ask("alice", f"{mine}/objection", json=body, headers=said.as_read("alice", mine))
    said.ask("alice", "/me/objections", json={"benefit": "advanced_age_allowance", "words": said.words("answer")})
    said.ask("alice", "/me/person", json={"words": said.words("question")})
    said.ask("alice", f"/public-notices/{offers['notice']}/objection", json={"words": said.words("notice")})
    case = f"/cases/{cases['mine']}"
    said.ask("ann", f"{case}/notes", json={"words": said.words("note")})
    said.ask("ann", f"{case}/view", json={"view": "refuse"}, headers=said.as_read("ann", case))
    denial = {"verdict": "deny", "reason_code": "OTHER", "words": said.words("decision with enough characters")}
    said.ask("ann", f"{case}/decision", json=denial, headers=said.as_read("ann", case))
    said.ask("ben", f"{case}/claim", headers=said.as_read("ben", case))
    said.ask("ben", f"{case}/view", json={"view": "refuse"}, headers=said.as_read("ben", case))
    said.ask("ben", f"{case}/second", json={"agree": True}, headers=said.as_read("ben", case))
    said.ask("ann", "/glass", json={"subject": people["bob"], "reason": said.words("glass, which is long enough")})
    paper = {"said": "no", "how": "paper", "document": SCAN}
    said.ask("ann", f"/counter/offers/{offers['bob']}/answer", json=paper)
    _review_sample(said)
    refused = {"json": {"words": [said.words("refused")]}}
    said.ask("alice", "/me/person", 422, **refused)
    said.ask("alice", "/me/person", 422, json={said.words("name"): 1})
    said.ask("alice", f"/me/offers/{offers['bob']}9/objection", 404, json={"words": said.words("nowhere")})
    said.ask("ann", f"{case}/notes", 422, json={"words": said.words("long") * 1000})


def _review_sample(said: Said) -> None:
    subject = said.world.people["cleo"]
    with said.world.owner.begin() as connection:
        connection.execute(
            text("INSERT INTO sample_commitment VALUES ('2026-02', repeat('0', 64), :now)"), {"now": NOW}
        )
        number = connection.execute(
            text(
                "INSERT INTO sample (month, benefit, kind, subject, sweep, determination, on_date, drawn_at) "
                "VALUES ('2026-02', 'dibao', 'person', :of, 1, 'x', :on, :now) RETURNING id"
            ),
            {"of": subject.partition(":")[2], "on": NOW.date(), "now": NOW},
        ).scalar_one()
        connection.execute(text("INSERT INTO sample_answer VALUES (:of, 'ineligible', NULL)"), {"of": number})
    with said.world.parts.engine.begin() as connection:
        note = Sealing(said.world.parts.cipher, connection, subject).words(said.words("sample"))
        record_result(connection, number, "far", Found(Outcome.INELIGIBLE, note=note), NOW)


def _dump(engine: Engine) -> dict[str, str]:
    """Every table as text; what is binary also as the characters that its bytes would be."""
    with engine.begin() as connection:
        names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        found = {
            name: "\n".join(connection.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()) for name in names
        }
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, LargeBinary):
                    held = connection.execute(select(column).where(column.is_not(None))).scalars()
                    found[table.name] += "\n".join(bytes(one).decode("utf-8", "replace") for one in held)
        return found


def _fields(engine: Engine, cipher: FieldCipher) -> dict[tuple[str, str], list[str | None]]:
    """What every declared column says, read by nothing but its declaration."""
    with engine.begin() as connection:
        return {
            key: cipher.decrypt_many(connection, [(Place.of(one.column, row), row[one.column.name]) for row in rows])
            for key, one in COLUMNS.items()
            for rows in [_rows(connection, one.column)]
        }


def _rows(connection: Connection, column: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 (a column of any type)
    rows = connection.execute(select(column.table).where(column.is_not(None))).mappings()
    return [{str(key): value for key, value in row.items()} for row in rows]


def test_the_words_are_nowhere_in_the_database(said: Said) -> None:
    tables = _dump(said.world.owner)
    assert len(tables) > 50
    for name in ("case_event", "decision", "move", "objection", "broken_glass", "sample_review", "audit_intent"):
        assert tables[name], name
    escaped = json.dumps(CANARY)[1:-1]
    hexed = CANARY.encode().hex()
    told = (CANARY, escaped, hexed, SCAN, SCAN.encode().hex())
    assert not [name for name, rows in tables.items() if any(one in rows for one in told)]


def test_no_log_line_and_no_answer_to_what_was_said_holds_them(said: Said) -> None:
    assert said.lines, "the catcher hears nothing"
    escaped = json.dumps(CANARY)[1:-1]
    told = (CANARY, escaped, SCAN)
    assert not [line for line in said.lines if any(one in line for one in told)]
    assert not [answer for answer in said.answers if any(one in answer for one in told)]


def test_every_encrypted_column_is_declared_and_is_read_by_its_declaration(said: Said) -> None:
    found = _fields(said.world.parts.engine, said.world.parts.cipher)
    assert set(found) == {
        ("case_event", "note"), ("decision", "reason"), ("move", "reason"), ("objection", "words"),
        ("broken_glass", "reason"), ("sample_review", "note"), ("said_elsewhere", "scan"),
    }  # fmt: skip
    assert found.pop(("said_elsewhere", "scan")) == [SCAN]
    assert all(rows and all(CANARY in str(one) for one in rows) for rows in found.values())
    assert found["move", "reason"] == found["decision", "reason"]
    with said.world.owner.begin() as connection:  # nothing is encrypted in a column that does not say so
        keys = set(connection.execute(text("SELECT id FROM data_key")).scalars())
        for table in metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, LargeBinary) and (table.name, column.name) not in COLUMNS:
                    query = select(text(f'field_key("{column.name}")')).select_from(table)
                    assert keys.isdisjoint(connection.execute(query).scalars()), (table.name, column.name)


def test_those_who_may_read_them_back(said: Said) -> None:
    case = said.world.cases["mine"]
    (note,) = said.read("sue", f"/cases/{case}/notes")["notes"]
    assert (note["author"], note["by"], "of note" in note["words"]) == ("ann", "officer", True)
    (decided,) = said.read("sue", f"/cases/{case}/decisions")["decisions"]
    assert "of decision" in decided["words"]
    assert said.world.ask("far", "GET", f"/cases/{case}/decisions").status_code in (403, 404)
    assert said.world.ask("alice", "GET", f"/cases/{case}/decisions").status_code in (403, 404)
    with said.world.owner.begin() as connection:
        query = text("SELECT case_file FROM objection UNION SELECT case_file FROM case_event WHERE note IS NOT NULL")
        numbers = connection.execute(query).scalars().all()
    told = [one for number in numbers for who in ("sue", "far") for one in _notes(said, who, number)]
    for at in ("person", "objection", "answer", "question", "notice"):
        assert any(one["words"].endswith(f"of {at}") and one["by"] == "citizen" for one in told), at


def _notes(said: Said, who: str, case: int) -> list[dict[str, Any]]:
    answer = said.world.ask(who, "GET", f"/cases/{case}/notes")
    return list(answer.json()["notes"]) if answer.status_code == 200 else []


@pytest.mark.parametrize("column", [case_event.c.note, objection.c.words, decision.c.reason, move.c.reason])
def test_moved_to_another_row_or_column_they_are_not_read(said: Said, column: Any) -> None:  # noqa: ANN401
    cipher = said.world.parts.cipher
    with said.world.parts.engine.begin() as connection:
        row = _rows(connection, column)[0]
        stored = row[column.name]
        elsewhere = [Place.of(column, {**row, name: value}) for name, value in (
            ("case_file", row["case_file"] + 1), ("sealed_as", "0" * 8 + "-0000-4000-8000-000000000000"),
        )]  # fmt: skip
        other = objection.c.words if column is case_event.c.note else case_event.c.note
        for place in (*elsewhere, Place.of(other, row)):
            with pytest.raises(FieldTamperedError):
                cipher.decrypt(connection, place, stored)


def test_keys_are_replaced_while_people_speak(said: Said) -> None:
    world, ended = said.world, threading.Event()
    both = FieldCipher(KeyRing(KEKS))
    before = _fields(world.parts.engine, world.parts.cipher)
    kept, world.app = world.app, build(_with(world, both), [ORIGIN])
    failed: list[int] = []

    def speak() -> None:
        while not ended.is_set():
            body = {"words": f"{CANARY} while keys are replaced"}
            failed.extend({world.ask("alice", "POST", "/me/person", json=body).status_code} - {200})

    speaker = threading.Thread(target=speak)
    speaker.start()
    try:
        wrapped = rotate_kek(world.owner, both)
        rotated = rotate_data_keys(world.owner, both, list(COLUMNS.values()), dt.timedelta())
    finally:
        ended.set()
        speaker.join()
    assert not failed
    assert (wrapped.keys >= 3, rotated.keys >= 3) == (True, True)
    # Append-only rows keep their data keys, which therefore are kept: only what wraps them is another key.
    assert (rotated.fields, rotated.kept >= 3) == (0, True)
    with world.owner.begin() as connection:
        assert versions_needed(connection) == [2]
    after = _fields(world.parts.engine, FieldCipher(KeyRing({2: KEKS[2]})))
    assert all(set(rows) <= set(after[key]) for key, rows in before.items())
    world.app = kept


def test_erasing_somebody_takes_their_words_and_nothing_else(said: Said) -> None:
    world = said.world
    cipher = FieldCipher(KeyRing(KEKS))
    world.app = build(_with(world, cipher), [ORIGIN])
    kind, _, name = world.people["cleo"].partition(":")
    before = _fields(world.parts.engine, cipher)
    tables = _dump(world.owner)
    with world.parts.engine.begin() as connection:
        assert cipher.erase(connection, Owner(kind, name)) >= 1
    after = _fields(world.parts.engine, cipher)
    assert [one for one in after["decision", "reason"] if one] == []
    assert [one for one in after["sample_review", "note"] if one] == []
    for key in (("objection", "words"), ("broken_glass", "reason")):
        assert after[key] == before[key]
    changed = {name for name, rows in _dump(world.owner).items() if rows != tables[name]}
    assert changed == {"data_key"}
    (note,) = said.read("sue", f"/cases/{world.cases['mine']}/notes")["notes"]
    (decided,) = said.read("sue", f"/cases/{world.cases['mine']}/decisions")["decisions"]
    assert (note["words"], decided["words"], decided["withheld"]) == (None, None, False)
    assert decided["decision"]["verdict"] == "deny"


def _with(world: World, cipher: FieldCipher) -> Any:  # noqa: ANN401 (Parts)
    return replace(world.parts, cipher=cipher)
