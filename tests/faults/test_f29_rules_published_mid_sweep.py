"""F29: rules that are published, or rolled back, while people are swept: one sweep has one rulebook."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from serving.evaluation import sound_rulebook
from serving.store.server import EmbeddedServer
from serving.sweep.errors import RulebookGoneError
from tests import sweep_world
from tests.rule_changes import Published
from tests.sweep_world import FIRST, ON_DATE, Editions, cn_catalogue, current, emptied, expected, made_tables


def test_a_sweep_keeps_the_rulebook_with_which_it_began(server: EmbeddedServer, tmp_path: Path) -> None:
    published = Published.below(tmp_path)
    source = Editions(tmp_path / "editions", pause_seconds=0.1)
    tables = made_tables(500)
    source.add(FIRST, tables)
    session = emptied(server, tmp_path)
    runner = sweep_world.sweeper(server, tmp_path, source, chunk=60)
    old = published.catalogue()
    sweeping = threading.Thread(target=runner.run, args=(old, ON_DATE))
    sweeping.start()
    while session.execute("SELECT count(*) > 3 FROM chunk WHERE state = 'done'").fetchone() != (True,):
        time.sleep(0.05)
    published.correct_the_rate()
    assert session.execute("SELECT count(*) > 0 FROM chunk WHERE state = 'open'").fetchone() == (True,)
    sweeping.join()
    assert_frame_equal(current(session), expected(tables, book=sound_rulebook(old)))
    # The next sweep has the new rules, looks at whom they are about, and gives what a full one would.
    new = published.catalogue()
    outcome = runner.run(new, ON_DATE)
    after = expected(tables, book=sound_rulebook(new))
    assert not after.equals(expected(tables, book=sound_rulebook(old)))
    assert_frame_equal(current(session), after)
    assert outcome.looked_at == tables["person"].height
    # Rolled back: swept again, to what it was.
    runner.run(cn_catalogue(), ON_DATE)
    assert_frame_equal(current(session), expected(tables, book=sound_rulebook(old)))
    runner.close()
    session.close()


def test_a_rulebook_that_was_tampered_with_stops_the_sweep(server: EmbeddedServer, tmp_path: Path) -> None:
    source = Editions(tmp_path / "editions")
    source.add(FIRST, made_tables(60))
    emptied(server, tmp_path).close()
    outcome = sweep_world.swept(server, tmp_path, source)
    kept = tmp_path / "rulebooks" / outcome.sweep.rulebook
    Published(kept / "catalogue", kept / "facts").correct_the_rate()
    source.add(FIRST.replace(hour=5), made_tables(60))
    with pytest.raises(RulebookGoneError, match="now has the content"):
        sweep_world.swept(server, tmp_path, source)
