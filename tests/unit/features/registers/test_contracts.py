"""Contracts: what ships covers every fact; every mistake is answered with its place and what to write instead."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from features.documents import Findings
from features.registers.contract_files import load_contracts
from features.registers.contracts import ENDINGS
from tests.registers_world import ATTESTED, china, contracts

GOOD = """\
register: health
tables:
  deaths:
    names: {zh: 死亡, en: deaths}
    subject: person
    delivery: full
    formats: [csv]
    encoding: utf-8
    files: "死亡_{date}"
    key: 身份证件号码
    columns:
      - deceased
"""

MISTAKES = [
    ("register: health", "register: heatlh",
     "1:11: `heatlh` is no register of the fact dictionary. Did you mean `health`?"),
    ("      - deceased", "      - deceesed",
     "12:9: The column `deceesed` is no fact of the dictionary: it has no owner and no legal basis. "
     "Somebody answers for each fact (Personal Information Protection Law, art. 9). Each fact is held on a ground in "
     "law (Personal Information Protection Law, art. 13 and 34). Did you mean `deceased`?"),
    ("      - deceased", "      - face_hash",
     "12:9: The column `face_hash` is a forbidden input: faces and other biometrics (Personal Information Protection "
     "Law, art. 28). No delivery may carry it."),
    ("      - deceased", "      - civility_score",
     "12:9: The column `civility_score` is a forbidden input: scores of conduct (State Council guidance "
     "国办发〔2020〕49号). No delivery may carry it."),
    ("      - deceased", "      - {fact: deceased, header: 民族}",
     "12:9: The header `民族` is a forbidden input: ethnicity (Constitution of the PRC, art. 4). "
     "No delivery may carry it."),
    ("    key: 身份证件号码", "    key: 身份证件号码\n    ignored: [宗教信仰]",
     "11:15: The header `宗教信仰` is a forbidden input: religion (Personal Information Protection Law, art. 28). "
     "No delivery may carry it."),
    ("      - deceased", "      - birth_date",
     "12:9: `birth_date` belongs to the register `public_security`; on what ground does this one tell it? "
     "Add `legal_basis: …` to the column, or remove it."),
    ("      - deceased", "      - household_size",
     "12:9: `household_size` is a fact of a household; the rows of this table are about a person. "
     "Put it in a table with `subject: household`."),
    ("      - deceased", "      - deceased\n      - deceased", "13:9: `deceased` has two columns. Remove one of them."),
    ("      - deceased", "      - {fact: deceased, codes: {是: true}}",
     "12:26: `codes` does not go with a fact of type `boolean`. Remove it."),
    ("      - deceased", "      - {fact: deceased, header: 身份证件号码}",
     "4:5: The header `身份证件号码` has two meanings in the table `deaths`. Give one of them its own `header`. "
     "(`true_from` may be the header of a fact that is a date.)"),
    ("      - deceased", "      - {fact: maternity_event, codes: {生: birth}}",
     "12:9: Nothing that can be written means `none`, a code of `maternity_event`. Add it to `codes`."),
    ("    key: 身份证件号码", "    key: 身份证件号码\n    ends_with: deceased",
     "11:16: `ends_with` names no date that the table carries. Name the fact of a column that is a date."),
    ("    delivery: full", "    delivery: all", "6:15: `delivery` is `all`. Write one of: `changes`, `full`."),
    ("    delivery: full\n", "",
     "4:5: The table `deaths` lacks `delivery`. Add `delivery: …` here or in `every_table`."),
    ("    encoding: utf-8", "    encoding: gbk", "8:15: `encoding` is `gbk`. Write one of: `gb18030`, `utf-8`."),
    ("[csv]", "[csv, odt]",
     "7:20: `formats` is `odt`. Write one of: `csv`, `dci_json`, `parquet`, `postgres`, `xlsx`."),
    ("[csv]", "[csv, postgres]",
     "4:5: `relation` goes with the format `postgres`, and it with `relation`. Write both, like `formats: [postgres]` "
     "and `relation: schema.table`, or neither."),
    ("[csv]", "[csv, postgres]\n    relation: exchange.deaths",
     "4:5: A PostgreSQL table has no name with a day in it. Add `attested_on: …`, the column that names the day."),
    ("死亡_{date}", "死亡_{date}.csv",
     "9:12: `files` is `死亡_{date}.csv`, which names no files. Write the name without ending; `{date}` stands for a "
     "day like 20260301."),
    ("    key: 身份证件号码", "    key: 身份证件号码\n    limit: 5",
     "11:12: `limit` is a share of rows. Write it like 0.005."),
    ("    key: 身份证件号码", "    keys: 身份证件号码",
     "10:5: `keys` is not a key of the table `deaths`. Did you mean `key`?"),
]  # fmt: skip


def _found(folder: Path, text: str) -> list[str]:
    (folder / "health.yaml").write_text(text, encoding="utf-8")
    findings = Findings()
    load_contracts(china(), findings, folder)
    return [str(finding).removeprefix(f"{folder / 'health.yaml'}:") for finding in findings]


def test_the_contract_that_mistakes_are_made_in_is_good(tmp_path: Path) -> None:
    assert _found(tmp_path, GOOD) == []


@pytest.mark.parametrize(("right", "wrong", "finding"), MISTAKES, ids=[wrong.strip() for _, wrong, _ in MISTAKES])
def test_a_mistake_is_named_with_its_place(right: str, wrong: str, finding: str, tmp_path: Path) -> None:
    assert right in GOOD
    assert _found(tmp_path, GOOD.replace(right, wrong)) == [finding]


def test_money_is_in_a_unit_that_is_said(tmp_path: Path) -> None:
    text = GOOD.replace("register: health", "register: finance").replace("deceased", "housing_fund_balance")
    text = text.replace("register: finance", "register: housing_provident_fund")
    assert _found(tmp_path, text) == [
        "12:9: It is not said in which unit `housing_fund_balance` is written. "
        "Add `money: yuan` or `money: fen` to the column, the table or `every_table`."
    ]


def test_two_tables_never_share_files(tmp_path: Path) -> None:
    table = GOOD[GOOD.index("  deaths:") :].replace("  deaths:", "  births:").replace("deceased", "birth_order")
    (finding,) = _found(tmp_path, GOOD + table)
    assert "Files of this table would also be files of `health.deaths`" in finding


def test_every_fact_of_the_dictionary_comes_by_some_contract_of_its_own_register() -> None:
    dictionary = china().dictionary
    carried = {(table.register.id, c.fact.id) for table in contracts().tables.values() for c in table.columns}
    # That two identities are one person, or one is two, comes as an event.
    carried |= {("public_security", name) for name in ("merged_into", "split_from", "identity_split_on")}
    assert {(fact.register, fact.id) for fact in dictionary.facts.values()} <= carried
    assert {table.register.id for table in contracts().tables.values()} == set(dictionary.registers)


def test_registers_that_tell_facts_of_another_say_on_what_ground() -> None:
    foreign = [
        (table.register.id, column)
        for table in contracts().tables.values()
        for column in table.columns
        if column.fact.register != table.register.id
    ]
    assert {(register, column.fact.id) for register, column in foreign} == {
        ("healthcare_security", "birth_date"),
        ("education", "birth_date"),
        ("public_security", "deceased"),
        ("public_security", "death_date"),
    }
    assert all(column.legal_basis != column.fact.legal_basis for _, column in foreign)


def test_every_file_name_leads_back_to_its_table_and_day() -> None:
    for table in contracts().tables.values():
        for form in table.formats:
            name = table.file_name(ATTESTED, form)
            if ENDINGS[form]:
                assert contracts().of_file(name) == table
                assert table.date_in(name) == ATTESTED
    assert contracts().of_file("公安_户籍人口_20260301.doc") is None
    assert contracts().of_file("公安_户籍人口.csv") is None


def test_a_name_with_an_impossible_day_has_none() -> None:
    table = contracts().tables["public_security.residents"]
    assert table.matches("公安_户籍人口_20260231.csv")
    assert table.date_in("公安_户籍人口_20260231.csv") is None


def test_the_limit_is_half_a_percent_unless_said() -> None:
    assert contracts().tables["public_security.residents"].limit == Decimal("0.005")


def test_views_are_what_the_history_keeps() -> None:
    view = contracts().views["civil_affairs.marriages"]
    assert (view.kind, view.facts, view.full) == ("person", ("marital_status", "spouse_id"), True)
    assert not contracts().views["citizen_declaration.consents"].full
    assert dt.date(2026, 3, 1) == ATTESTED
