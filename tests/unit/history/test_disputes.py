"""When a register closes a ticket by itself: all tickets at once as each of them alone, read from the beginning."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from features.facts.encoding import ID
from features.facts.values import Gap, Unknown
from features.history.history import History
from features.history.records import Batch, View
from features.history.withholding import CITIZEN
from tests.folders import passing_folder
from tests.unit.history.plain import Delivery, Line, frame_of
from tests.unit.history.slow_disputes import slow_states
from tests.unit.history.test_as_of import MOMENTS, SUBJECTS, TYPES, VIEWS, VOCABULARY, deliveries

BY_ID = {view.id: view for view in VIEWS}
DUE_ON = dt.date(2026, 3, 1)
LATER = dt.date(2027, 1, 1)
DISPUTABLE = [*sorted({(view.register, fact) for view in VIEWS for fact in view.facts}), ("shop", "wage")]
"""With a fact of which the register has no record: only an answer closes such a ticket."""


@dataclass(frozen=True)
class Opened:
    """A ticket to be opened, and when it is answered."""

    subject: str
    register: str
    fact: str
    at: dt.datetime
    answered_at: dt.datetime | None


OPENED = st.tuples(
    st.sampled_from([*SUBJECTS, *SUBJECTS, "dee"]),
    st.sampled_from(DISPUTABLE),
    MOMENTS,
    st.one_of(st.none(), st.none(), MOMENTS),
).map(lambda drawn: Opened(drawn[0], drawn[1][0], drawn[1][1], drawn[2], drawn[3]))


@dataclass(frozen=True)
class Kept:
    """A fact that its citizen withholds from a moment on."""

    subject: str
    fact: str
    at: dt.datetime


KEPT = st.builds(Kept, st.sampled_from([*SUBJECTS, "dee"]), st.sampled_from(["wage", "goats"]), MOMENTS)
Step = Delivery | Opened | Kept


def do(history: History, step: Step) -> None:
    if isinstance(step, Kept):
        history.withholding.withhold("person", step.subject, step.fact, CITIZEN, step.at)
        return
    if isinstance(step, Delivery):
        history.append(step.batch, frame_of(BY_ID[step.batch.view], step.lines, TYPES))
        return
    ticket = history.tickets.open("person", step.subject, step.fact, step.register, "wrong", step.at, DUE_ON)
    if step.answered_at is not None:
        history.tickets.answer(ticket.id, step.answered_at)


def assert_as_told_slowly(history: History, known_at: dt.datetime) -> None:
    expected = slow_states(history.folder, VOCABULARY, VIEWS, known_at)
    assert history.ticket_states(known_at) == expected
    assert History(history.folder, VOCABULARY, VIEWS).ticket_states(known_at) == expected
    named = set(history.subjects("person", known_at))
    disputed = {(s.ticket.subject, s.ticket.fact) for s in expected if s.closed_at is None}
    withheld = {(w.subject, w.fact) for w in history.withholding.entries() if w.learned_at <= known_at}
    gaps = {pair: Gap.WITHHELD if pair in withheld else Gap.CONFLICTING for pair in disputed | withheld}
    hidden = history.hidden("person", known_at)
    found = {(subject, fact): Gap(gap) for subject, fact, gap in hidden.select(ID, "fact", "gap").iter_rows()}
    assert found == {pair: gap for pair, gap in gaps.items() if pair[0] in named}
    for subject in SUBJECTS:
        alone = history.hidden("person", known_at, [subject])
        assert alone.rows() == [row for row in hidden.rows() if row[0] == subject]
    assert_hidden_from_readers(history, known_at, found)
    event(f"open {len(disputed) > 0}, closed {len(disputed) < len(expected)}, withheld {len(withheld) > 0}")


def assert_hidden_from_readers(history: History, known_at: dt.datetime, hidden: dict[tuple[str, str], Gap]) -> None:
    """What is hidden is told nobody, and nothing else is hidden."""
    table = history.as_of(LATER, known_at).get("person", pl.DataFrame({ID: []}))
    rows = {row[ID]: row for row in table.iter_rows(named=True)}
    for subject in rows:
        held = history.holdings("person", subject, LATER, known_at)
        for fact, holding in held.items():
            gap = holding.gap if isinstance(holding, Unknown) else None
            if (subject, fact) in hidden:
                assert gap is hidden[subject, fact]
                assert rows[subject][fact] is None
            else:
                assert gap is not Gap.WITHHELD


@pytest.mark.searched
@given(
    deliveries(),
    st.lists(OPENED, min_size=1, max_size=6),
    st.lists(KEPT, max_size=2),
    st.lists(st.tuples(st.integers(0, 14), MOMENTS), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_tickets_are_closed_as_if_each_were_followed_alone(
    taken: list[Delivery],
    opened: list[Opened],
    kept: list[Kept],
    asked: list[tuple[int, dt.datetime]],
    chance: object,
) -> None:
    """Whatever came, in whatever order: also lists out of turn, and questions asked in between of older moments."""
    steps: list[Step] = [*taken, *opened, *kept]
    chance.shuffle(steps)  # type: ignore[attr-defined]
    with passing_folder() as folder:
        history = History(Path(folder), VOCABULARY, VIEWS)
        for number, step in enumerate(steps):
            do(history, step)
            for _, known_at in (one for one in asked if one[0] == number):
                assert_as_told_slowly(history, known_at)
        for _, known_at in asked:
            assert_as_told_slowly(history, known_at)


def at(month: int, day: int = 1) -> dt.datetime:
    return dt.datetime(2025, month, day, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize("found", VIEWS, ids=[view.id for view in VIEWS])
def test_a_ticket_is_closed_and_opened_again_with_each_change_of_the_record(tmp_path: Path, found: View) -> None:
    """The record changes, changes back, and is repeated; of a list its subject is left out and named again."""
    values = {"wage": (100, 200), "goats": (0, 1), "lives_in": ("910000", None), "birth_date": (None, None)}
    fact = next(name for name in ("goats", "wage", "lives_in") if name in found.facts)
    history = History(tmp_path, VOCABULARY, VIEWS)
    told = {1: 0, 2: 0, 3: 1, 4: 0, 5: 0, 6: None, 7: 0}  # None: of whom the delivery says nothing
    changes = [3, 4, 6, 7] if found.full else [3, 4]
    for month, which in told.items():
        lines = [Line("bo", dt.date(2025, 1, 1), None, "stated", (None,) * len(found.facts))]
        if which is not None:
            cells = tuple(values[fact][which] if name == fact else None for name in found.facts)
            lines.append(Line("ann", dt.date(2025, 1, 1), None, "stated", cells))
        batch = Batch(found.id, f"{month:064x}", "file.csv", at(month), dt.date(2025, month, 1))
        history.append(batch, frame_of(found, lines, TYPES))
        for subject in ("ann", "bo"):
            history.tickets.open("person", subject, fact, found.register, "wrong", at(month, 2), DUE_ON)
    for known in range(1, 8):
        for state in history.ticket_states(at(known, 3)):
            after = [at(month) for month in changes if state.ticket.opened_at < at(month) <= at(known, 3)]
            expected = min(after, default=None) if state.ticket.subject == "ann" else None
            assert state.closed_at == expected, state
    assert history.ticket_states(at(8)) == slow_states(tmp_path, VOCABULARY, VIEWS, at(8))


PEOPLE, WAGES = BY_ID["village_office.people"], BY_ID["tax.wages"]


def told_wage(
    history: History, view: View, attested: int, learned: dt.datetime, wage: int | None, status: str = "stated"
) -> None:
    """A delivery of the first of a month, about one person's wage."""
    day = dt.date(2025, attested, 1)
    cells = tuple(wage if name == "wage" else None for name in view.facts)
    batch = Batch(view.id, f"{attested}-{learned}-{wage}-{status}", "file.csv", learned, day)
    history.append(batch, frame_of(view, [Line("ann", dt.date(2024, 1, 1), None, status, cells)], TYPES))


def closed(history: History, known_at: dt.datetime) -> dt.datetime | None:
    (state,) = history.ticket_states(known_at)
    assert [state] == slow_states(history.folder, VOCABULARY, VIEWS, known_at)
    return state.closed_at


@pytest.mark.parametrize("status", ["withdrawn", "quarantined"])
@pytest.mark.parametrize("view", [PEOPLE, WAGES], ids=["list", "message"])
def test_a_record_that_is_taken_back_or_cannot_be_read_any_more_has_changed(
    tmp_path: Path, view: View, status: str
) -> None:
    history = History(tmp_path, VOCABULARY, VIEWS)
    told_wage(history, view, 1, at(1), None)
    history.tickets.open("person", "ann", "wage", view.register, "wrong", at(1, 2), DUE_ON)
    told_wage(history, view, 2, at(2), None, status)
    assert closed(history, at(3)) == at(2)


def test_what_is_learned_at_the_moment_of_the_last_change_counts_with_it(tmp_path: Path) -> None:
    """Two deliveries of one moment: the second takes back what the first changed, after it was looked for."""
    history = History(tmp_path, VOCABULARY, VIEWS)
    told_wage(history, WAGES, 1, at(1), 100)
    history.tickets.open("person", "ann", "wage", "tax", "wrong", at(1, 2), DUE_ON)
    told_wage(history, WAGES, 2, at(3), 200)
    assert closed(history, at(4)) == at(3)
    told_wage(history, WAGES, 3, at(3), 100)
    assert closed(history, at(4)) is None
    told_wage(history, WAGES, 4, at(5), 300)
    assert (closed(history, at(4)), closed(history, at(6))) == (None, at(5))


def test_a_list_that_overtakes_the_one_that_closed_a_ticket_opens_it_again(tmp_path: Path) -> None:
    history = History(tmp_path, VOCABULARY, VIEWS)
    told_wage(history, PEOPLE, 1, at(1), 100)
    history.tickets.open("person", "ann", "wage", "village_office", "wrong", at(1, 2), DUE_ON)
    told_wage(history, PEOPLE, 2, at(5), 200)
    assert closed(history, at(8)) == at(5)
    told_wage(history, PEOPLE, 3, at(3), 100)
    assert closed(history, at(8)) is None


def test_a_delivery_taken_in_after_its_turn_closes_a_ticket_when_it_was_learned(tmp_path: Path) -> None:
    history = History(tmp_path, VOCABULARY, VIEWS)
    told_wage(history, WAGES, 1, at(1), 100)
    history.tickets.open("person", "ann", "wage", "tax", "wrong", at(1, 2), DUE_ON)
    told_wage(history, WAGES, 3, at(5), 200)
    assert (closed(history, at(4)), closed(history, at(6))) == (None, at(5))
    told_wage(history, WAGES, 2, at(3), 200)
    assert (closed(history, at(2)), closed(history, at(4)), closed(history, at(6))) == (None, at(3), at(3))


def test_what_was_learned_before_a_ticket_does_not_close_it_though_it_is_taken_in_after(tmp_path: Path) -> None:
    history = History(tmp_path, VOCABULARY, VIEWS)
    told_wage(history, WAGES, 1, at(1), 100)
    history.tickets.open("person", "ann", "wage", "tax", "wrong", at(4), DUE_ON)
    assert closed(history, at(5)) is None
    told_wage(history, WAGES, 2, at(3), 200)
    assert closed(history, at(5)) is None
