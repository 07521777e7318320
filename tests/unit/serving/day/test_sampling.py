"""Blind samples as a month goes by: promised before, drawn after, measured, and felt by the tiers."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from sqlalchemy import text

from rules.determination import Outcome
from serving.casework.quality.choosing import Candidate, Population, choose
from serving.casework.quality.grants import automatic_grants
from serving.casework.quality.reviewing import Found, queue, record_result
from serving.casework.quality.samples import reveal, verify
from serving.commands.deliver import kept_month_secret, month_secret
from serving.day import sampling
from serving.day.sampling import draw_last_month, measured, planted, promise, reveal_past
from tests.day_world import AT, City, fixed_secret

NEXT_DAY = dt.date(2026, 4, 1)
NEXT = dt.datetime(2026, 4, 1, 1, tzinfo=dt.UTC)
COMMON = "resident_medical_insurance_subsidy"


def candidate(number: int, outcome: Outcome, amount: int | None = None) -> Candidate:
    return Candidate("person", f"p{number}", COMMON, 1, dt.date(2026, 3, 1), outcome, amount, AT)


def test_what_is_planted_is_wrong_and_a_function_of_what_there_is() -> None:
    granted = [candidate(n, Outcome.ELIGIBLE, 20_000) for n in range(1_200)]
    refused = [candidate(n, Outcome.INELIGIBLE) for n in range(2_000, 5_000)]
    said = {each.determination: (each.outcome, each.amount_minor) for each in (*granted, *refused)}
    found = planted(granted, refused)
    assert len(found) == 2 * sampling.PLANTED_FROM
    assert all(said[each.determination] != (each.outcome, each.amount_minor) for each in found)
    assert {each.amount_minor for each in found if each.outcome is Outcome.ELIGIBLE} == {20_000, 30_000}
    assert {each.outcome for each in found} == {Outcome.ELIGIBLE, Outcome.INELIGIBLE}
    assert sorted(map(repr, planted(granted[::-1], refused[::-1]))) == sorted(map(repr, found))
    drawn = choose(fixed_secret("2026-03"), Population(granted, refused, seeded=found))
    seeded = [one for one in drawn if one.marks[0][0].value == "seeded"]
    assert len(seeded) == 24  # 5 % of a queue with 299 and 149 others


def test_a_month_is_promised_before_it_begins_and_drawn_when_it_is_over(city: City) -> None:
    city.deliver()
    hashes = {month: hashlib.sha256(fixed_secret(month)).hexdigest() for month in ("2026-03", "2026-04")}
    assert dict(city.rows("SELECT month, commitment FROM sample_commitment")) == hashes  # type: ignore[arg-type]
    assert city.number("SELECT count(*) FROM sample") == 0
    city.sweep(dt.date(2026, 3, 15), dt.datetime(2026, 3, 15, 1, tzinfo=dt.UTC))
    city.deliver(dt.datetime(2026, 3, 15, 2, tzinfo=dt.UTC))
    assert city.number("SELECT count(*) FROM sample") == 0
    city.sweep(NEXT_DAY, NEXT)
    done = city.deliver(NEXT)
    assert done.drawn == city.number("SELECT count(*) FROM sample WHERE month = '2026-03'") > 0
    rows = city.rows("SELECT stratum, count(*) FROM sample_stratum GROUP BY 1")
    strata = {str(stratum): int(str(many)) for stratum, many in rows}
    assert set(strata) == {"granted", "not_selected", "seeded"}
    granted = city.number("SELECT count(*) FROM move WHERE to_state = 'approved' AND at < :next", next=NEXT)
    assert strata["granted"] == granted  # fewer than 299 of each benefit: all of them
    refused = "FROM sample s JOIN sample_stratum t ON t.sample = s.id WHERE t.stratum = 'not_selected'"
    assert city.rows(f"SELECT DISTINCT on_date {refused}") == [(dt.date(2026, 3, 15),)]  # that month's last sweep
    with city.engine.connect() as connection:
        assert len(queue(connection, "2026-03", "somebody")) == done.drawn
    assert city.deliver(NEXT).drawn == 0  # once
    assert city.number("SELECT count(*) FROM sample") == done.drawn


def test_anybody_may_check_the_draw_once_the_secret_is_public(city: City) -> None:
    city.deliver()
    with city.engine.connect() as connection:
        drawn = draw_last_month(connection, fixed_secret, [COMMON], city.ground().clocks.days.zone, NEXT)
        assert drawn[COMMON] > 0
        granted = automatic_grants(connection, COMMON, "2026-03", city.ground().clocks.days.zone)
        reveal(connection, "2026-03", fixed_secret("2026-03"), NEXT + dt.timedelta(days=5))
        # Nobody was swept after the promise: only grants were there to draw from.
        population = Population(granted, [], seeded=planted(granted, []))
        assert verify(connection, "2026-03", COMMON, population) == []
        assert verify(connection, "2026-03", COMMON, Population(granted[1:], [])) != []


def test_a_secret_is_published_when_it_helps_nobody_any_more(city: City) -> None:
    zone = city.ground().clocks.days.zone
    soon, later = NEXT + dt.timedelta(hours=1), NEXT + dt.timedelta(days=3)
    city.deliver()
    assert reveal_past(city.engine, fixed_secret, zone, later) == []  # nothing is drawn yet
    city.sweep(NEXT_DAY, NEXT)
    assert city.deliver(NEXT).drawn > 0
    assert reveal_past(city.engine, fixed_secret, zone, later) == []  # nobody has looked at what was drawn
    _review(city, wrong=0)
    assert reveal_past(city.engine, fixed_secret, zone, soon) == []  # somewhere it is March still
    assert reveal_past(city.engine, fixed_secret, zone, later) == ["2026-03"]
    assert reveal_past(city.engine, fixed_secret, zone, later) == []
    secret = fixed_secret("2026-03")
    assert city.rows("SELECT month, secret FROM sample_commitment WHERE secret IS NOT NULL") == [("2026-03", secret)]
    (told,) = city.rows("SELECT payload, at FROM audit_intent WHERE action = 'sample:revealed'")
    assert told == ({"commitment": hashlib.sha256(secret).hexdigest(), "secret": secret.hex()}, later)


def test_what_nobody_reviewed_holds_a_secret_back_for_one_month(city: City) -> None:
    zone = city.ground().clocks.days.zone
    city.deliver()
    city.sweep(NEXT_DAY, NEXT)
    city.deliver(NEXT)
    assert reveal_past(city.engine, fixed_secret, zone, dt.datetime(2026, 4, 30, tzinfo=dt.UTC)) == []
    may = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)
    assert reveal_past(city.engine, lambda _: None, zone, may) == []  # not at hand
    assert reveal_past(city.engine, lambda _: bytes(32), zone, may) == []  # not the one that was promised
    assert reveal_past(city.engine, fixed_secret, zone, may) == ["2026-03"]


def test_no_secret_is_made_to_be_published(tmp_path: Path) -> None:
    assert month_secret(tmp_path / "s", "2026-03") == kept_month_secret(tmp_path / "s", "2026-03") is not None
    assert kept_month_secret(tmp_path / "s", "2026-04") is None
    assert not (tmp_path / "s" / "sample-2026-04").exists()


def test_errors_that_are_found_demote_their_benefit_alone(city: City) -> None:
    city.deliver()
    with city.engine.connect() as connection:
        draw_last_month(connection, fixed_secret, [COMMON], city.ground().clocks.days.zone, NEXT)
    ceiling = "SELECT count(*) FROM demotion WHERE benefit = :benefit AND register IS NULL AND until IS NULL"
    _review(city, wrong=10)
    with city.engine.connect() as connection:
        found = {one.benefit: one for one in measured(connection)}
    assert found[COMMON].wrong == 10
    assert found[COMMON].sampled == city.number("SELECT count(*) FROM sample_stratum WHERE stratum = 'granted'")
    assert city.number(ceiling, benefit=COMMON) == 0
    city.sweep(NEXT_DAY, NEXT)
    city.deliver(NEXT)
    assert city.number(ceiling, benefit=COMMON) == 1
    assert city.number("SELECT count(*) FROM demotion WHERE register IS NULL") == 1


def _review(city: City, wrong: int) -> None:
    """Review everything, so many of the grants with another result."""
    with city.engine.begin() as connection:
        rows = connection.execute(
            text(
                "SELECT s.id, a.outcome, a.amount_minor, t.stratum FROM sample s "
                "JOIN sample_answer a ON a.sample = s.id JOIN sample_stratum t ON t.sample = s.id ORDER BY s.id"
            )
        ).all()
        for number, outcome, amount, stratum in rows:
            found = Found(Outcome(outcome), amount)
            if stratum == "granted" and wrong:
                wrong, found = wrong - 1, Found(Outcome.INELIGIBLE)
            record_result(connection, number, "reviewer", found, NEXT)


def test_without_a_secret_nothing_is_promised_or_drawn(city: City) -> None:
    zone = city.ground().clocks.days.zone
    with city.engine.connect() as connection:
        assert promise(connection, lambda _month: None, zone, AT) == []
        assert draw_last_month(connection, lambda _month: None, [COMMON], zone, NEXT).total() == 0
        assert promise(connection, fixed_secret, zone, AT) == ["2026-03", "2026-04"]
        assert promise(connection, fixed_secret, zone, AT) == []


def test_the_secret_of_a_month_is_made_where_the_database_is_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("APPLYFREE_DATABASE_URL", raising=False)
    made = month_secret(tmp_path / "secrets", "2026-03")
    assert made is not None
    assert len(made) == 32
    assert month_secret(tmp_path / "secrets", "2026-03") == made != month_secret(tmp_path / "secrets", "2026-04")
    monkeypatch.setenv("APPLYFREE_DATABASE_URL", "postgresql://elsewhere")
    assert month_secret(tmp_path / "secrets", "2026-03") == made
    assert month_secret(tmp_path / "secrets", "2026-05") is None  # whoever runs that server puts it there
    assert "No blind samples of 2026-05" in capsys.readouterr().err
