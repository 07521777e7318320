"""G20: the draw cannot be foreseen and can be checked, and who reviews cannot see what the machine said."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import pytest
from scipy.stats import binomtest, chi2
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from rules.determination import Outcome
from serving.casework.errors import ConflictError, NotAllowedError, SampleError
from serving.casework.moves import By
from serving.casework.quality.choosing import Candidate, Population, Stratum, choose, number_of
from serving.casework.quality.grants import automatic_grants
from serving.casework.quality.measured import (
    caught_by_reviewer,
    measured_by_group,
    measured_errors,
    measured_misses,
)
from serving.casework.quality.reviewing import Found, ShownFact, compare, material, queue, record_result
from serving.casework.quality.samples import commit, draw, reveal, verify
from serving.casework.quality.sizes import cases_needed, grants_to_review, measured, seeded_among
from serving.casework.states import Actor, State
from serving.store.server import EmbeddedServer
from tests.casework_world import MORNING, an_entitlement, casework_database, count, moved
from tests.decided_world import decided

MONTH, BENEFIT = "2026-03", "advanced_age_allowance"
SECRET = hashlib.sha256(b"a fixed secret, for tests").digest()
EARLIER = dt.datetime(2026, 2, 20, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 4, 3, tzinfo=dt.UTC)
TABLE = """
    0.05   59   90
    0.02   149  228
    0.01   299  459
    0.005  598  919
    0.002  1497 2301
    0.001  2995 4603
"""


@pytest.fixture(scope="module")
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with casework_database(server) as engine:
        yield engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def candidate(n: int, outcome: Outcome = Outcome.ELIGIBLE, amount: int | None = 20_000, sweep: int = 1) -> Candidate:
    return Candidate("person", f"p{n}", BENEFIT, sweep, dt.date(2026, 3, 1), outcome, amount, MORNING)


def people(start: int, many: int, outcome: Outcome = Outcome.ELIGIBLE) -> list[Candidate]:
    return [candidate(n, outcome, 20_000 if outcome is Outcome.ELIGIBLE else None) for n in range(start, start + many)]


POPULATION = Population(
    people(0, 20_000),
    people(20_000, 5_000, Outcome.INELIGIBLE),
    {"aged_80": people(0, 900), "disabled": people(500, 40)},
    people(90_000, 100),
)


# How many.


@pytest.mark.parametrize("row", [row.split() for row in TABLE.split("\n") if row.strip()], ids=lambda row: row[0])
def test_so_many_without_an_error_are_needed(row: list[str]) -> None:
    below, at_95, at_99 = float(row[0]), int(row[1]), int(row[2])
    for needed, confidence in ((at_95, 0.95), (at_99, 0.99)):
        assert cases_needed(below, confidence) == needed
        assert (1 - below) ** needed <= 1 - confidence < (1 - below) ** (needed - 1)


def test_the_sizes_of_a_month() -> None:
    assert [grants_to_review(n) for n in (0, 10, 299, 300, 14_950, 14_951, 100_000)] == [
        0,
        10,
        299,
        299,
        299,
        300,
        2_000,
    ]
    drawn = choose(SECRET, POPULATION)
    marks = [mark for each in drawn for mark in each.marks]
    assert marks.count((Stratum.GRANTED, "")) == 400
    assert marks.count((Stratum.NOT_SELECTED, "")) == 149
    assert marks.count((Stratum.GROUP, "aged_80")) == 59
    assert marks.count((Stratum.GROUP, "disabled")) == 40  # there are no more
    assert marks.count((Stratum.SEEDED, "")) == seeded_among(len(drawn) - marks.count((Stratum.SEEDED, "")))
    assert marks.count((Stratum.SEEDED, "")) / len(drawn) >= 0.05
    assert len({(each.candidate.sweep, each.candidate.determination) for each in drawn}) == len(drawn)


@pytest.mark.parametrize("n", [1, 59, 149, 299, 1_000])
def test_intervals_are_clopper_and_pearsons(n: int) -> None:
    for errors in {0, 1, n // 50, n // 2, n}:
        mine, theirs = measured(errors, n), binomtest(errors, n).proportion_ci(0.95, "exact")
        assert math.isclose(mine.low, theirs.low, abs_tol=1e-9)
        assert math.isclose(mine.high, theirs.high, abs_tol=1e-9)
    assert measured(0, 0) == dataclasses.replace(measured(0, 0), low=0.0, high=1.0)
    with pytest.raises(ValueError, match="cannot be"):
        measured(2, 1)


# Unpredictable.


def test_the_choice_rests_on_the_secret_and_on_nothing_that_can_be_seen() -> None:
    base = choose(SECRET, POPULATION)
    shuffled = random.Random(7).sample(POPULATION.granted, len(POPULATION.granted))
    assert choose(SECRET, dataclasses.replace(POPULATION, granted=shuffled)) == base
    dearer = [
        dataclasses.replace(each, amount_minor=999_999, outcome=Outcome.UNDETERMINED) for each in POPULATION.granted
    ]
    same = {
        each.candidate.subject for each in choose(SECRET, dataclasses.replace(POPULATION, granted=dearer, groups={}))
    }
    alone = {each.candidate.subject for each in choose(SECRET, dataclasses.replace(POPULATION, groups={}))}
    assert same == alone
    # What was drawn under one secret says nothing about another: the overlap is that of two samples by chance.
    other = {each.candidate.subject for each in choose(hashlib.sha256(SECRET).digest(), POPULATION)}
    grants = {each.candidate.subject for each in base if (Stratum.GRANTED, "") in each.marks}
    assert len(grants & other) < 40  # of 400 among 20,000 one expects 8, and 9 of the groups


def test_over_many_secrets_everybody_is_as_likely_as_everybody_else() -> None:
    """Chi-square over 400 fixed secrets: by place, by parity, by last digit; and where they come in the queue."""
    granted = people(0, 600)
    drawn_times, places = [0] * 600, [0] * 10
    secrets = [hashlib.sha256(str(n).encode()).digest() for n in range(400)]
    for secret in secrets:
        drawn = choose(secret, Population(granted, people(1_000, 300, Outcome.INELIGIBLE)))
        for n, each in enumerate(drawn):
            if (Stratum.GRANTED, "") in each.marks:
                drawn_times[int(each.candidate.subject[1:])] += 1
                places[n * 10 // len(drawn)] += 1
    assert sum(drawn_times) == 400 * 299
    for groups in (
        _by(drawn_times, lambda n: n // 60),
        _by(drawn_times, lambda n: n % 2),
        _by(drawn_times, lambda n: n % 10),
    ):
        expected = [400 * 299 * size / 600 for _, size in groups]
        # Drawn without replacement, so counts vary less than independent ones would: the bound is on the safe side.
        statistic = sum((seen - due) ** 2 / due for (seen, _), due in zip(groups, expected, strict=True))
        assert statistic < chi2.ppf(0.999, len(groups) - 1)
    due = sum(places) / 10
    assert sum((seen - due) ** 2 / due for seen in places) < chi2.ppf(0.999, 9)


def _by(times: Sequence[int], group: object) -> list[tuple[int, int]]:
    found: dict[int, list[int]] = {}
    for n, seen in enumerate(times):
        found.setdefault(group(n), []).append(seen)  # type: ignore[operator]
    return [(sum(each), len(each)) for _, each in sorted(found.items())]


def test_numbers_do_not_follow_what_is_numbered() -> None:
    numbers = [int.from_bytes(number_of(SECRET, candidate(n))[:8]) / 2**64 for n in range(4_000)]
    mean = sum(numbers) / 4_000
    spread = math.sqrt(sum((each - mean) ** 2 for each in numbers))
    ranks = [(n - 1_999.5) for n in range(4_000)]
    correlation = sum(r * (x - mean) for r, x in zip(ranks, numbers, strict=True)) / (
        spread * math.sqrt(sum(r * r for r in ranks))
    )
    assert abs(correlation) < 3.3 / math.sqrt(4_000)
    assert abs(mean - 0.5) < 3.3 * math.sqrt(1 / 12 / 4_000)


# Commit, draw, reveal, verify.


SMALL = Population(people(0, 400), people(400, 200, Outcome.INELIGIBLE), {"disabled": people(0, 80)}, people(900, 60))


def drawn(connection: Connection, population: Population = SMALL) -> list[int]:
    commit(connection, MONTH, SECRET, EARLIER)
    return draw(connection, MONTH, SECRET, BENEFIT, population, LATER)


def test_what_was_promised_is_what_was_drawn(connection: Connection) -> None:
    drawn(connection)
    assert count(connection, "sample_commitment", "secret IS NULL") == 1
    with pytest.raises(SampleError, match="not published yet"):
        verify(connection, MONTH, BENEFIT, SMALL)
    reveal(connection, MONTH, SECRET, LATER)
    assert verify(connection, MONTH, BENEFIT, SMALL) == []
    one = next(each.candidate for each in choose(SECRET, SMALL) if each.marks == ((Stratum.GRANTED, ""),))
    without = dataclasses.replace(SMALL, granted=[each for each in SMALL.granted if each != one])
    assert verify(connection, MONTH, BENEFIT, without) == ["1 cases were left out", "1 cases were added"]
    less = dataclasses.replace(SMALL, groups={}, granted=people(5_000, 400))
    assert verify(connection, MONTH, BENEFIT, less) != []


def test_a_case_that_is_slipped_in_or_left_out_is_found(connection: Connection) -> None:
    friend = candidate(77_777)
    drawn(connection, dataclasses.replace(SMALL, granted=[*SMALL.granted[:300], friend]))
    reveal(connection, MONTH, SECRET, LATER)
    assert verify(connection, MONTH, BENEFIT, SMALL) != []


def test_no_other_secret_and_no_second_draw(connection: Connection) -> None:
    drawn(connection)
    other = hashlib.sha256(SECRET).digest()
    with pytest.raises(SampleError, match="was drawn before"):
        draw(connection, MONTH, SECRET, BENEFIT, SMALL, LATER)
    with pytest.raises(SampleError, match="is not the secret that was promised"):
        draw(connection, MONTH, other, "dibao", SMALL, LATER)
    with pytest.raises(SampleError, match="is not the secret that was promised"):
        reveal(connection, MONTH, other, LATER)
    with pytest.raises(SampleError, match="was promised before"):
        commit(connection, MONTH, other, EARLIER)
    with pytest.raises(SampleError, match="at least 32 bytes"):
        commit(connection, "2026-04", b"short", EARLIER)
    savepoint = connection.begin_nested()
    with pytest.raises(DBAPIError, match="the_secret_that_was_promised"):
        connection.execute(text("UPDATE sample_commitment SET secret = 'other', revealed_at = now()"))
    savepoint.rollback()


def test_a_secret_is_promised_before_the_answers_and_published_after_them(connection: Connection) -> None:
    commit(connection, MONTH, SECRET, MORNING + dt.timedelta(hours=1))
    with pytest.raises(SampleError, match="given before its secret was promised"):
        draw(connection, MONTH, SECRET, BENEFIT, SMALL, LATER)
    with pytest.raises(SampleError, match="is not over"):
        reveal(connection, MONTH, SECRET, dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC))
    reveal(connection, MONTH, SECRET, LATER)
    with pytest.raises(SampleError, match="is public"):
        draw(connection, MONTH, SECRET, BENEFIT, SMALL, LATER)


# Blind.

TOKENS = re.compile(
    r"eligib|undetermined|grant|approv|amount|tier|automatic|confirm|decision|decid|officer|stratum|seed|select"
    r"|outcome|verdict|refus|denied|paid|review|score|sweep",
    re.IGNORECASE,
)


def facts(kind: str, subject: str, benefit: str, on_date: dt.date, sweep: int) -> list[ShownFact]:
    assert (kind, benefit, sweep) == ("person", BENEFIT, 1)
    return [
        ShownFact("age", "83", "public_security", on_date),
        ShownFact("hukou_area", "110101", "public_security", on_date),
        ShownFact("deceased", None, None, None, "not_held"),
        ShownFact(f"receives_{benefit}", "true", "civil_affairs", on_date),
    ]


def test_a_reviewer_sees_facts_and_no_sign_of_what_was_answered(connection: Connection) -> None:
    numbers = drawn(connection)
    shown = [dataclasses.asdict(material(connection, number, facts)) for number in numbers]
    written = [json.dumps(each, default=str) for each in shown]
    assert [found for each in written for found in TOKENS.findall(each)] == []
    # But for its number every case looks like every other, whichever way it was answered.
    assert len({json.dumps({**each, "case": 0}, default=str) for each in shown}) == 1


def test_first_ones_own_result_then_the_comparison(connection: Connection) -> None:
    number = drawn(connection)[0]
    with pytest.raises(SampleError, match="write down your own first"):
        compare(connection, number)
    record_result(connection, number, "qa1", Found(Outcome.UNDETERMINED, reason_code="DATA_MISSING"), LATER)
    assert compare(connection, number).wrong
    with pytest.raises(ConflictError):
        record_result(connection, number, "qa2", Found(Outcome.ELIGIBLE, 20_000), LATER)


def test_nobody_reviews_what_they_had_a_part_in(connection: Connection) -> None:
    it = moved(connection, an_entitlement(connection, "p5"), State.REVIEW)
    decided(connection, it, "grant", State.APPROVED, "o1", "o2")
    numbers = drawn(connection, Population([candidate(5)], [candidate(6, Outcome.INELIGIBLE, None)]))
    theirs = connection.execute(text("SELECT id FROM sample WHERE subject = 'p5'")).scalar_one()
    assert queue(connection, MONTH, "qa1") == numbers
    for officer in ("o1", "o2"):
        assert queue(connection, MONTH, officer) == [n for n in numbers if n != theirs]
        with pytest.raises(NotAllowedError, match="somebody who was not in it"):
            record_result(connection, theirs, officer, Found(Outcome.ELIGIBLE, 20_000), LATER)
    record_result(connection, theirs, "qa1", Found(Outcome.ELIGIBLE, 20_000), LATER)
    assert theirs not in queue(connection, MONTH, "qa1")


# Measured.


def test_measured_errors_count_grants_alone_and_too_little_is_as_wrong_as_too_much(connection: Connection) -> None:
    drawn(connection)
    rows = connection.execute(
        text("SELECT s.id, s.subject, array_agg(t.stratum ORDER BY t.stratum) AS strata FROM sample s "
             "JOIN sample_stratum t ON t.sample = s.id GROUP BY s.id ORDER BY s.id")
    ).all()  # fmt: skip
    granted = [row.id for row in rows if "granted" in row.strata]
    wrong = {granted[0]: Found(Outcome.INELIGIBLE), granted[1]: Found(Outcome.ELIGIBLE, 19_999)}
    missed = next(row.id for row in rows if row.strata == ["not_selected"])
    for row in rows:
        right = Found(Outcome.INELIGIBLE) if "not_selected" in row.strata else Found(Outcome.ELIGIBLE, 20_000)
        if row.strata == ["seeded"]:
            right = Found(Outcome.INELIGIBLE)  # what was planted is wrong, and this reviewer sees it
        if row.id == missed:
            right = Found(Outcome.ELIGIBLE, 20_000)
        record_result(connection, row.id, "qa1", wrong.get(row.id, right), LATER)
    assert measured_errors(connection) == {BENEFIT: measured(2, 299)}
    assert measured_errors(connection, ["2026-02"]) == {}
    assert measured_misses(connection)[BENEFIT] == measured(1, 149)
    by_group = measured_by_group(connection)["disabled"]
    assert by_group.n == 59
    caught = caught_by_reviewer(connection)["qa1"]
    assert caught.errors == caught.n > 0
    figures = measured_errors(connection)[BENEFIT]
    assert figures.low < 2 / 299 < figures.high


def test_automatic_grants_are_what_no_human_had_a_part_in(connection: Connection) -> None:
    moved(connection, an_entitlement(connection, "auto", tier="automatic"), State.APPROVED)
    it = moved(connection, an_entitlement(connection, "click"), State.OFFERED)
    moved(connection, moved(connection, it, State.CONFIRMED, by=By(Actor.CITIZEN, "click")), State.APPROVED)
    it = moved(connection, an_entitlement(connection, "human"), State.REVIEW)
    decided(connection, it, "grant", State.APPROVED)
    zone = ZoneInfo("Asia/Shanghai")
    found = automatic_grants(connection, BENEFIT, MONTH, zone)
    assert [(each.subject, each.period, each.at) for each in found] == [("auto", "2026-03", MORNING)]
    assert automatic_grants(connection, BENEFIT, "2026-04", zone) == []
