"""A run is recorded whole, in a local MLflow and on a tracking server, and what it holds is text."""

from __future__ import annotations

import datetime as dt
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.lifecycle.limits import load_limits
from models.lifecycle.loading import LocalModels, Mode, load_champion
from models.lifecycle.promoting import promote
from models.lifecycle.reference import read_reference
from models.lifecycle.registry import CHALLENGER, CHAMPION, Registry
from models.lifecycle.settings import LifecycleSettings, read_settings
from models.lifecycle.training import Trained, train
from models.observed.inputs import why_banned
from models.trees import matrix
from tests.unit.models.offers import SMALL, made_offers

DAY = dt.date(2026, 3, 1)
ROWS = made_offers(5_000)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def trained(home: Path) -> Trained:
    return train(ROWS, load_limits(), home / "new", home / "rows", DAY, SMALL)


def test_the_card_tells_everything_in_both_languages_and_of_nobody(trained: Trained) -> None:
    card = json.loads((trained.folder / "card.json").read_text(encoding="utf-8"))
    assert card["metrics"]["auc"]["low"] < card["metrics"]["auc"]["value"] < card["metrics"]["auc"]["high"]
    assert [feature["name"] for feature in card["features"]] == list(ROWS.features)
    assert {line["axis"] for line in card["groups"]} == {"all", "sex", "age", "sex × age"}
    assert card["limits_sha256"] == load_limits().digest
    for language, word in (("zh", "不得用于"), ("en", "What it must not be used for")):
        text = (trained.folder / f"card.{language}.md").read_text(encoding="utf-8")
        assert word in text
        assert all(f"`{name}`" in text for name in ROWS.features)
        assert "p17" not in text


def test_the_same_rows_and_seed_give_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    again = train(ROWS, load_limits(), tmp_path / "new", tmp_path / "rows", DAY, SMALL)
    for path in sorted(path for path in again.folder.rglob("*") if path.is_file()):
        assert path.read_bytes() == (trained.folder / path.relative_to(again.folder)).read_bytes(), path.name


def test_nothing_is_pickled_and_the_reference_holds_shares_only(trained: Trained) -> None:
    suffixes = {path.suffix for path in trained.folder.rglob("*") if path.is_file()}
    assert suffixes <= {".txt", ".json", ".md", ""}
    reference = read_reference(trained.folder)
    assert all(len(shares) <= 10 for shares in reference.shares.values())


def check(registry: Registry, local: LocalModels, home: Path, trained: Trained) -> None:
    """Record, look, promote, look again."""
    recorded = registry.record(trained)
    assert registry.find("take_up", CHALLENGER) == recorded
    assert (recorded.sha256, dict(recorded.needs)) == (trained.card.sha256, ROWS.directions)
    promote("take_up", registry, local, home / "rows", load_limits(), why_banned, ROWS.directions)
    assert registry.find("take_up", CHALLENGER) is None
    champion = registry.find("take_up", CHAMPION)
    assert champion is not None
    assert champion.sha256 == trained.card.sha256
    standing = load_champion("take_up", registry, local)
    assert (standing.mode, standing.sha256) == (Mode.CHAMPION, trained.card.sha256)


def test_a_local_registry_keeps_the_run_with_parameters_dataset_and_metrics(home: Path, trained: Trained) -> None:
    settings = read_settings(home, {})
    check(Registry(settings), LocalModels(home / "verified"), home, trained)
    from mlflow.lightgbm import load_model  # noqa: PLC0415 seconds, and only here
    from mlflow.tracking import MlflowClient  # noqa: PLC0415 as above

    client = MlflowClient(settings.tracking)
    version = client.get_model_version_by_alias("take_up", CHAMPION)
    run = client.get_run(version.run_id)
    assert run.data.params["dataset_sha256"] == trained.card.dataset_sha256
    assert run.data.params["limits_sha256"] == load_limits().digest
    assert run.data.metrics["auc_low"] < run.data.metrics["auc"]
    assert [used.dataset.digest for used in run.inputs.dataset_inputs] == [trained.card.dataset_sha256[:36]]
    assert {tag for tag in version.tags if tag.startswith("gate.")} >= {"gate.groups", "gate.dominance"}
    plain = load_model(version.source)
    rows = matrix(ROWS.frame.head(50), trained.model.columns)
    raw = plain.predict(rows, raw_score=True, num_threads=1)
    assert np.array_equal(raw, trained.model.trees.log_odds(ROWS.frame.head(50)))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A tracking server of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}", "--artifacts-destination", str(tmp_path / "art"),
    ]  # fmt: skip
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.long
def test_a_tracking_server_keeps_the_same(server: str, home: Path, trained: Trained, tmp_path: Path) -> None:
    check(Registry(LifecycleSettings(tmp_path, server)), LocalModels(tmp_path / "verified"), home, trained)
