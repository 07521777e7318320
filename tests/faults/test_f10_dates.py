"""F10: 29 February, month ends, the turn of the year: on every day exactly one place, in every month exactly one."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events.statements import changes, fold
from tests.unit.features.events.test_one_end_state import START, deliver
from tests.unit.features.events.worlds import Twin, china, event, move

EDGES = [dt.date(2024, 1, 31), dt.date(2024, 2, 29), dt.date(2024, 3, 1), dt.date(2024, 12, 31), dt.date(2025, 2, 28)]
DAYS = st.one_of(st.sampled_from(EDGES), st.dates(dt.date(2024, 1, 1), dt.date(2025, 12, 31)))
BORN = dt.date(2023, 12, 31)
LAST = dt.date(2026, 1, 31)


def place_on(twin: Twin, day: dt.date) -> object:
    held = twin.as_of(day, START + dt.timedelta(days=1)).get(("events.hukou", "p1"))
    return None if held is None else held["hukou_area"]


@pytest.mark.searched
@given(st.lists(DAYS, min_size=1, max_size=4, unique=True))
def test_of_whoever_moves_every_day_knows_one_place(days: list[dt.date]) -> None:
    moves = [move(day.isoformat(), id=f"m{n}", to=f"44030{3 + n}") for n, day in enumerate(sorted(days))]
    born = event("birth", BORN.isoformat(), id="b", child="p1", sex="male", hukou_area="440100")
    twin = Twin()
    deliver(twin, {}, fold([born, *moves], china()), 1)
    expected, at = "440100", dict(zip(sorted(days), [f"44030{3 + n}" for n in range(len(days))], strict=True))
    day = BORN
    while day <= LAST:
        expected = at.get(day, expected)
        assert place_on(twin, day) == expected
        day += dt.timedelta(days=1)
    assert place_on(twin, BORN - dt.timedelta(days=1)) is None


@pytest.mark.searched
@given(DAYS, DAYS)
def test_a_move_between_two_departments_leaves_no_month_without_a_place_and_none_with_two(
    left: dt.date, arrived: dt.date
) -> None:
    """The origin tells of the departure, the destination of the arrival, on different days and in either order."""
    born = event("birth", BORN.isoformat(), id="b", child="p1", sex="male", hukou_area="110101")
    out = event("move_out", left.isoformat(), source="beijing", person="p1", from_area="110101", hukou_area="440303")
    into = event(
        "move_in", arrived.isoformat(), source="shenzhen", person="p1", from_area="110101", hukou_area="440303"
    )
    twin = Twin()
    held = deliver(twin, {}, fold([born, into], china()), 1)
    deliver(twin, held, fold([born, into, out], china()), 2)
    months = [dt.date(2024 + n // 12, n % 12 + 1, 1) for n in range(25)]
    places = [place_on(twin, month) for month in months]
    moved = min(left, arrived)
    assert places == ["110101" if month < moved else "440303" for month in months]


def test_a_reversed_move_gives_every_day_back() -> None:
    said = [move("2024-02-29", id="m1", to="440303"), move("2024-02-29", id="r", reverses="m1")]
    born = event("birth", BORN.isoformat(), id="b", source="police", child="p1", sex="male", hukou_area="440100")
    twin = Twin()
    held = deliver(twin, {}, fold([born, said[0]], china()), 1)
    assert changes(held, fold([born, *said], china()).rows) == {("events.hukou", "p1", dt.date(2024, 2, 29)): None}
    deliver(twin, held, fold([born, *said], china()), 2)
    assert {place_on(twin, BORN + dt.timedelta(days=n)) for n in range(400)} == {"440100"}
