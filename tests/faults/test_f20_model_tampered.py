"""F20: a byte of a model is not what was promoted. It is refused, with an alarm, and the rules order alone."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest

from models.fitted import MODEL_FILE, TREES_FILE
from models.lifecycle.loading import LocalModels, Mode, load_champion
from models.lifecycle.registry import CHAMPION, Registry
from models.lifecycle.settings import LifecycleSettings
from tests.faults.promoted import Life, promoted_life

MODEL = "take_up"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return promoted_life(tmp_path_factory.mktemp("life"))


@pytest.fixture
def local(life: Life, tmp_path: Path) -> LocalModels:
    """A copy of the verified models, to be altered."""
    shutil.copytree(life.local.folder, tmp_path / "verified")
    return LocalModels(tmp_path / "verified")


def flip(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("place", [0.0, 0.25, 0.5, 0.75, 0.999])
@pytest.mark.parametrize("file", [TREES_FILE, MODEL_FILE])
def test_a_flipped_byte_is_refused_with_an_alarm(
    life: Life, local: LocalModels, file: str, place: float, caplog: pytest.LogCaptureFixture
) -> None:
    flip(local.place(MODEL, life.sha256) / file, place)
    standing = load_champion(MODEL, life.registry, local)
    assert (standing.mode, standing.model, standing.alarm) == (Mode.RULES_ONLY, None, True)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_flipped_byte_is_refused_too_while_the_registry_is_away(life: Life, local: LocalModels) -> None:
    flip(local.place(MODEL, life.sha256) / TREES_FILE, 0.5)
    away = Registry(LifecycleSettings(life.folder, "http://127.0.0.1:9"))
    standing = load_champion(MODEL, away, local)
    assert (standing.mode, standing.alarm) == (Mode.RULES_ONLY, True)


def test_a_byte_flipped_in_the_registry_is_refused_by_a_new_machine(life: Life, tmp_path: Path) -> None:
    recorded = life.registry.find(MODEL, CHAMPION)
    assert recorded is not None
    artifacts = Path(recorded.source.removeprefix("file://")) / TREES_FILE
    untouched = artifacts.read_bytes()
    flip(artifacts, 0.5)
    try:
        elsewhere = LocalModels(tmp_path / "verified")
        standing = load_champion(MODEL, life.registry, elsewhere)
        assert (standing.mode, standing.alarm) == (Mode.RULES_ONLY, True)
        assert elsewhere.last_verified(MODEL) is None
    finally:
        artifacts.write_bytes(untouched)


@pytest.mark.parametrize("mark", ["", "{", "[]", json.dumps({"sha256": "0" * 64})])
def test_a_mark_that_was_altered_is_refused_while_the_registry_is_away(
    life: Life, local: LocalModels, mark: str
) -> None:
    (local.folder / MODEL / "champion.json").write_text(mark, encoding="utf-8")
    away = Registry(LifecycleSettings(life.folder, "http://127.0.0.1:9"))
    standing = load_champion(MODEL, away, local)
    assert (standing.mode, standing.model, standing.alarm) == (Mode.RULES_ONLY, None, True)
