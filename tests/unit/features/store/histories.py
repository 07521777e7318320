"""Made histories: a few registers that say, correct, withdraw, close and contradict, and days to ask about."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st

from features.documents import Findings
from features.facts.dictionary import Authority
from features.facts.encoding import ID, column_type
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.history.history import History
from features.history.merging import add_months
from features.history.records import (
    QUARANTINED,
    ROW,
    STATED,
    STATUS,
    STATUS_TYPE,
    TRUE_FROM,
    TRUE_TO,
    WITHDRAWN,
    Batch,
    View,
)
from features.store.purposes import Purposes

FIRST = dt.date(2024, 1, 1)
NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)

HUKOU = View("public_security.hukou", "public_security", "person", ("household_id", "birth_date", "hukou_area"), True)
AID = View("civil_affairs.aid", "civil_affairs", "person", ("receives_dibao", "own_assistance_month"), False)
WELFARE = View("finance.paid", "finance", "person", ("receives_dibao", "birth_date"), False)
WORK = View(
    "human_resources_social_security.insured",
    "human_resources_social_security",
    "person",
    ("contributed_months", "insured_area", "pension_contribution_years"),
    False,
)
HOUSES = View(
    "civil_affairs.households", "civil_affairs", "household", ("household_size", "household_income_month"), False
)
VIEWS = (HUKOU, AID, WELFARE, WORK, HOUSES)

READS = {
    "benefit__aid": [
        ("person", "household_id"), ("person", "birth_date"), ("person", "hukou_area"), ("person", "receives_dibao"),
        ("person", "own_assistance_month"), ("household", "household_size"), ("household", "household_income_month"),
    ],
    "benefit__work": [("person", "contributed_months"), ("person", "insured_area")],
    "model__need": [("person", "receives_dibao"), ("person", "pension_contribution_years")],
}  # fmt: skip

VALUES: dict[str, list[Any]] = {
    "household_id": ["h1", "h2", "none", None],
    "birth_date": [dt.date(1950, 2, 28), dt.date(2001, 12, 31), None],
    "hukou_area": ["440100", "440112", None],
    "receives_dibao": [True, False, None],
    "own_assistance_month": [0, 123_456_789_01, None],
    "contributed_months": [[], [24_288, 24_290], None],
    "insured_area": ["440112", None],
    "pension_contribution_years": [15_0000, 2_5000, None],
    "household_size": [1, 4, None],
    "household_income_month": [0, 2_000_00, None],
}
AUTHORITY = {"receives_dibao": ("finance", "civil_affairs")}
"""Made orders of authority: one register has the last word; of other facts, registers that disagree conflict."""
PEOPLE, HOMES = ("p1", "p2", "p3"), ("h1", "h2")


def vocabulary() -> Vocabulary:
    """The shipped Chinese one, with the made orders of authority and no others."""
    findings = Findings()
    found = load_vocabulary("cn", findings)
    assert not findings.failures
    facts = {
        name: replace(fact, authority=Authority(AUTHORITY[name], "made", fact.place) if name in AUTHORITY else None)
        for name, fact in found.dictionary.facts.items()
    }
    return replace(found, dictionary=replace(found.dictionary, facts=facts))


CN = vocabulary()


def purposes(reads: dict[str, list[tuple[str, str]]] | None = None) -> Purposes:
    return Purposes.of(READS if reads is None else reads, CN)


def frame(view: View, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows as the history takes them; what a row does not say is null, stated and open."""
    told = [{STATUS: STATED, TRUE_TO: None, **row, ROW: number} for number, row in enumerate(rows, start=1)]
    schema: dict[str, Any] = {ID: pl.String}
    for name in view.facts:
        fact = CN.dictionary.facts[name]
        schema[name] = pl.String() if name in CN.subjects.links else column_type(fact, CN.areas)
    schema |= {TRUE_FROM: pl.Date, TRUE_TO: pl.Date, STATUS: STATUS_TYPE, ROW: pl.UInt32}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in told], schema=schema)


def deliver(
    history: History, view: View, learned: int, rows: Iterable[dict[str, Any]], attested: int | None = None
) -> None:
    """Append rows that we learn at noon so many days after the first day."""
    told = frame(view, rows)
    day = FIRST + dt.timedelta(days=learned if attested is None else attested)
    content = hashlib.sha256(repr((view.id, learned, attested, told.rows())).encode()).hexdigest()
    history.append(Batch(view.id, content, "made", moment(learned), day), told)


def moment(day: int) -> dt.datetime:
    return NOON + dt.timedelta(days=day)


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def empty_history(folder: Path) -> History:
    return History(folder, CN, VIEWS)


@st.composite
def deliveries(draw: st.DrawFn) -> list[tuple[View, int, list[dict[str, Any]], int]]:
    """Some deliveries of some views: moment of learning, rows, day of attestation."""
    made: list[tuple[View, int, list[dict[str, Any]], int]] = []
    for _ in range(draw(st.integers(1, 8))):
        if draw(st.booleans()) and made:
            made.append(draw(again(*draw(st.sampled_from(made)))))
            continue
        view = draw(st.sampled_from((HUKOU, *VIEWS)))
        learned = draw(st.integers(0, 800))
        attested = draw(st.integers(max(0, learned - 400), learned))
        made.append((view, learned, draw(st.lists(rows_of(view), min_size=1, max_size=4)), attested))
    return made


@st.composite
def again(
    draw: st.DrawFn, view: View, learned: int, rows: list[dict[str, Any]], attested: int
) -> tuple[View, int, list[dict[str, Any]], int]:
    """Somewhat later mostly the same, as registers send it: a row may be gone, another new."""
    later, told = draw(st.integers(1, 200)), list(rows)
    if draw(st.booleans()) and told:
        told.pop(draw(st.integers(0, len(told) - 1)))
    if draw(st.booleans()):
        told.append(draw(rows_of(view)))
    return view, learned + later, told, attested + draw(st.integers(0, learned - attested + later))


@dataclass(frozen=True)
class Act:
    """What somebody does about one fact of a person: withholds it, releases it, or disputes it by a ticket.

    `days` are those of the deed and, of a ticket, of the register's answer; `by` is who does it, or whose record it is.
    """

    deed: str
    subject: str
    fact: str
    by: str
    days: tuple[int, int | None]


@st.composite
def acts(draw: st.DrawFn) -> list[Act]:
    """What people do about facts that views carry, in the order of its days."""
    made: list[Act] = []
    for _ in range(draw(st.integers(0, 5))):
        view = draw(st.sampled_from([view for view in VIEWS if view.kind == "person"]))
        deed = draw(st.sampled_from(["withhold", "release", "ticket"]))
        by = view.register if deed == "ticket" else draw(st.sampled_from(["citizen", view.register]))
        done = draw(st.integers(0, 800))
        answered = draw(st.one_of(st.none(), st.integers(done, 800)))
        subject, fact = draw(st.sampled_from([*PEOPLE, "nobody"])), draw(st.sampled_from(view.facts))
        made.append(Act(deed, subject, fact, by, (done, answered)))
    return sorted(made, key=lambda act: act.days[0])


def act_on(history: History, made: Iterable[Act]) -> None:
    """Note down what people did."""
    for act in made:
        done, answered = act.days
        if act.deed == "ticket":
            due = day(done + 30)
            ticket = history.tickets.open("person", act.subject, act.fact, act.by, "wrong", moment(done), due)
            if answered is not None:
                history.tickets.answer(ticket.id, moment(answered))
        elif act.deed == "withhold":
            history.withholding.withhold("person", act.subject, act.fact, act.by, moment(done))
        else:
            history.withholding.release("person", act.subject, act.fact, act.by, moment(done))


def telling_days(made: Iterable[tuple[View, int, list[dict[str, Any]], int]]) -> list[dt.date]:
    """The days on which something begins, ends or grows too old, and the days before."""
    turns: set[dt.date] = set()
    for view, _, rows, attested in made:
        ages = {CN.dictionary.facts[name].maximum_age_months for name in view.facts}
        turns |= {add_months(day(attested), months) for months in ages if months is not None}
        turns |= {row[TRUE_FROM] for row in rows} | {row[TRUE_TO] for row in rows if TRUE_TO in row} | {day(attested)}
    return sorted(turns | {turn - dt.timedelta(days=1) for turn in turns})


def rows_of(view: View) -> st.SearchStrategy[dict[str, Any]]:
    ids = PEOPLE if view.kind == "person" else HOMES
    starts = st.integers(-200, 800)
    facts = {name: st.sampled_from(VALUES[name]) for name in view.facts}
    whole = st.fixed_dictionaries(
        {
            ID: st.sampled_from(ids),
            TRUE_FROM: starts.map(day),
            STATUS: st.sampled_from([STATED, STATED, STATED, WITHDRAWN, QUARANTINED]),
            "length": st.one_of(st.none(), st.integers(0, 300)),
            **facts,
        }
    )
    return whole.map(_closed)


def _closed(row: dict[str, Any]) -> dict[str, Any]:
    length = row.pop("length")
    return row if length is None else {**row, TRUE_TO: row[TRUE_FROM] + dt.timedelta(days=length)}
