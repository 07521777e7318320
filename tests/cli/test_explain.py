"""`applyfree explain` and `applyfree catalogue`: one answer in full, and what there is to ask about."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from explain.wording import Language, messages
from tests.cli.shell import VILLAGE, WITH_VILLAGE, applyfree
from tests.cli.test_evaluate import HOUSEHOLDS, PERSONS
from tests.village_world import CATALOGUE

YOUNG = "young,h2,1956-03-15,100,false,910000\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of facts."""
    (tmp_path / "person.csv").write_text(PERSONS + YOUNG)
    (tmp_path / "household.csv").write_text(HOUSEHOLDS)
    return tmp_path


def explain(folder: Path, subject: str, benefit: str, *more: str) -> str:
    """The text of an explanation."""
    done = applyfree("explain", subject, benefit, "--facts", folder, "--on-date", "2026-03-01", *WITH_VILLAGE, *more)
    assert done.status == 0, done.err
    return done.out


def test_chinese_is_the_default_and_each_condition_shows_fact_law_and_owner(folder: Path) -> None:
    text = explain(folder, "open", "old_age_grant")
    assert text.splitlines() == [
        "高龄补助——个人 open，2026-03-01",
        "符合条件",
        "金额：100.50元／月至201元／月，缺失事实补齐后即可确定",
        "依据：村规 第六条",
        "适用版本：2020-01-01",
        "",
        "条款",
        "✓ 在本地区范围内（山村）（in_area）：符合，依据 村规",
        "    居住地：山村（个人 open）；来源：村务登记，person.csv；日期未注明",
        "✓ 年满70周岁（old_enough）：符合，依据 第六条",
        "    出生日期：1940-01-01（个人 open）；来源：村务登记，person.csv；日期未注明",
        "✓ 工资不超过2,000元（low_wage）：符合，依据 第六条",
        "    工资：1,500元（个人 open）；来源：村务登记，person.csv；日期未注明",
        "",
        "计算金额所用的事实",
        "  有残疾：未知，未掌握（个人 open；由村委会掌握）",
        "",
        "缺失事实",
        "  有残疾（disabled）：由村委会掌握，登记于“村务登记”；也可以向本人询问",
        "    个人 open：未掌握",
        "",
        "下次变动日",
        "  在事实不变的情况下，答案不会自行变化",
    ]


def test_what_comes_next_is_computed_not_guessed(folder: Path) -> None:
    text = explain(folder, "young", "old_age_grant", "--lang", "en")
    assert "✗ aged 70 or over (old_enough): does not hold, under 第六条" in text
    assert "from 2026-03-15 on the answer may change though no fact does" in text
    assert "it would then be: eligible, Amount: CNY 100.50 a month" in text


def test_a_person_is_answered_for_the_household_where_the_benefit_is_one_of_households(folder: Path) -> None:
    text = explain(folder, "away", "rent_help", "--lang", "en")
    assert "away is a person; this is the answer for the household" in text
    assert "rent help: household h2" in text
    assert "wage: not known, not held (person unsure; kept by the village office)" in text


def test_everyones_value_of_a_fact_stands_in_one_line(folder: Path) -> None:
    text = explain(folder, "h1", "rent_help", "--lang", "en")
    assert "    wage: CNY 1,500 (person old, open); source: village register, person.csv; no date given" in text


def test_parts_that_a_rule_shares_are_gone_through_once(folder: Path, tmp_path: Path) -> None:
    catalogue = Path(shutil.copytree(CATALOGUE, tmp_path / "catalogue"))
    rule = catalogue / "rent_help" / "benefit.yaml"
    levels = [
        f"      - {{id: d{n}, of: person, because: 第八条, "
        f'value: "(d{n - 1} and goats > {n}) or (not d{n - 1} and (goats < {n + 100} or d{n - 1}))"}}\n'
        for n in range(1, 11)
    ]
    first = '      - {id: d0, of: person, because: 第八条, value: "goats > 3"}\n'
    text = rule.read_text().replace(
        "    eligible_when:\n", f"    definitions:\n{first}{''.join(levels)}    eligible_when:\n"
    )
    rule.write_text(text.replace("sum members of wage)", "sum members of wage where d10)"))
    done = applyfree(
        "explain", "h1", "rent_help", "--facts", folder, "--on-date", "2026-03-01", "--catalogue", catalogue, *VILLAGE
    )
    assert done.status == 0, done.err
    record, _ = done.out.split(messages(Language.ZH).say("changes"))
    assert record.count("山羊数") == 2  # once among the facts, once among the missing


def test_a_benefit_in_kind_says_what_it_is(folder: Path) -> None:
    assert "待定" in explain(folder, "old", "sibling_grant")


@pytest.mark.parametrize(
    ("subject", "benefit", "message"),
    [
        ("nobody", "old_age_grant", "There is no person with this id"),
        ("rich", "rent_help", "There is no household with this id"),
        ("old", "old_age_grand", "Did you mean `old_age_grant`?"),
    ],
)
def test_who_or_what_is_not_there_is_said(folder: Path, subject: str, benefit: str, message: str) -> None:
    done = applyfree("explain", subject, benefit, "--facts", folder, *WITH_VILLAGE)
    assert done.status == 2
    assert message in done.err


def test_who_was_set_aside_has_no_answer(folder: Path, tmp_path: Path) -> None:
    (folder / "person.csv").write_text(PERSONS + "bad,h1,1956-02-30,,,\n")
    quarantine = ("--quarantine", str(tmp_path / "quarantine" / "bad.csv"))
    done = applyfree("explain", "bad", "old_age_grant", "--facts", folder, *quarantine, *WITH_VILLAGE)
    assert done.status == 2
    assert "This person was set aside" in done.err


def test_an_answer_is_written_as_a_page(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "answer.html"
    told = explain(folder, "young", "old_age_grant", "--audience", "citizen", "--html", str(file), "--elder")
    assert "Written to" in told
    assert "出生日期" not in told
    text = file.read_text()
    assert '<html lang="zh-CN">' in text
    assert "从2026年3月15日起，您符合条件。" in text
    assert "1956年3月15日" in text
    assert file.stat().st_mode & 0o077 == 0


def test_a_page_that_cannot_be_written_is_said(folder: Path, tmp_path: Path) -> None:
    asked = ("explain", "young", "old_age_grant", "--facts", folder, *WITH_VILLAGE)
    nowhere = applyfree(*asked, "--html", tmp_path / "missing" / "answer.html")
    assert (nowhere.status, "cannot be written" in nowhere.err) == (2, True)
    assert "give --html FILE too" in applyfree(*asked, "--elder").err


def test_both_languages_have_the_same_sentences() -> None:
    zh, en = messages(Language.ZH).sentences, messages(Language.EN).sentences
    assert zh.keys() == en.keys()


def test_no_sentence_is_unused(repository: Path) -> None:
    code = "".join(
        path.read_text() for path in [*(repository / "explain").glob("*.py"), *(repository / "serving").rglob("*.py")]
    )
    # A key is written out, or composed of a style (`you_`), a stem and the name of a value.
    composed = ("condition_", "exception_", "gap_", "per_", "unit_", "money_", "step_", "then_", "missing_")
    unused = []
    for key in messages(Language.ZH).sentences:
        stem = key.removeprefix("you_")
        if not stem.startswith(composed) and f'"{key}"' not in code and f'}}{stem}"' not in code:
            unused.append(stem)
    assert set(unused) <= {"eligible", "ineligible", "undetermined", "in_area"}


def test_every_fact_is_listed_for_programs_and_people() -> None:
    table = applyfree("catalogue", "facts", *WITH_VILLAGE)
    assert table.status == 0
    assert "paid_months" in table.out
    assert "person, from village_office: 村委会 · village office" in table.out
    (shown,) = [line.strip("│").split("│") for line in table.out.splitlines() if line.startswith("│ wage ")]
    assert [cell.strip() for cell in shown] == [
        "wage", "money", "per month", "工资 · wage", "村规 第二条", "12 months", "3", "yes",
    ]  # fmt: skip
    assert "household_id, enterprise_id, spouse_id, mother_id, father_id" in table.out
    rows = list(csv.DictReader(io.StringIO(applyfree("catalogue", "facts", *WITH_VILLAGE, "--format", "csv").out)))
    (wage,) = [row for row in rows if row["fact"] == "wage"]
    assert wage == {
        "catalogue": "catalogue", "subject": "person", "fact": "wage", "type": "money", "unit": "per month",
        "codes": "", "minimum": "0", "maximum": "1000000", "zh": "工资", "en": "wage", "register": "village_office",
        "owner_zh": "村委会", "owner_en": "village office", "legal_basis": "村规 第二条", "maximum_age_months": "12",
        "sensitivity": "3", "ask_citizen": "true",
    }  # fmt: skip
    listed = json.loads(applyfree("catalogue", "facts", *WITH_VILLAGE, "--format", "json").out)
    assert [row["fact"] for row in listed] == [row["fact"] for row in rows]


def test_every_benefit_is_listed() -> None:
    done = applyfree("catalogue", "benefits", *WITH_VILLAGE, "--format", "csv")
    rows = {row["benefit"]: row for row in csv.DictReader(io.StringIO(done.out))}
    assert rows["sibling_grant"]["unit"] == "in_kind"
    assert rows["rent_help"]["subject"] == "household"
