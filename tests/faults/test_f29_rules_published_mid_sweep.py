"""F29: rules that are published, or rolled back, while people are swept: one sweep has one rulebook."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.catalogues import shipped_catalogues
from serving.evaluation import sound_rulebook
from serving.store.server import EmbeddedServer
from serving.sweep.errors import RulebookGoneError
from tests import sweep_world
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    yield from sweep_world.a_database()


def raise_the_rate(catalogue: Path) -> None:
    """A rule change that many answers feel."""
    file = catalogue / "resident_medical_insurance_subsidy" / "parameters.yaml"
    text = file.read_text(encoding="utf-8")
    assert "value: 820," in text
    file.write_text(text.replace("value: 820,", "value: 830,"), encoding="utf-8")


def test_a_sweep_keeps_the_rulebook_with_which_it_began(server: EmbeddedServer, tmp_path: Path) -> None:
    catalogue = tmp_path / "cn"
    shutil.copytree(shipped_catalogues() / "cn", catalogue)
    source = Editions(tmp_path / "editions", pause_seconds=0.1)
    tables = made_tables(500)
    source.add(FIRST, tables)
    session = emptied(server, tmp_path)
    runner = sweep_world.sweeper(server, tmp_path, source, chunk=60)
    old = cn_catalogue(catalogue)
    sweeping = threading.Thread(target=runner.run, args=(old, ON_DATE))
    sweeping.start()
    while session.execute("SELECT count(*) > 3 FROM chunk WHERE state = 'done'").fetchone() != (True,):
        time.sleep(0.05)
    raise_the_rate(catalogue)
    assert session.execute("SELECT count(*) > 0 FROM chunk WHERE state = 'open'").fetchone() == (True,)
    sweeping.join()
    assert_frame_equal(current(session), expected(tables, book=sound_rulebook(old)))
    # The next sweep has the new rules, looks at whom they are about, and gives what a full one would.
    new = cn_catalogue(catalogue)
    outcome = runner.run(new, ON_DATE)
    after = expected(tables, book=sound_rulebook(new))
    assert not after.equals(expected(tables, book=sound_rulebook(old)))
    assert_frame_equal(current(session), after)
    assert outcome.looked_at == tables["person"].height
    # Rolled back: swept again, to what it was.
    shutil.rmtree(catalogue)
    shutil.copytree(shipped_catalogues() / "cn", catalogue)
    runner.run(cn_catalogue(catalogue), ON_DATE)
    assert_frame_equal(current(session), expected(tables, book=sound_rulebook(old)))
    runner.close()
    session.close()


def test_a_rulebook_that_was_tampered_with_stops_the_sweep(server: EmbeddedServer, tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions")
    source.add(FIRST, made_tables(60))
    emptied(server, tmp_path).close()
    outcome = sweep_world.swept(server, tmp_path, source)
    kept = tmp_path / "rulebooks" / outcome.sweep.rulebook / "catalogue"
    raise_the_rate(kept)
    source.add(FIRST.replace(hour=5), made_tables(60))
    with pytest.raises(RulebookGoneError, match="now has the content"):
        sweep_world.swept(server, tmp_path, source)
