"""Rows that follow from events."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from features.documents import Findings
from features.events.kinds import load_kinds
from features.events.statements import fold
from features.facts.vocabulary import load_vocabulary
from tests.unit.features.events.worlds import china, death, event, move

DAY = dt.date(2026, 3, 5)


def test_events_of_one_day_are_read_by_version_then_source_and_id() -> None:
    said = [
        move(source="b", id="z", version=1, to="440303"),
        move(source="a", id="a", version=2, to="440304"),
        move(source="a", id="b", version=2, to="440305"),
    ]
    for order in itertools.permutations(said):
        assert fold(order, china()).rows["events.hukou", "p1", DAY].facts == {"hukou_area": "440305"}


def test_nothing_is_carried_on_from_one_day_to_the_next() -> None:
    """A statement ages from its own day: a later event does not renew what it does not say."""
    first = event("move_in", "2020-01-01", id="a", person="p1", hukou_area="440303", hukou_type="urban")
    rows = fold([first, move("2026-03-05", id="b", to="440304")], china()).rows
    assert rows["events.hukou", "p1", DAY].facts == {"hukou_area": "440304"}


def test_a_row_rests_on_every_event_of_its_day() -> None:
    said = [move(id="a", to="440303"), move(id="b", to="440303")]
    assert fold(said, china()).rows["events.hukou", "p1", DAY].events == (("police", "a"), ("police", "b"))


def test_what_cannot_change_and_is_told_differently_is_told_by_nobody() -> None:
    folded = fold([death("2026-03-05", id="a"), death("2026-03-05", id="c"), death("2026-03-07", id="b")], china())
    assert folded.contradicted == {("events.death", "p1", "death_date")}
    assert {place[2].day: row.facts for place, row in folded.rows.items()} == {
        5: {"deceased": True},
        7: {"deceased": True},
    }


def test_every_kind_of_event_of_the_issue_is_there_in_both_languages() -> None:
    kinds = china().events
    assert {
        "birth", "death", "marriage", "divorce", "adoption", "move_in", "move_out", "disability_certified",
        "disability_withdrawn", "unemployment_registered", "unemployment_ended", "graduation", "retirement",
        "enterprise_founded", "enterprise_closed", "persons_merged", "person_split",
    } <= kinds.keys()  # fmt: skip
    assert all(kind.names.zh and kind.names.en for kind in kinds.values())


def test_a_fact_belongs_to_one_view_so_that_events_never_contradict_each_other_through_two() -> None:
    facts = [fact for view in china().views.values() for fact in view.facts]
    assert len(facts) == len(set(facts))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("register: health, kind: person, facts: [decesed]", "Did you mean `deceased`?"),
        ("register: tax, kind: person, facts: [deceased]", "no fact of a person kept by `tax`"),
        ("register: health, kind: person, facts: [deceased], once: [sex]", "`once` is `sex`"),
    ],
)
def test_a_view_that_does_not_fit_the_dictionary_is_a_finding(
    tmp_path_factory: pytest.TempPathFactory, line: str, reason: str
) -> None:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "cn.yaml").write_text(f"views:\n  events.x: {{{line}}}\nevents: {{}}\n", "utf-8")
    findings = Findings()
    vocabulary = load_vocabulary("cn", findings)
    load_kinds(vocabulary, findings, folder)
    assert reason in "\n".join(map(str, findings))
