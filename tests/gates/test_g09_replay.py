"""G9: each stored determination comes out again, byte for byte, from what was known, the rulebook and the dates."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from serving.catalogues import shipped_catalogues
from serving.store import sweeps
from serving.store.database import connect
from serving.store.server import EmbeddedServer
from serving.sweep.errors import RulebookGoneError
from serving.sweep.replay import Name, Replayer, UnknownDeterminationError
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, Editions, changed_tables, cn_catalogue, emptied, made_tables


@pytest.fixture(scope="module")
def swept(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Editions]:
    """Three sweeps: a full one, one after changes, one with another rulebook."""
    home = tmp_path_factory.mktemp("g09")
    source = Editions(home / "editions")
    source.add(FIRST, made_tables(300))
    emptied(server, home).close()
    catalogue = home / "cn"
    shutil.copytree(shipped_catalogues() / "cn", catalogue)
    runner = sweep_world.sweeper(server, home, source)
    runner.run(cn_catalogue(catalogue), ON_DATE)
    source.add(FIRST.replace(hour=3), changed_tables(source.tables(FIRST), 0.05, 1))
    runner.run(cn_catalogue(catalogue), ON_DATE + dt.timedelta(days=40))
    file = catalogue / "dibao" / "benefit.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "\n# read again by policy staff\n", encoding="utf-8")
    shutil.rmtree(catalogue / "tekun_support")
    runner.run(cn_catalogue(catalogue), ON_DATE + dt.timedelta(days=41))
    runner.close()
    return home, source


def test_every_determination_comes_out_again(server: EmbeddedServer, swept: tuple[Path, Editions]) -> None:
    home, source = swept
    with connect(server.url) as session:
        made = sweeps.all_sweeps(session)
        assert [sweep.is_full for sweep in made] == [True, False, False]
        compared = 0
        for sweep in made:
            found = Replayer(session, home, source, sweep.id).everything()
            assert (found.differing, found.shown) == (0, [])
            compared += found.compared
        assert session.execute("SELECT count(*) FROM determination").fetchone() == (compared,)


def test_one_determination_is_written_in_one_way(server: EmbeddedServer, swept: tuple[Path, Editions]) -> None:
    home, source = swept
    with connect(server.url) as session:
        row = session.execute(
            "SELECT sweep, subject, id, benefit, amount FROM determination "
            "WHERE outcome = 'eligible' AND amount > 0 AND sweep > (SELECT min(id) FROM sweep) LIMIT 1"
        ).fetchone()
        assert row is not None
        name = Name.read(f"{row[0]}/{row[1]}/{row[2]}/{row[3]}")
        stored, again = Replayer(session, home, source, name.sweep).one(name)
        assert stored == again
        content = json.loads(stored)
        assert stored == json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        assert content["amount"] == f"{row[4]:f}"
        assert {"on_date", "known_at", "rulebook", "next_change", "unmet", "missing"} <= content.keys()


def test_a_tampered_answer_is_found_and_named(server: EmbeddedServer, swept: tuple[Path, Editions]) -> None:
    home, source = swept
    with connect(server.url) as session, session.transaction(force_rollback=True):
        session.execute("ALTER TABLE answer DISABLE TRIGGER append_only")
        session.execute(
            "UPDATE answer SET amount = amount + 1 WHERE id = (SELECT min(id) FROM answer WHERE outcome = 'eligible')"
        )
        first = sweeps.all_sweeps(session)[0].id
        found = Replayer(session, home, source, first).everything()
        assert found.differing > 0
        assert found.shown[0].stored != found.shown[0].recomputed
        assert found.shown[0].name.sweep == first


def test_what_was_never_said_cannot_be_replayed(server: EmbeddedServer, swept: tuple[Path, Editions]) -> None:
    home, source = swept
    with connect(server.url) as session:
        with pytest.raises(UnknownDeterminationError, match="SWEEP/KIND/SUBJECT/BENEFIT"):
            Replayer(session, home, source, 1).one(Name.read("1/person/nobody/dibao"))
        with pytest.raises(UnknownDeterminationError):
            Name.read("person/1")
        shutil.move(home / "rulebooks", home / "elsewhere")
        try:
            with pytest.raises(RulebookGoneError, match="is missing"):
                Replayer(session, home, source, 1)
        finally:
            shutil.move(home / "elsewhere", home / "rulebooks")
