"""F19: the model registry is down, or the model is missing: the last verified model, or the rules alone."""

from __future__ import annotations

import socket
from pathlib import Path

import polars as pl
import pytest

from models.lifecycle.loading import LocalModels, Mode, load_champion
from models.lifecycle.registry import Registry
from models.lifecycle.settings import LifecycleSettings
from tests.faults.promoted import Life, promoted_life

MODEL = "take_up"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return promoted_life(tmp_path_factory.mktemp("life"))


@pytest.fixture
def away(life: Life) -> Registry:
    """A tracking server of which nothing but the address is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Registry(LifecycleSettings(life.folder, f"http://127.0.0.1:{port}"))


def test_the_champion_is_used_while_the_registry_answers(life: Life) -> None:
    standing = load_champion(MODEL, life.registry, life.local)
    assert (standing.mode, standing.sha256, standing.alarm) == (Mode.CHAMPION, life.sha256, False)


def test_a_new_machine_fetches_the_champion_and_verifies_it(life: Life, tmp_path: Path) -> None:
    elsewhere = LocalModels(tmp_path / "verified")
    assert load_champion(MODEL, life.registry, elsewhere).mode is Mode.CHAMPION
    assert elsewhere.last_verified(MODEL) == life.sha256


def test_registry_away_the_last_verified_model_scores_the_same(life: Life, away: Registry) -> None:
    before = load_champion(MODEL, life.registry, life.local)
    standing = load_champion(MODEL, away, life.local)
    assert (standing.mode, standing.sha256) == (Mode.LAST_VERIFIED, life.sha256)
    assert "did not answer" in standing.says
    assert before.model is not None
    assert standing.model is not None
    assert standing.model.score(life.rows).tolist() == before.model.score(life.rows).tolist()


def test_registry_away_and_no_model_here_leaves_the_rules_alone_and_alarms(away: Registry, tmp_path: Path) -> None:
    standing = load_champion(MODEL, away, LocalModels(tmp_path / "nothing"))
    assert (standing.mode, standing.model, standing.alarm) == (Mode.RULES_ONLY, None, True)


def test_a_registry_without_a_champion_leaves_the_rules_alone(life: Life) -> None:
    standing = load_champion("second_look", life.registry, life.local)
    assert (standing.mode, standing.model, standing.alarm) == (Mode.RULES_ONLY, None, False)


def test_without_a_model_everybody_is_still_in_the_queue_in_the_order_of_the_rules(life: Life) -> None:
    scored, plain = life.queue(with_model=True), life.queue(with_model=False)
    said = ["subject", "id", "benefit", "outcome", "amount_low", "amount_high", "missing"]
    assert isinstance(plain, pl.DataFrame)
    assert scored.select(said).sort("id", "benefit").equals(plain.select(said).sort("id", "benefit"))
    assert scored.get_column("id").to_list() != plain.get_column("id").to_list()
