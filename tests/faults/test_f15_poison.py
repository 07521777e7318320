"""F15: a record that kills its worker each time is isolated alone and named; everybody else is answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from serving.store import chunks
from serving.store.server import EmbeddedServer
from serving.sweep import run
from serving.sweep.errors import SweepError
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables


def people(folder: Path) -> tuple[dict[str, pl.DataFrame], str]:
    """Made people, and one of them to whom nobody is related."""
    tables = made_tables(200)
    loner = pl.DataFrame({"id": ["loner"], "birth_date": tables["person"]["birth_date"].drop_nulls().head(1)})
    tables["person"] = pl.concat([tables["person"], loner], how="diagonal")
    Editions(folder).add(FIRST, tables)
    return tables, "loner"


@pytest.mark.parametrize("how", ["poison", "raises"])
def test_only_the_poison_is_set_aside(how: str, server: EmbeddedServer, tmp_path: Path) -> None:
    tables, loner = people(tmp_path / "editions")
    source = Editions(tmp_path / "editions")
    session = emptied(server, tmp_path)
    runner = sweep_world.sweeper(
        server, tmp_path, replace(source, poison=loner) if how == "poison" else replace(source, raises=loner), workers=1
    )
    outcome = runner.run(cn_catalogue(), ON_DATE)
    runner.close()
    assert outcome.dead == (("person", "loner"),)
    assert session.execute("SELECT deaths FROM dead_letter").fetchall() == [(chunks.MOST_DEATHS,)] == [(3,)]
    assert outcome.looked_at == outcome.written + 1
    assert loner not in " ".join(outcome.failures), "what a worker says holds nothing of a person"
    if how == "raises":
        assert outcome.failures[0].startswith("ValueError at sweep_world.py:")
    assert_frame_equal(current(session), expected(tables).filter(pl.col("id") != loner))
    # The next sweep tries again, though nothing has changed and no day has come.
    source.add(FIRST.replace(hour=3), tables)
    outcome = sweep_world.swept(server, tmp_path, source)
    assert (outcome.looked_at, outcome.written, outcome.dead) == (1, 1, ())
    assert_frame_equal(current(session), expected(tables))
    session.close()


def test_too_many_dead_stop_the_sweep(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people(tmp_path / "editions")
    emptied(server, tmp_path).close()
    monkeypatch.setattr(run, "MOST_DEAD", 0)
    runner = sweep_world.sweeper(server, tmp_path, Editions(tmp_path / "editions", raises="loner"))
    with pytest.raises(SweepError, match="could not be answered, so this is not about single records"):
        runner.run(cn_catalogue(), ON_DATE)
    runner.close()
