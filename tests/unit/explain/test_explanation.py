"""A composed explanation: what it holds, what comes when, and what each audience is left with."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explain.audience import Audience, seen_by
from explain.evidence import OnRecord
from explain.explanation import Explanation, FactKey
from explain.records import as_json
from explain.render import render
from explain.wording import Language, messages
from features.facts.values import Gap, Value
from features.history.records import Statement
from rules.answers import amount_period, amount_unit
from rules.catalogue import load_catalogue
from rules.determination import Outcome
from rules.evaluate.reference import ReferenceEvaluator
from rules.kleene import Truth
from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from tests.unit.explain.families import ON_DATE, SINCE, explained, explainer, family

ILL: dict[str, Value | Gap] = {"seriously_ill": True, "disability_certificate_status": "valid", "disability_grade": 1}
OLD: dict[str, Value | Gap] = {"birth_date": dt.date(1946, 9, 2), "hukou_area": "110000"}


@dataclass(frozen=True)
class OneStatement:
    """Records of one fact."""

    key: FactKey
    said: Statement

    def of(self, kind: str, subject_id: str, fact: str) -> OnRecord | None:
        """See :class:`explain.evidence.Records`."""
        return OnRecord(None, (self.said,)) if (kind, subject_id, fact) == self.key else None


def dumped(explanation: Explanation) -> str:
    """As an API would send it."""
    return json.dumps(as_json(explanation), ensure_ascii=False)


def test_each_clause_has_citation_value_source_and_dates() -> None:
    population = family()
    home = population.listed["household"]["h"]
    moment = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
    said = Statement(
        "civil_affairs.households", "civil_affairs", Decimal(400_000), SINCE, None, ON_DATE, moment, stale_on=None
    )
    records = OneStatement(("household", "h", "household_income_month"), said)
    whole = explainer().explain(population, "dibao", home, ON_DATE, records=records)
    clause = next(clause for clause in whole.clauses if clause.id == "income_below_standard")
    income = next(fact for fact in clause.facts if fact.fact == "household_income_month")
    assert (clause.met, clause.because) == (Truth.FALSE, "第九条")
    assert clause.says.zh == "家庭人均月收入低于当地标准1,309元"
    assert income.value is not None
    assert [by.register for by in income.said_by] == ["civil_affairs"]
    assert (income.value.en, income.register, income.true_from, income.learned_at) == (
        "CNY 4,000", "civil_affairs", SINCE, moment,
    )  # fmt: skip


def test_what_is_missing_names_its_holder_and_whether_the_citizen_may_be_asked() -> None:
    whole = explained(
        family({"household_assets_within_limit": Gap.STALE, "household_income_month": Decimal(1)}), "dibao"
    )
    (item,) = whole.missing
    assert whole.outcome is Outcome.UNDETERMINED
    assert item.owner is not None
    assert (item.name, item.owner.zh, item.ask_citizen, item.gaps) == (
        "household_assets_within_limit", "民政部门", True, ("stale",),
    )  # fmt: skip
    told = "\n".join(render(whole, Audience.CITIZEN, Language.ZH).sentences)
    assert "家庭财产状况符合规定：我们会向民政部门查询。您也可以告诉我们。" in told
    assert "这不是拒绝" in told


def test_what_comes_when_is_what_the_evaluator_says_on_that_day() -> None:
    population = family(None, OLD)
    whole = explained(population, "advanced_age_allowance", "p0")
    assert whole.upcoming is not None
    assert whole.upcoming.on_date == dt.date(2026, 9, 2)
    later = ReferenceEvaluator(explainer().rulebook, population, whole.upcoming.on_date)
    assert later.answer("advanced_age_allowance", population.listed["person"]["p0"]).truth is Truth.TRUE
    assert (whole.upcoming.outcome, whole.upcoming.differs) == (Outcome.ELIGIBLE, True)
    assert [(one.says.en, one.met) for one in whole.upcoming.turning] == [("is aged 80 or over", Truth.TRUE)]
    told = "\n".join(render(whole, Audience.CITIZEN, Language.EN).sentences)
    assert "From 2026-09-02 on, you can get this benefit." in told


def test_an_explanation_is_plain_json_and_the_same_bytes_again() -> None:
    population = family(None, ILL, {})
    first, second = (dumped(explained(population, "dibao")) for _ in range(2))
    assert first == second
    assert '"met": "false"' in first
    assert "Decimal" not in first


@pytest.mark.parametrize("language", list(Language))
def test_one_member_of_a_household_learns_nothing_of_another(language: Language) -> None:
    """Row 49 of the acceptance list: illness and disability are told to the person only."""
    healthy, ill = family(None, {}, {}), family(None, {}, ILL)
    pair = [explained(population, "dibao") for population in (healthy, ill)]
    told = [list(render(whole, Audience.CITIZEN, language, "p0").sentences) for whole in pair]
    assert told[0] == told[1]
    as_data = [dumped(seen_by(Audience.CITIZEN, whole, "p0")) for whole in pair]
    assert as_data[0] == as_data[1]


def test_a_clause_that_rests_on_anothers_illness_does_not_say_how_it_came_out() -> None:
    rulebook = explainer().rulebook
    for benefit, plan in rulebook.in_force(ON_DATE).items():
        if plan.benefit.subject != "household":
            continue
        cut = seen_by(Audience.CITIZEN, explained(family(None, {}, ILL), benefit), "p0")
        for clause in cut.clauses:
            assert (clause.met is None) == any(fact.gap == "hidden" for fact in clause.facts), benefit
            assert all(fact.value is None for fact in clause.facts if fact.gap == "hidden")


def test_citizens_and_policy_staff_see_no_ids_and_policy_staff_no_values() -> None:
    whole = explained(family({"household_income_month": Decimal(123_456)}, {}, ILL), "dibao")
    for audience in (Audience.CITIZEN, Audience.POLICY):
        cut = dumped(seen_by(audience, whole))
        assert not re.search(r'"id": "(h|p\d)"|"whose": \[\[', cut)
    policy = seen_by(Audience.POLICY, whole)
    assert all(fact.value is None for clause in policy.clauses for fact in clause.facts)
    assert (policy.changes, policy.amount.value, policy.upcoming) == ((), None, None)
    assert "1,234.56" not in dumped(policy)


def test_an_auditor_sees_rule_and_fingerprint_and_not_the_most_sensitive_values() -> None:
    whole = explained(family({"household_income_month": Decimal(1)}, {}, ILL), "dibao")
    shown = "\n".join(render(whole, Audience.AUDITOR, Language.EN).sentences)
    assert f"Fingerprint of the rules: {explainer().rulebook.content_hash}" in shown
    assert "Rule as written: per_head_income < $dibao_standard" in shown
    assert "has a listed serious illness: not shown here" in shown
    caseworker = "\n".join(render(whole, Audience.CASEWORKER, Language.EN).sentences)
    assert "has a listed serious illness: no (person p0), yes (person p1)" in caseworker


def test_what_stands_in_the_way_comes_first() -> None:
    shown = render(explained(family(), "dibao"), Audience.CASEWORKER, Language.EN)
    marks = [line.met for section in shown.sections if section.id == "conditions" for line in section.lines]
    assert marks == [Truth.FALSE, Truth.TRUE]


def test_near_identical_people_are_told_the_same_except_where_they_differ() -> None:
    """Change one fact of one person: every clause that does not read it is the same, word for word."""
    rulebook = explainer().rulebook
    plain = family(None, {}, {})
    variants = {
        "household_income_month": family({"household_income_month": Decimal(400_100)}, {}, {}),
        "household_assets_within_limit": family({"household_assets_within_limit": False}, {}, {}),
        "seriously_ill": family(None, {"seriously_ill": True}, {}),
        "birth_date": family(None, {"birth_date": dt.date(1985, 4, 11)}, {}),
    }
    compared = 0
    for benefit, plan in rulebook.in_force(ON_DATE).items():
        if plan.benefit.subject == "enterprise":
            continue
        subject = "h" if plan.benefit.subject == "household" else "p0"
        base = explained(plain, benefit, subject)
        for fact, population in variants.items():
            other = explained(population, benefit, subject)
            for before, after in zip(base.clauses, other.clauses, strict=True):
                if not any(used.fact == fact for used in before.facts):
                    assert before == after, (benefit, fact)
                    compared += 1
                assert [used for used in before.facts if used.fact != fact] == [
                    used for used in after.facts if used.fact != fact
                ], (benefit, fact)
            if not any(used.fact == fact for clause in base.clauses for used in (*clause.facts, *base.amount_facts)):
                assert base == other, (benefit, fact)
    assert compared > 300


ONE_FACT = st.one_of(
    st.tuples(st.just("household_income_month"), st.integers(0, 900_000).map(Decimal)),
    st.tuples(st.just("birth_date"), st.dates(dt.date(1930, 1, 1), dt.date(2025, 12, 31))),
    st.tuples(st.just("hukou_area"), st.sampled_from(["440100", "110000", "440300", Gap.NOT_HELD])),
    st.tuples(st.just("work_capacity"), st.sampled_from(["none", "partial", "full", Gap.STALE])),
    st.tuples(st.just("seriously_ill"), st.sampled_from([True, False, Gap.CONFLICTING])),
)


@given(ONE_FACT, st.sampled_from(["dibao", "advanced_age_allowance", "disability_living_subsidy", "resident_pension"]))
def test_one_fact_moves_only_the_clauses_that_read_it(one: tuple[str, Value | Gap], benefit: str) -> None:
    fact, value = one
    own = fact == "household_income_month"
    changed = family({fact: value}, {}, {}) if own else family(None, {fact: value}, {})
    subject = "h" if benefit == "dibao" else "p0"
    pair = [seen_by(Audience.CASEWORKER, explained(some, benefit, subject)) for some in (family(None, {}, {}), changed)]
    if pair[0].version != pair[1].version:  # an area decides which law applies: these are other clauses
        return
    for before, after in zip(*(whole.clauses for whole in pair), strict=True):
        others = [[used for used in clause.facts if used.fact != fact] for clause in (before, after)]
        assert others[0] == others[1]
        if not any(used.fact == fact for used in (*before.facts, *after.facts)):
            assert before == after


def test_people_with_the_same_facts_are_told_the_same() -> None:
    population = family(None, OLD, OLD)
    for audience in (Audience.CITIZEN, Audience.POLICY):
        for language in Language:
            first, second = (
                list(render(explained(population, "advanced_age_allowance", person), audience, language).sentences)
                for person in ("p0", "p1")
            )
            assert first == second


def test_every_sentence_is_data(repository: Path) -> None:
    """No text for people in code: outside of docstrings and errors there is no Chinese and nothing of three words."""
    found: list[str] = []
    for path in sorted((repository / "explain").glob("*.py")):
        if path.name == "errors.py":
            continue
        tree = ast.parse(path.read_text())
        spared: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                spared.add(id(node.value))
            if isinstance(node, ast.Raise | ast.Assert):
                spared |= {id(inner) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spared:
                text = node.value
                if not text.lstrip().startswith(("<", "font", "pattern", "patternT", "stroke", "aria", "viewBox")) and (
                    re.search("[\u4e00-\u9fff]", text.replace("[\u4e00-\u9fff]", ""))
                    or re.search(r"[a-z]+ [a-z]+ [a-z]+", text)
                ):
                    found.append(f"{path.name}: {text[:60]}")
    assert found == []


def test_every_unit_and_period_of_the_shipped_benefits_has_words() -> None:
    say = messages(Language.ZH)
    for jurisdiction in ("cn", "us"):
        rulebook = sound_rulebook(load_catalogue(shipped_catalogues() / jurisdiction))
        units = {fact.type.unit for fact in rulebook.vocabulary.dictionary.facts.values() if fact.type.kind != "money"}
        plans = rulebook.in_force(ON_DATE).values()
        units |= {amount_unit(plan, "") for plan in plans if plan.variants and plan.amount_type is not None}
        periods = {amount_period(plan) for plan in plans if plan.variants}
        assert [unit for unit in units if unit and not say.known(f"unit_{unit}")] == []
        assert [period for period in periods if not say.known(f"per_{period}")] == []


def test_no_currency_is_named_twice() -> None:
    """A parameter that is money brings its currency along."""
    for jurisdiction in ("cn", "us"):
        catalogue = load_catalogue(shipped_catalogues() / jurisdiction)
        for source in catalogue.sources.values():
            known = {**catalogue.shared, **source.parameters}
            texts = [c.says for version in source.benefit.versions for c in version.criteria]
            for found in (
                found
                for text in texts
                for found in re.finditer(r"(CNY|USD|\$)? ?\{\$(\w+)\} ?(元|dollars|yuan)?", text.zh + "|" + text.en)
            ):
                if known[found[2]].type.kind == "money":
                    assert (found[1], found[3]) == (None, None), source.benefit.id


def test_a_citizen_is_not_told_a_bound_that_is_not_the_laws() -> None:
    """What is not known of the rent subsidy could be as large as the dictionary lets pass; dibao has a standard."""
    rent = explained(family(), "public_rental_housing_subsidy")
    assert rent.amount.high is not None
    assert rent.amount.high > 100_000
    assert not rent.high_by_law
    told = "\n".join(render(rent, Audience.CITIZEN, Language.ZH).sentences)
    assert "金额要等资料补齐后才能确定。" in told
    assert "最多" not in told
    dibao = explained(family({"household_income_month": Gap.NOT_HELD}), "dibao")
    assert dibao.high_by_law
    assert "如果符合条件，最多是3,927元／月。" in list(render(dibao, Audience.CITIZEN, Language.ZH).sentences)
