"""The log of a whole day of a small city: what happened, in counts; of whom, nowhere."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest

from serving import log
from serving.loading import open_loader
from tests.cli.shell import applyfree

WORDS = {"delivery_taken", "delivery_refused", "events_loaded", "sweep_begun", "sweep_chunk_done", "sweep_done"}
PLAIN = re.compile(r"[a-z_]+(\.[a-z_]+)?|[0-9a-f]{64}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+\+00:00)?|was there already")


def test_a_day_of_a_city_is_logged_without_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, written = tmp_path / "home", tmp_path / "logs" / "day.jsonl"
    monkeypatch.setenv("APPLYFREE_HOME", str(home))
    monkeypatch.setenv("APPLYFREE_LOG", "")
    to_log = ("--log-file", str(written))
    city = tmp_path / "city"
    assert applyfree("city", "--persons", "300", "--seed", "2", "--out", city, "--on-date", "2026-03-01").status == 0
    assert applyfree(*to_log, "ingest", "all", city / "registers").status in (0, 1)
    assert applyfree(*to_log, "events", city / "events" / "events.jsonl").status in (0, 1)
    done = applyfree(*to_log, "sweep", "--on-date", "2026-03-01", "--workers", "1")
    assert done.status == 0, done.err
    text = written.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["event"] for line in lines} >= WORDS - {"delivery_refused"}
    assert all(line.keys() - {"at", "level", "event"} <= log.FIELDS for line in lines)
    texts = {value for line in lines for value in line.values() if isinstance(value, str)}
    assert [value for value in texts if not PLAIN.fullmatch(value)] == []
    names, ids = _names(city), _ids(home)
    assert names
    assert ids
    assert [one for one in (*names, *ids) if one in text] == []


def test_what_may_hold_a_person_cannot_be_logged() -> None:
    with pytest.raises(ValueError, match="not among the fields that may be logged"):
        log.info("case_opened", subject="p1")


def test_nothing_is_logged_where_nobody_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("APPLYFREE_LOG", raising=False)
    log.configure()
    log.info("sweep_begun", sweep=1)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("APPLYFREE_LOG", "stderr")
    log.configure()
    log.error("sweep_chunk_failed", sweep=1, seconds=0.12345)
    monkeypatch.delenv("APPLYFREE_LOG")
    line = json.loads(capsys.readouterr().err)
    log.configure()
    assert (line["event"], line["level"], line["seconds"]) == ("sweep_chunk_failed", "error", 0.123)


def _names(city: Path) -> set[str]:
    """Every name in any delivery."""
    found: set[str] = set()
    for path in city.rglob("*.csv"):
        for encoding in ("utf-8", "gb18030"):
            try:
                table = pl.read_csv(path.read_bytes().decode(encoding).encode(), infer_schema=False)
            except (UnicodeDecodeError, pl.exceptions.PolarsError):
                continue
            if "姓名" in table.columns:
                found |= set(table["姓名"].drop_nulls())
            break
    return {name for name in found if name.strip()}


def _ids(home: Path) -> list[str]:
    loader = open_loader(home, "cn")
    moment = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    subjects = loader.history.vocabulary.subjects.kinds
    return [one for kind in subjects for one in loader.history.subjects(kind, moment) if len(one) > 3]
