"""Messages that must be signed: by their sender, over what they say, and over nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from features.documents import DocumentError
from features.events.loading import LifeEvents
from features.events.log import EventLog
from features.events.messages import read_events
from features.history.history import History
from features.registers.errors import LoadRefusedError
from features.registers.intake import Intake, take_in
from features.senders import MISSING, NOT_BASE64, NOT_THEIRS, Senders, read_senders
from tests.registers_world import ATTESTED, LEARNED, china, contracts
from tests.unit.features.events import worlds
from tests.unit.features.signing import private_key, senders_with, signed

TABLE = contracts().tables["citizen_declaration.consents"]
OFFICE, OLD, STRANGER = private_key(1), private_key(2), private_key(3)


def message(message_id: str, *persons: str, sender: str = "office") -> dict[str, Any]:
    records = [
        {"公民身份号码": p, "同意办理": True, "申请日期": "2026-02-27", "生效日期": "2026-02-27", "记录状态": "有效"}
        for p in persons
    ]
    head: dict[str, Any] = {
        "message_id": message_id,
        "message_ts": "2026-03-01T00:00:00Z",
        "action": "notify",
        "sender_id": sender,
    }
    # A number of either kind: what is signed is what the sender wrote, not what we read of it.
    head |= {"total_count": len(persons), "is_msg_encrypted": False}
    return {"header": head, "message": {"notify_event": [{"data": {"reg_records": records}, "weight": 1.50}]}}


def taken(folder: Path, senders: Senders, *messages: dict[str, Any]) -> Intake:
    path = folder / TABLE.file_name(ATTESTED)
    path.write_text("\n".join(json.dumps(each) for each in messages), encoding="utf-8")
    return take_in(TABLE, path, LEARNED, china(), senders=senders)


def changed(said: dict[str, Any]) -> dict[str, Any]:
    """The same with another person in it."""
    whole: dict[str, Any] = json.loads(json.dumps(said).replace("p1", "p9"))
    return whole


FORGED = {
    "unsigned": (message("m", "p1"), MISSING),
    "empty": (message("m", "p1") | {"signature": ""}, MISSING),
    "not base64": (message("m", "p1") | {"signature": "*"}, NOT_BASE64),
    "cut off": (message("m", "p1") | {"signature": "AAAA"}, NOT_THEIRS),
    "another key": (signed(message("m", "p1"), STRANGER), NOT_THEIRS),
    "a changed byte": (changed(signed(message("m", "p1"), OFFICE)), NOT_THEIRS),
    "of another message": (
        message("m", "p1") | {"signature": signed(message("n", "p1"), OFFICE)["signature"]},
        NOT_THEIRS,
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_not_signed_by_its_sender_is_set_aside_and_the_rest_goes_on(name: str, tmp_path: Path) -> None:
    forged, reason = FORGED[name]
    senders = senders_with(tmp_path, ("office", OFFICE))
    good = signed(message("good", "p2", "p3"), OFFICE)
    intake = taken(tmp_path, senders, forged, good)
    assert intake.rows["id"].to_list() == ["p2", "p3"]
    assert intake.quarantine["reason"].to_list() == [reason]
    assert intake.report.unchecked_messages == 0
    with pytest.raises(LoadRefusedError, match=reason[:20]):
        taken(tmp_path, senders, forged)


def test_either_of_two_keys_signs_while_one_takes_the_others_place(tmp_path: Path) -> None:
    senders = senders_with(tmp_path, ("office", OLD), ("office", OFFICE))
    intake = taken(tmp_path, senders, signed(message("a", "p1"), OLD), signed(message("b", "p2"), OFFICE))
    assert intake.rows["id"].to_list() == ["p1", "p2"]


def test_the_way_in_which_a_message_is_written_is_not_signed(tmp_path: Path) -> None:
    senders = senders_with(tmp_path, ("office", OFFICE))
    said = signed(message("a", "p1"), OFFICE)
    turned = {part: said[part] for part in ("signature", "message", "header")}
    path = tmp_path / TABLE.file_name(ATTESTED)
    path.write_text(json.dumps(turned, ensure_ascii=True, indent=3), encoding="utf-8")
    assert take_in(TABLE, path, LEARNED, china(), senders=senders).rows.height == 1


def test_where_no_key_is_named_messages_are_taken_and_the_report_says_so(tmp_path: Path) -> None:
    senders = senders_with(tmp_path, ("office", OFFICE))
    intake = taken(tmp_path, senders, signed(message("a", "p1"), OFFICE), message("b", "p2", sender="elsewhere"))
    assert intake.rows["id"].to_list() == ["p1", "p2"]
    assert intake.report.as_json()["unchecked_messages"] == 1
    assert taken(tmp_path, Senders(), message("a", "p1")).report.unchecked_messages == 1


def test_life_events_of_a_sender_who_signs_are_taken_only_signed(tmp_path: Path) -> None:
    senders = senders_with(tmp_path, ("health", OFFICE))
    said = [worlds.death(person=person, id=person) for person in ("p1", "p2", "p3")]
    elsewhere = worlds.death(person="p4", id="p4", source="hospital")
    envelopes = [worlds.envelope(each) for each in (*said, elsewhere)]
    sent = [signed(envelopes[0], OFFICE), signed(envelopes[1], STRANGER), envelopes[2], envelopes[3]]
    lines = [json.dumps(each).encode() + b"\n" for each in sent]
    events, problems, count = read_events(lines, "events.jsonl", worlds.china(), senders)
    assert [event.id for event in events] == ["p1", "p4"]
    assert [(problem.row, problem.column, problem.reason) for problem in problems] == [
        (2, "signature", NOT_THEIRS),
        (3, "signature", MISSING),
    ]
    assert count == 4
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(lines))
    history = History(tmp_path / "history", worlds.china().vocabulary, worlds.china().views.values())
    life = LifeEvents(EventLog(tmp_path / "log"), worlds.china(), history, senders)
    loaded = life.load(path, LEARNED)
    assert (loaded.logged.new, loaded.unchecked, len(loaded.problems)) == (2, 1, 2)


def test_a_key_that_is_none_stops_everything(tmp_path: Path) -> None:
    file = tmp_path / "senders.yaml"
    file.write_text("senders:\n  - {sender: office, key: a.pem}\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"2:27: The key `a.pem` cannot be read"):
        read_senders(file)
    (tmp_path / "a.pem").write_text("no key")
    with pytest.raises(DocumentError, match=r"`a.pem` holds no public key in PEM"):
        read_senders(file)
    other = generate_private_key(SECP256R1()).public_key()
    (tmp_path / "a.pem").write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(DocumentError, match=r"is not an Ed25519 key"):
        read_senders(file)
