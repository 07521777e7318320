"""A register that breaks demotes exactly its benefits by itself, a mended one promotes them; both are recorded."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.registers.contracts import Table
from rules.reads import reads_of
from serving.day.registers import look_after_registers
from serving.day.tiering import count_tiers
from serving.delivery.demotions import Settled, in_force
from serving.delivery.terms import load_programmes
from serving.store.engine import open_engine
from tests.tiered_city import DAY, EVENING, City, tiered_city

BROKEN = ("human_resources_social_security", "healthcare_security", "tax")
"""In the quick version; at full size all of them."""


@pytest.fixture(scope="module", params=[600, pytest.param(20_000, marks=pytest.mark.long)])
def city(request: pytest.FixtureRequest) -> Iterator[City]:
    with tiered_city(request.param, 6) as found:
        yield found


def look(city: City, moment: dt.datetime) -> tuple[Settled, set[str]]:
    """The daily look, and the benefits that are demoted after it."""
    engine = open_engine(city.url)
    try:
        with engine.begin() as connection:
            settled = look_after_registers(
                connection, city.home / "loads", city.rulebook, city.views, load_programmes(), DAY, moment
            )
            return settled, {one.benefit for one in in_force(connection)}
    finally:
        engine.dispose()


def benefits_of(city: City, register: str) -> set[str]:
    """The benefits in force that read what only this register gives, told apart from the program's own way."""
    givers = defaultdict(set)
    for view in city.views:
        for fact in view.facts:
            givers[fact].add(view.register)
    alone = {fact for fact, registers in givers.items() if registers == {register}}
    return {benefit for benefit, reads in reads_of(city.rulebook, DAY).items() if alone & {fact for _, fact in reads}}


def by_tier(city: City, benefits: set[str]) -> dict[bool, Counter[str]]:
    """Determinations by effective tier, of some benefits (True) and of the others."""
    found: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for (benefit, tier), count in count_tiers(city.session).items():
        found[benefit in benefits][tier] += count
    return found


def breaks(city: City, table: Table, folder: Path, moment: dt.datetime) -> None:
    """What a department sends on a bad day."""
    file = folder / city.delivered(table.id).name
    file.write_bytes(b"id\nnonsense\n")
    assert city.loader.load_file(file, [table], moment).outcome == "refused"


def test_a_broken_register_demotes_exactly_its_benefits_and_a_mended_one_promotes_them(
    city: City, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    whole = bool(request.node.callspec.params["city"] > 1_000)
    moment = EVENING
    settled, demoted = look(city, moment)
    assert settled.registers == ()  # the departments of the city deliver in order
    assert demoted == set()
    registers = sorted({table.register.id for table in city.loader.contracts.tables.values()})
    somebody_noticed = Counter[str]()
    for register in registers if whole else BROKEN:
        table = city.loader.contracts.of_register(register)[0]
        mine = benefits_of(city, register)
        before = by_tier(city, mine)
        moment += dt.timedelta(hours=1)
        breaks(city, table, tmp_path, moment)
        settled, demoted = look(city, moment)
        assert settled.registers == ((register, "degraded"),)
        assert demoted == mine, register
        after = by_tier(city, mine)
        assert after[False] == before[False]
        assert after[True]["automatic"] == 0
        moved = before[True]["automatic"]
        assert after[True] == before[True] - Counter(automatic=moved) + Counter(confirm=moved)
        somebody_noticed[register] = moved
        moment += dt.timedelta(hours=1)
        assert city.loader.load_file(city.delivered(table.id), [table], moment).outcome != "refused"
        settled, demoted = look(city, moment)
        assert settled.registers == ((register, "healthy"),)
        assert {benefit for benefit, _ in settled.promoted} == mine
        assert demoted == set()
        assert by_tier(city, mine) == before
    assert sum(moved > 0 for moved in somebody_noticed.values()) > 1
    told = city.session.execute("SELECT action, count(*) FROM audit_intent GROUP BY 1").fetchall()
    recorded = {str(action): count for action, count in told}
    assert (
        recorded["benefit:demoted"]
        == recorded["benefit:promoted"]
        == sum(len(benefits_of(city, register)) for register in somebody_noticed)
    )
