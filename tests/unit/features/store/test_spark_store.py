"""Training sets from Spark, the real one on this machine, are those of files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from features.facts.encoding import ID
from features.history.records import TRUE_FROM
from features.store.settings import FILES, SPARK, StoreSettings
from features.store.training import TrainingSets
from tests.unit.features.store.histories import AID, CN, HUKOU, WORK, day, deliver, empty_history, moment, purposes

PURPOSE = "model__need"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        find_spec("pyspark") is None or shutil.which("java") is None,
        reason="Spark or Java is not installed (`make spark`): an extra with a lock of its own",
    ),
    # Feast calls its own Spark store experimental, and Spark leaves files open.
    pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The session that Feast starts is stopped afterwards."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 an extra

    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    yield
    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()


@pytest.mark.usefixtures("spark")
def test_training_sets_are_the_same_from_spark(tmp_path: Path) -> None:
    history = empty_history(tmp_path / "history")
    deliver(history, HUKOU, 0, [{ID: "p1", TRUE_FROM: day(0), "hukou_area": "440100", "household_id": "h1"}])
    deliver(history, AID, 1, [{ID: "p1", TRUE_FROM: day(1), "receives_dibao": True, "own_assistance_month": 2**40}])
    deliver(history, WORK, 2, [{ID: "p1", TRUE_FROM: day(2), "pension_contribution_years": 15_0000}])
    spine = pl.DataFrame({ID: ["p1", "nobody", "p1"], "on_date": [day(3), day(3), day(500)]})
    found: list[pl.DataFrame] = []
    for offline in (FILES, SPARK):
        settings = StoreSettings(tmp_path, online="postgresql://unused", offline=offline)
        with TrainingSets(settings, history, CN, purposes()).at(moment(2)) as snapshot:
            found.append(snapshot.read(PURPOSE, "person", spine))
    names = sorted(found[0].columns)
    assert found[1].select(names).equals(found[0].select(names))
    assert found[1].get_column("receives_dibao").to_list() == [True, None, None]
