"""The same definitions over other stores: a setting, no change of code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from feast import FeatureStore

from features.facts.encoding import ID
from features.history.records import TRUE_FROM
from features.store.definitions import define
from features.store.errors import StoreError
from features.store.feast_store import close_store, configure, open_store, sources
from features.store.settings import StoreSettings, online_choice, read_settings
from features.store.training import TrainingSets
from tests.unit.features.store.histories import (
    AID,
    CN,
    HUKOU,
    READS,
    VIEWS,
    WORK,
    day,
    deliver,
    empty_history,
    moment,
    purposes,
)

EMBEDDED = "postgresql://embedded/facts"


def test_without_a_word_everything_is_embedded(tmp_path: Path) -> None:
    found = read_settings(tmp_path, EMBEDDED, {})
    assert found == StoreSettings(tmp_path, EMBEDDED, "files", "files", "applyfree")


def test_the_environment_is_stronger_than_the_file_and_the_file_than_the_default(tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text('online = "redis://cache/0"\noffline = "spark"\n', encoding="utf-8")
    found = read_settings(tmp_path, EMBEDDED, {"APPLYFREE_ONLINE_STORE": "postgresql://db/facts"})
    assert (found.online, found.offline, found.registry) == ("postgresql://db/facts", "spark", "files")


def test_an_online_store_is_set_up_only_where_somebody_says_so(tmp_path: Path) -> None:
    assert online_choice(tmp_path, {}) is None
    (tmp_path / "store.toml").write_text('online = "embedded"\n', encoding="utf-8")
    assert online_choice(tmp_path, {}) == "embedded"
    assert read_settings(tmp_path, EMBEDDED, {}).online == EMBEDDED
    assert online_choice(tmp_path, {"APPLYFREE_ONLINE_STORE": "redis://cache/0"}) == "redis://cache/0"


def test_what_is_no_setting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text('onlin = "redis://cache/0"\n', encoding="utf-8")
    with pytest.raises(StoreError, match="`onlin` is not a setting"):
        read_settings(tmp_path, EMBEDDED, {})


@pytest.mark.parametrize("role", ["offline", "online", "registry"])
def test_an_address_of_no_known_kind_is_refused_and_not_shown(tmp_path: Path, role: str) -> None:
    addresses: dict[str, Any] = {"online": EMBEDDED, role: "mysql://root:secret@db"}
    with pytest.raises(StoreError, match=f"`{role}`") as caught:
        StoreSettings(tmp_path, **addresses)
    assert "secret" not in str(caught.value)


def test_training_sets_are_the_same_from_a_postgresql_offline_store(postgres: str, tmp_path: Path) -> None:
    history = empty_history(tmp_path / "history")
    deliver(history, HUKOU, 0, [{ID: "p1", TRUE_FROM: day(0), "hukou_area": "440100", "household_id": "h1"}])
    deliver(history, AID, 1, [{ID: "p1", TRUE_FROM: day(1), "receives_dibao": True, "own_assistance_month": 2**40}])
    months = {"contributed_months": [24_288, 24_290], "insured_area": "440112"}
    deliver(history, WORK, 2, [{ID: "p1", TRUE_FROM: day(2), **months}])
    spine = pl.DataFrame({ID: ["p1", "nobody", "p1"], "on_date": [day(3), day(3), day(500)]})
    answers: list[dict[str, pl.DataFrame]] = []
    for offline in ("files", postgres):
        settings = StoreSettings(tmp_path, online=EMBEDDED, offline=offline)
        with TrainingSets(settings, history, CN, purposes()).at(moment(2)) as snapshot:
            found = {purpose: snapshot.read(purpose, "person", spine) for purpose in READS}
        answers.append({purpose: table.select(sorted(table.columns)) for purpose, table in found.items()})
    for purpose in READS:
        assert answers[0][purpose].equals(answers[1][purpose])
    assert answers[0]["benefit__work"].get_column("contributed_months").to_list() == [[24_288, 24_290], None, None]


def test_the_registry_may_be_a_database(postgres: str, tmp_path: Path) -> None:
    settings = StoreSettings(tmp_path, online=postgres, registry=postgres, project="registered")
    made = define(CN, VIEWS, purposes(), sources(settings, tmp_path))
    close_store(open_store(configure(settings), made))
    again = FeatureStore(config=configure(settings))
    assert sorted(found.name for found in again.list_feature_services()) == sorted(READS)
    close_store(again)
