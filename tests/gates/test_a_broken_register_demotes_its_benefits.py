"""A register that breaks demotes exactly its benefits by itself; mended, it promotes them; nobody presses anything.

Broken: its delivery was refused, too many of its rows were set aside, or it delivers no more. Both changes are recorded
with their reason. What is found while it is broken is offered, not approved.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from features.city.making import DELIVERIES
from features.facts.encoding import ID
from features.history.merging import add_months
from features.registers.contracts import DEFAULT_LIMIT_ROWS, Table
from rules.reads import reads_of
from serving.casework.clocks import Kind, shipped_clocks
from serving.casework.escalation import escalate
from serving.day.registers import look_after_registers
from serving.day.tiering import count_tiers
from serving.delivery.demotions import Settled, in_force
from serving.delivery.health import MOST_SET_ASIDE
from serving.delivery.terms import load_programmes
from serving.delivery.words import load_words
from tests.delivered_city import DAY, NIGHT, City, Opened, copied

KEY = ["subject", ID, "benefit"]
FEW = ("civil_affairs", "human_resources_social_security", "tax")
"""In the whole city; in the small one every register is broken in turn."""
HEAVY = "human_resources_social_security"
"""Of which many automatic benefits hang."""


@pytest.fixture(scope="module")
def breaking(city: City) -> Iterator[Opened]:
    """The city before anything was delivered, to break things in."""
    with copied(city) as found:
        yield found


def look(home: Opened, on_date: dt.date, at: dt.datetime) -> tuple[Settled, set[str]]:
    """The daily look, and the benefits that are demoted after it."""
    with home.engine.begin() as connection:
        settled = look_after_registers(
            connection, home.home / "loads", home.rulebook, home.views, load_programmes(), on_date, at
        )
        return settled, {one.benefit for one in in_force(connection)}


def alone(home: Opened, register: str, on_date: dt.date = DAY) -> set[str]:
    """The benefits in force that read what only this register gives, found apart from the program's own way."""
    givers = defaultdict(set)
    for view in home.views:
        for fact in view.facts:
            givers[fact].add(view.register)
    own = {fact for fact, registers in givers.items() if registers == {register}}
    return {benefit for benefit, reads in reads_of(home.rulebook, on_date).items() if own & {fact for _, fact in reads}}


def registers_of(home: Opened) -> list[str]:
    """Every register that has a contract."""
    return sorted({table.register.id for table in home.loader.contracts.tables.values()})


@contextmanager
def refused(home: Opened, register: str, folder: Path, at: dt.datetime) -> Iterator[None]:
    """What a department sends on a bad day; at the end of the block the good delivery comes again."""
    table = home.loader.contracts.of_register(register)[0]
    file = folder / home.last_file(table.id).name
    file.write_bytes(b"id\nnonsense\n")
    assert home.loader.load_file(file, [table], at).outcome == "refused"
    yield
    again = home.loader.load_file(home.last_file(table.id), [table], at + dt.timedelta(minutes=1))
    assert again.outcome != "refused"


def by_tier(home: Opened, benefits: set[str]) -> dict[bool, Counter[str]]:
    """Determinations by effective tier, of some benefits (True) and of the others."""
    found: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for (benefit, tier), count in count_tiers(home.session).items():
        found[benefit in benefits][tier] += count
    return found


def test_what_is_found_while_a_register_is_broken_is_offered_and_nothing_else_changes(
    city: City, breaking: Opened, tmp_path: Path
) -> None:
    mine = alone(breaking, HEAVY)
    with refused(breaking, HEAVY, tmp_path, NIGHT - dt.timedelta(minutes=5)):
        done = breaking.deliver(NIGHT)
    names = pl.col("benefit").is_in(sorted(mine))
    whole, broken = city.opened.entitlements(), breaking.entitlements()
    assert broken.filter(names).filter(pl.col("state").is_in(["approved", "public_notice"])).is_empty()
    assert done.steps["offered"] > city.done.steps["offered"]
    assert broken.filter(~names).sort(KEY).equals(whole.filter(~names).sort(KEY))
    both = whole.filter(names).join(broken.filter(names), on=KEY, how="full", suffix="_broken", coalesce=True)
    moved = both.filter(pl.col("tier") == "automatic")
    assert moved.height > 0
    assert set(moved.select("tier_broken", "state_broken").iter_rows()) == {("confirm", "offered")}
    rest = both.filter(pl.col("tier") != "automatic")
    assert rest["state"].equals(rest["state_broken"].alias("state"))
    # Mended: the tiers are as if nothing had been, what was offered stays offered, and nothing is found twice.
    after = breaking.deliver(NIGHT + dt.timedelta(minutes=10))
    assert breaking.tiers().sort(KEY).equals(city.opened.tiers().sort(KEY))
    assert (after.found, after.steps, after.asked) == (0, {}, 0)
    assert breaking.entitlements().sort(KEY).equals(broken.sort(KEY))


def test_each_register_that_breaks_demotes_exactly_its_benefits(city: City, breaking: Opened, tmp_path: Path) -> None:
    at = NIGHT + dt.timedelta(days=1)
    noticed: list[int] = []
    for register in FEW if city.is_whole else registers_of(breaking):
        mine = alone(breaking, register)
        before = by_tier(breaking, mine)
        at += dt.timedelta(hours=1)
        with refused(breaking, register, tmp_path, at):
            settled, demoted = look(breaking, DAY, at)
            assert settled.registers == ((register, "degraded"),)
            assert demoted == mine
            after, moved = by_tier(breaking, mine), before[True]["automatic"]
            assert after[True] == before[True] - Counter(automatic=moved) + Counter(confirm=moved)
            assert after[False] == before[False]
            noticed.append(moved)
        at += dt.timedelta(hours=1)
        settled, demoted = look(breaking, DAY, at)
        assert settled.registers == ((register, "healthy"),)
        assert {benefit for benefit, _ in settled.promoted} == mine
        assert demoted == set()
        assert by_tier(breaking, mine) == before
    assert sum(moved > 0 for moved in noticed) > 1


def small_table(home: Opened) -> Table:
    """A table in CSV so small that a few bad rows are more than the share at which nothing is delivered by machine."""
    found = []
    for table in home.loader.contracts.tables.values():
        file = home.last_file(table.id)
        rows = len(file.read_bytes().splitlines()) - 1
        if file.suffix == ".csv" and alone(home, table.register.id):
            found.append((rows, table.id, table))
    fitting = [
        one for one in sorted(found) if 2 * DEFAULT_LIMIT_ROWS < one[0] < DEFAULT_LIMIT_ROWS / float(MOST_SET_ASIDE)
    ]
    if not fitting:
        pytest.skip("every table is so large that such a share of bad rows is refused as a whole")
    return fitting[-1][2]


def test_too_many_rows_set_aside_demote_too(breaking: Opened, tmp_path: Path) -> None:
    table = small_table(breaking)
    register, mine = table.register.id, alone(breaking, table.register.id)
    lines = breaking.last_file(table.id).read_bytes().splitlines(keepends=True)
    for i in range(1, 1 + DEFAULT_LIMIT_ROWS):
        who, *cells = lines[i].split(b",")
        lines[i] = b",".join([who, *(b"??" for _ in cells)]) + b"\r\n"
    file = tmp_path / breaking.last_file(table.id).name
    file.write_bytes(b"".join(lines))
    at = NIGHT + dt.timedelta(days=5)
    load = breaking.loader.load_file(file, [table], at)
    assert load.outcome != "refused"
    assert load.report is not None
    assert load.report.set_aside == DEFAULT_LIMIT_ROWS > MOST_SET_ASIDE * load.report.read
    settled, demoted = look(breaking, DAY, at)
    assert (settled.registers, demoted) == (((register, "degraded"),), mine)
    assert causes(breaking, register) == {"rows_set_aside"}
    breaking.loader.load_file(breaking.last_file(table.id), [table], at + dt.timedelta(hours=1))
    assert look(breaking, DAY, at + dt.timedelta(hours=2))[1] == set()


def causes(home: Opened, register: str) -> set[object]:
    """Why a register's benefits are demoted now."""
    rows = home.rows(f"SELECT DISTINCT cause FROM demotion WHERE register = '{register}' AND until IS NULL")
    return {cause for (cause,) in rows}


def overdue_on(home: Opened, table: Table, day: dt.date) -> dt.date | None:
    """When the last delivery of a table has grown too old for what the rules of a day read of it."""
    read = {fact for reads in reads_of(home.rulebook, day).values() for _, fact in reads}
    facts = home.rulebook.vocabulary.dictionary.facts
    ages = [facts[name].maximum_age_months for name in facts_of(home, table.id) if name in read and name in facts]
    months = min((age for age in ages if age is not None), default=None)
    return None if months is None else add_months(attested_on(home, table.id), months)


def test_registers_that_deliver_no_more_demote_when_their_facts_are_too_old(breaking: Opened) -> None:
    tables = list(breaking.loader.contracts.tables.values())
    days = sorted({day for table in tables if (day := overdue_on(breaking, table, DAY)) is not None})
    assert len(days) > 1
    at = NIGHT + dt.timedelta(days=10)
    degraded: list[int] = []
    for day in (days[0] - dt.timedelta(days=1), days[0], days[1]):
        at += dt.timedelta(hours=1)
        ends = [(table.register.id, overdue_on(breaking, table, day)) for table in tables]
        late = {register for register, end in ends if end is not None and end <= day}
        _, demoted = look(breaking, day, at)
        assert demoted == {benefit for register in late for benefit in alone(breaking, register, day)}
        assert all(causes(breaking, register) <= {"delivery_overdue"} for register in late)
        degraded.append(len(late))
    assert degraded[0] == 0 < degraded[1] <= degraded[2]
    assert look(breaking, DAY, at + dt.timedelta(hours=1))[1] == set()


def facts_of(home: Opened, table: str) -> tuple[str, ...]:
    """The facts of a table."""
    return next(view.facts for view in home.views if view.id == table)


def attested_on(home: Opened, table: str) -> dt.date:
    """The day for which the last delivery of a table speaks."""
    contract = home.loader.contracts.tables[table]
    listed = pl.read_csv(home.home / "city" / DELIVERIES, try_parse_dates=True).select("file", "attested_on")
    days: list[dt.date] = [day for file, day in listed.iter_rows() if contract.matches(Path(file).name)]
    return max(days)


def test_both_are_recorded_with_their_reason(breaking: Opened) -> None:
    rows = breaking.rows("SELECT id, cause, detail, since, until FROM demotion")
    assert len(rows) > 10
    for _, cause, detail, since, until in rows:
        assert isinstance(until, dt.datetime)
        assert isinstance(since, dt.datetime)
        assert until > since
        for lang in ("zh", "en"):
            said = load_words().cause(str(cause), str(detail), lang)
            assert "{" not in said
            assert len(said) > 8
    for action in ("benefit:demoted", "benefit:promoted"):
        told = breaking.rows(f"SELECT object_id FROM audit_intent WHERE action = '{action}'")
        assert sorted(int(str(number)) for (number,) in told) == sorted(int(str(row[0])) for row in rows)
    assert breaking.rows("SELECT count(DISTINCT state) FROM register_health") == [(2,)]


def test_every_case_goes_up_by_itself_when_its_time_is_over(breaking: Opened) -> None:
    cases = breaking.rows("SELECT count(*) FROM case_file WHERE state = 'open'")
    due = shipped_clocks().due(Kind.REVIEW, NIGHT)
    assert escalate(breaking.engine, shipped_clocks(), due) == []
    raised = escalate(breaking.engine, shipped_clocks(), due + dt.timedelta(seconds=1))
    assert [(len(raised),)] == cases
    assert {one.level for one in raised} == {1}
