"""`applyfree explain` from what was ingested: sources, dates, moments of learning, and why something is not known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from features.facts.encoding import ID
from features.history.history import History
from features.history.records import STATUS, TRUE_FROM
from serving.loading import open_loader
from tests.cli.shell import applyfree
from tests.unit.features.store.histories import FIRST, deliver

ASKED = ("advanced_age_allowance", "--on-date", "2024-02-01", "--known-at", "2024-02-01")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    return open_loader(tmp_path, "cn").history


def _told(history: History, view: str, learned: int, person: str = "p1", **facts: object) -> None:
    deliver(history, history.views[view], learned, [{ID: person, TRUE_FROM: FIRST, **facts}])


def test_every_fact_has_its_register_and_dates_and_every_gap_its_reason(history: History) -> None:
    born = dt.date(1940, 5, 1)
    _told(history, "public_security.residents", 0, birth_date=born, hukou_area="110101")
    _told(history, "healthcare_security.insured", 1, birth_date=dt.date(1941, 5, 1))
    _told(history, "events.death", 2, **{STATUS: "quarantined"})
    done = applyfree("explain", "p1", *ASKED, "--lang", "en")
    assert done.status == 0, done.err
    text = done.out
    assert "as known on 2024-02-01 23:59 UTC" in text
    assert "cannot be determined" in text
    assert "since 2024-01-01, learned 2024-01-01" in text
    assert "person p1: departments disagree" in text
    assert "says: 1940-05-01, since 2024-01-01" in text
    assert "says: 1941-05-01, since 2024-01-01" in text
    assert "person p1: set aside for a mistake" in text
    assert "person p1: not held" in text
    assert "获知于" in applyfree("explain", "p1", *ASKED).out


def test_what_comes_next_is_what_is_said_on_that_day(history: History) -> None:
    born = dt.date(1944, 5, 1)
    _told(history, "public_security.residents", 0, birth_date=born, hukou_area="110101")
    text = applyfree("explain", "p1", *ASKED, "--lang", "en").out
    assert text.splitlines()[1] == "not eligible"
    assert "from 2024-05-01 on the answer may change though no fact does; it would then be: cannot be det" in text
    assert "is aged 80 or over, then holds" in text
    later = ("advanced_age_allowance", "--on-date", "2024-05-01", "--known-at", "2024-02-01")
    assert applyfree("explain", "p1", *later, "--lang", "en").out.splitlines()[1] == "cannot be determined"
    page = applyfree("explain", "p1", *ASKED, "--audience", "citizen").out
    assert "2024年5月1日起，结果要重新核对。" in page


def test_a_citizen_reads_why_a_fact_is_not_known(history: History) -> None:
    _told(history, "public_security.residents", 0, birth_date=dt.date(1940, 5, 1), hukou_area="110101")
    _told(history, "healthcare_security.insured", 1, birth_date=dt.date(1941, 5, 1))
    _told(history, "events.death", 2, **{STATUS: "quarantined"})
    text = applyfree("explain", "p1", *ASKED, "--audience", "citizen").out
    assert "各部门记的“出生日期”不一样：医疗保障部门记的是1941年5月1日、公安机关记的是1940年5月1日。" in text
    assert "“已死亡”有差错" in text
    assert "p1" not in text


def test_what_is_withheld_is_named_and_not_shown(history: History) -> None:
    _told(history, "public_security.residents", 0, birth_date=dt.date(1940, 5, 1), hukou_area="110101")
    since = dt.datetime.combine(FIRST, dt.time(13), tzinfo=dt.UTC)
    history.withholding.withhold("person", "p1", "birth_date", "citizen", since)
    text = applyfree("explain", "p1", *ASKED, "--lang", "en").out
    assert "person p1: withheld by law" in text
    assert "1940-05-01" not in text


def test_the_answer_for_an_id_that_was_merged_is_that_of_the_person(history: History) -> None:
    _told(history, "public_security.residents", 0, birth_date=dt.date(1940, 5, 1), hukou_area="110101")
    _told(history, "events.identity", 1, "old", merged_into="p1")
    text = applyfree("explain", "old", *ASKED, "--lang", "en").out
    assert "old was found to be the same person as p1" in text
    assert "person p1, 2024-02-01" in text


def test_whom_nobody_knows_and_what_does_not_go_together_is_said(history: History, tmp_path: Path) -> None:
    nothing = applyfree("explain", "p1", *ASKED)
    assert (nothing.status, "There is nothing in the history" in nothing.err) == (2, True)
    _told(history, "public_security.residents", 0, birth_date=dt.date(1940, 5, 1))
    nobody = applyfree("explain", "p9", *ASKED)
    assert nobody.status == 2
    assert "No register has said anything of a person with this id" in nobody.err
    assert "There is no benefit" in applyfree("explain", "p1", "nothing").err
    assert "ask" in applyfree("explain", "p1", *ASKED, "--facts", tmp_path).err
    assert "or 2026-01-31T08:00" in applyfree("explain", "p1", "dibao", "--known-at", "soon").err
