"""DCI-shaped messages: notifications and answers to searches, each taken once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from features.registers.errors import LoadRefusedError
from features.registers.intake import Intake, take_in
from tests.registers_world import ATTESTED, LEARNED, china, contracts

TABLE = contracts().tables["citizen_declaration.consents"]
RECORD = {
    "公民身份号码": "p1",
    "同意办理": True,
    "申请日期": "2026-02-27",
    "生效日期": "2026-02-27",
    "记录状态": "有效",
}


def _message(message_id: str, action: str, *records: object, **header: object) -> dict[str, Any]:
    place = "notify_event" if action == "notify" else "search_response"
    answer = {"reference_id": "r", "timestamp": "2026-03-01T00:00:00Z", "data": {"reg_records": list(records)}}
    head = {"message_id": message_id, "message_ts": "2026-03-01T00:00:00Z", "action": action, "sender_id": "office"}
    return {"header": {**head, **header}, "message": {"transaction_id": "t", place: [answer]}}


def _taken(folder: Path, *messages: object) -> Intake:
    path = folder / TABLE.file_name(ATTESTED)
    path.write_text("\n".join(json.dumps(message) for message in messages), encoding="utf-8")
    return take_in(TABLE, path, LEARNED, china())


@pytest.mark.parametrize("action", ["notify", "on-search", "search"])
def test_records_are_read_wherever_the_standard_puts_them(action: str, tmp_path: Path) -> None:
    intake = _taken(tmp_path, _message("m1", action, RECORD, {**RECORD, "公民身份号码": "p2"}))
    assert intake.rows["id"].to_list() == ["p1", "p2"]
    assert intake.rows["consent_given"].to_list() == [True, True]
    assert intake.rows["row"].to_list() == [1, 2]


def test_a_message_that_came_twice_is_taken_once(tmp_path: Path) -> None:
    message = _message("m1", "notify", RECORD)
    intake = _taken(tmp_path, message, message, _message("m2", "notify", {**RECORD, "公民身份号码": "p2"}))
    assert intake.rows["id"].to_list() == ["p1", "p2"]
    assert intake.report.read == 2


def test_what_a_record_does_not_say_is_not_known(tmp_path: Path) -> None:
    intake = _taken(tmp_path, _message("m1", "notify", {k: v for k, v in RECORD.items() if k != "申请日期"}))
    assert intake.rows["application_date"].to_list() == [None]
    assert intake.quarantine.height == 0


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({}, "The message lacks `header` or `message`."),
        (_message("", "notify"), "The header of the message lacks `message_id`."),
        (_message("m", "notify", sender_id=None), "The header of the message lacks `sender_id`."),
        (_message("m", "subscribe"), "`action` is none of notify, on-search, search."),
        (_message("m", "notify", is_msg_encrypted=True), "The message is encrypted. Decrypt it before it is loaded."),
        ([], "The message is not an object."),
    ],
)
def test_what_is_no_message_of_the_standard_is_refused(message: object, reason: str, tmp_path: Path) -> None:
    with pytest.raises(LoadRefusedError) as refused:
        _taken(tmp_path, message)
    assert reason in str(refused.value)


def test_a_field_the_contract_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadRefusedError, match="column `同意办`: The contract knows no such column"):
        _taken(tmp_path, _message("m1", "notify", {**RECORD, "同意办": True}))
