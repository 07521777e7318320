"""Records of reads: one for each subject of a response, seen by the subject, never undone; alarms and anomalies."""

from __future__ import annotations

import datetime as dt
import random
import uuid

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from serving.access.actions import Purpose
from serving.access.anomalies import Measure, ReadBy, Surroundings, find_anomalies, persons_of_staff, read_by
from serving.access.policy import Tie
from serving.access.reads import ALARM_WINDOW, MOST_STRANGERS, Reading, looks_at, raise_alarms, record_reads
from serving.access.roles import Role
from serving.store.engine import Role as DatabaseRole
from serving.store.engine import open_engine
from serving.store.server import EmbeddedServer
from tests.casework_world import owner_engine
from tests.unit.serving.access.requests_at_random import NOW


def a_reading(account: str = "caseworker", at: dt.datetime = NOW, case_file: int | None = None) -> Reading:
    return Reading(
        account, Role.CASEWORKER, Purpose.CASEWORK, frozenset({"name", "income"}), "/cases/{case}", uuid.uuid4(), at,
        case_file,
    )  # fmt: skip


def strangers(first: int, last: int) -> dict[str, Tie]:
    return {f"person:s{number}": Tie.STRANGER for number in range(first, last)}


def alarms(connection: Connection) -> list[tuple[str, int]]:
    return [(row.account, row.strangers) for row in connection.execute(text("SELECT * FROM read_alarm ORDER BY id"))]


def test_a_subject_sees_who_looked_at_what_and_why(connection: Connection) -> None:
    record_reads(connection, a_reading(case_file=7), {"person:p1": Tie.CASE, "person:p2": Tie.CASE})
    record_reads(connection, a_reading(at=NOW + dt.timedelta(minutes=1)), {"household:h1": Tie.ASSIGNMENT})
    looks = looks_at(connection, {"person:p1", "household:h1"})
    assert [look.subject for look in looks] == ["household:h1", "person:p1"]
    look = looks[1]
    assert (look.role, look.office, look.fields, look.purpose, look.tie, look.case_file) == (
        Role.CASEWORKER, "区民政局", ("income", "name"), Purpose.CASEWORK, Tie.CASE, 7,
    )  # fmt: skip
    assert [look.subject for look in looks_at(connection, {"person:p1", "household:h1"}, before=looks[0].number)] == [
        "person:p1"
    ]
    assert looks_at(connection, set()) == []


def test_one_response_is_recorded_once_for_a_subject(connection: Connection) -> None:
    reading = a_reading()
    record_reads(connection, reading, {"person:p1": Tie.CASE})
    with pytest.raises(DBAPIError, match="read_record_request_kind_subject_key"):
        record_reads(connection, reading, {"person:p1": Tie.CASE})


@pytest.mark.parametrize(
    "statement", ["UPDATE read_record SET account = 'x'", "DELETE FROM read_record", "TRUNCATE read_record"]
)
def test_a_record_is_never_undone_even_by_the_owner(server: EmbeddedServer, engine: Engine, statement: str) -> None:
    owner = owner_engine(server)
    with owner.connect() as connection:
        record_reads(connection, a_reading(), {"person:p1": Tie.CASE})
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
    owner.dispose()


def test_as_a_citizen_only_ones_own_records_exist(server: EmbeddedServer, engine: Engine) -> None:
    with engine.connect() as connection:
        record_reads(connection, a_reading(), {"person:r1": Tie.CASE, "person:r2": Tie.CASE, "household:r1": Tie.CASE})
        connection.commit()
    citizen = open_engine(server.url, DatabaseRole.CITIZEN)
    with citizen.connect() as connection:
        everything = text("SELECT kind || ':' || subject FROM read_record WHERE subject IN ('r1', 'r2')")
        assert connection.execute(everything).scalars().all() == []
        connection.execute(text("SELECT set_config('applyfree.subjects', 'person:r1', true)"))
        assert connection.execute(everything).scalars().all() == ["person:r1"]
        assert [look.subject for look in looks_at(connection, {"person:r1", "person:r2"})] == ["person:r1"]
        for statement in ("SELECT account FROM read_record", "SELECT * FROM staff_account", "SELECT * FROM session"):
            with pytest.raises(DBAPIError, match="permission denied"), connection.begin_nested():
                connection.execute(text(statement))
    citizen.dispose()


def test_the_operator_sees_no_account_no_session_and_no_read(server: EmbeddedServer, engine: Engine) -> None:
    operator = open_engine(server.url, DatabaseRole.OPERATOR)
    with operator.connect() as connection:
        for table in (
            "staff_account", "citizen_account", "session", "login_attempt", "read_record", "broken_glass", "read_alarm",
        ):  # fmt: skip
            with pytest.raises(DBAPIError, match="permission denied"), connection.begin_nested():
                connection.execute(text(f"SELECT * FROM {table}"))
    operator.dispose()


def test_more_than_two_hundred_strangers_in_ten_minutes_raise_one_alarm(connection: Connection) -> None:
    assert not record_reads(connection, a_reading(), strangers(0, MOST_STRANGERS))
    assert not record_reads(connection, a_reading(), strangers(0, MOST_STRANGERS))  # the same people again
    assert not record_reads(connection, a_reading(), {"person:mine": Tie.CASE, "person:also": Tie.ASSIGNMENT})
    assert alarms(connection) == []
    assert record_reads(connection, a_reading(), strangers(MOST_STRANGERS, MOST_STRANGERS + 1))
    assert not record_reads(connection, a_reading(), strangers(300, 310))  # it goes on: one alarm is enough
    assert alarms(connection) == [("caseworker", MOST_STRANGERS + 1)]
    later = NOW + ALARM_WINDOW
    assert record_reads(connection, a_reading(at=later), strangers(400, 601))
    assert len(alarms(connection)) == 2


def test_two_hundred_strangers_over_a_day_raise_none(connection: Connection) -> None:
    for window in range(12):
        at = NOW + window * ALARM_WINDOW
        assert not record_reads(connection, a_reading(at=at), strangers(window * 200, window * 200 + 200))
    assert alarms(connection) == []


def test_what_two_requests_saw_half_of_the_regular_run_sees(connection: Connection) -> None:
    for number in range(MOST_STRANGERS + 1):  # as if each had looked before the others were there
        connection.execute(
            text(
                "INSERT INTO read_record (at, account, role, kind, subject, fields, purpose, tie, route, request) "
                "VALUES (:at, 'caseworker', 'caseworker', 'person', :subject, '{name}', 'counter', 'stranger', '/', "
                ":request)"
            ),
            {"at": NOW, "subject": str(number), "request": uuid.uuid4()},
        )
    assert raise_alarms(connection, NOW) == ["caseworker"]
    assert raise_alarms(connection, NOW) == []


def a_day_of_reads(seed: int, snoop: Measure | None) -> tuple[list[ReadBy], dict[str, str], Surroundings]:
    """Twelve officers over forty streets, each with some hundred cases; the one called o3 may be a snooper."""
    chance = random.Random(seed)
    people = [f"person:{number}" for number in range(4_000)]
    street = {person: f"street {index % 40}" for index, person in enumerate(people)}
    officers = [f"o{number}" for number in range(12)]
    lives = {officer: people[number] for number, officer in enumerate(officers)}
    watched = set(people[3_900:3_930])
    reads = [
        ReadBy(officer, "caseworker", person, Tie.CASE if chance.random() < 0.97 else Tie.STRANGER)
        for officer in officers
        for person in chance.sample(people[20:], chance.randint(80, 120))
    ]
    mine = [person for person in people if street[person] == street[lives["o3"]]]
    seeded = {
        Measure.STRANGERS: chance.sample(people[20:], 40),
        Measure.NEIGHBOURS: chance.sample(mine[1:], 25),
        Measure.WATCHED: sorted(watched)[:15],
        Measure.OWN_HOUSEHOLD: ["person:wife"],
        None: [],
    }[snoop]
    tie = Tie.STRANGER if snoop is Measure.STRANGERS else Tie.ASSIGNMENT
    reads += [ReadBy("o3", "caseworker", person, tie) for person in seeded]
    household = {lives["o3"]: "household:1", "person:wife": "household:1"}
    return reads, lives, Surroundings(street, household, watched)


@pytest.mark.parametrize("snoop", [Measure.STRANGERS, Measure.NEIGHBOURS, Measure.WATCHED, Measure.OWN_HOUSEHOLD])
@pytest.mark.parametrize("seed", range(10))
def test_a_seeded_snooper_is_found(seed: int, snoop: Measure) -> None:
    found = find_anomalies(*a_day_of_reads(seed, snoop))
    assert ("o3", snoop) in {(one.account, one.measure) for one in found}
    assert found[0].account == "o3"


def test_honest_colleagues_are_rarely_reported() -> None:
    reported = [len(find_anomalies(*a_day_of_reads(seed, None))) for seed in range(50)]
    assert sum(reported) <= 24  # of 50 days with 12 officers and 4 measures each: one comparison in a hundred


def test_among_few_colleagues_only_the_own_household_is_told() -> None:
    reads = [ReadBy("o1", "auditor", f"person:{number}", Tie.STRANGER) for number in range(1_000)]
    reads += [ReadBy("o2", "auditor", "person:1", Tie.STRANGER), ReadBy("o2", "auditor", "person:me", Tie.STRANGER)]
    assert [(one.account, one.measure) for one in find_anomalies(reads, {"o2": "person:me"})] == [
        ("o2", Measure.OWN_HOUSEHOLD)
    ]


def test_the_report_reads_what_staff_read_and_nobody_else(connection: Connection) -> None:
    record_reads(connection, a_reading(), {"person:p1": Tie.CASE})
    own = Reading(
        "citizen-p1", Role.CITIZEN, Purpose.OWN_AFFAIRS, frozenset({"amount"}), "/benefits", uuid.uuid4(), NOW
    )
    record_reads(connection, own, {"person:p1": Tie.OWN})
    reads = read_by(connection, NOW, NOW + dt.timedelta(seconds=1))
    assert ReadBy("caseworker", "caseworker", "person:p1", Tie.CASE) in reads
    assert {read.account for read in reads if read.subject == "person:p1"} == {"caseworker"}
    assert persons_of_staff(connection) == {}
