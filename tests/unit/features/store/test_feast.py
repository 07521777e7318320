"""Feast itself over our definitions and our online store, through Feast's own calls."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from feast import FeatureService, FeatureStore

from features.facts.encoding import ID
from features.history.records import TRUE_FROM, WITHDRAWN
from features.store.columns import EVENT, LEARNED, ROW_ATTESTED, ROW_STATUS, key_column
from features.store.definitions import Definitions, check_service, define, service
from features.store.errors import PurposeError, StoreError
from features.store.feast_store import close_store, configure, open_store, snapshot_file, sources
from features.store.filling import OnlineFiller
from features.store.online_store import SubjectOnlineStore, reading_on
from features.store.places import open_place, place_name
from features.store.purposes import Purposes, kept_views
from features.store.reading import OnlineFacts
from features.store.settings import StoreSettings
from features.store.timelines import timeline
from tests.unit.features.store.histories import CN, HOUSES, READS, VIEWS, WORK, day, deliver, empty_history, moment
from tests.unit.features.store.histories import purposes as the_purposes

WORK_VIEW = "human_resources_social_security__insured"
_NAMES = itertools.count(1)


@pytest.fixture
def settings(online: tuple[str, str], tmp_path: Path) -> Iterator[StoreSettings]:
    made = StoreSettings(tmp_path, online=online[0], project=f"project_{next(_NAMES)}")
    yield made
    place = open_place(made.online, place_name(made))
    place.drop()
    place.close()


def definitions(settings: StoreSettings, purposes: Purposes | None = None) -> Definitions:
    return define(CN, VIEWS, purposes or the_purposes(), sources(settings, settings.folder))


@pytest.fixture
def store(settings: StoreSettings) -> Iterator[FeatureStore]:
    opened = open_store(configure(settings), definitions(settings))
    yield opened
    close_store(opened)


def write(store: FeatureStore, event: int, learned: int, area: str | None, status: str = "stated") -> None:
    """One row of one person through Feast."""
    row: dict[str, Any] = {
        key_column("person"): ["p1"],
        EVENT: [pd.Timestamp(day(event), tz="UTC").as_unit("us")],
        LEARNED: [pd.Timestamp(moment(learned)).as_unit("us")],
        "insured_area": pd.Series([area], dtype="string"),
        "contributed_months": pd.Series([None], dtype=object),
        "pension_contribution_years": pd.Series([None], dtype="Int64"),
        ROW_STATUS: [status],
        ROW_ATTESTED: pd.Series([(day(event) - dt.date(1970, 1, 1)).days], dtype="int32"),
        "row_true_from": pd.Series([None], dtype="Int32"),
        "row_learned_at": pd.Series([None], dtype="Int64"),
    }
    store.write_to_online_store(WORK_VIEW, pd.DataFrame(row))


def read(store: FeatureStore, on_day: int, subject: str = "p1") -> tuple[str, Any]:
    """Feast's status and value of the person's insured area."""
    with reading_on(day(on_day)):
        response = store.get_online_features(
            features=[f"{WORK_VIEW}:insured_area"], entity_rows=[{key_column("person"): subject}]
        )
    vector = response.proto.results[1]
    status = {0: "INVALID", 1: "PRESENT", 2: "NULL_VALUE", 3: "NOT_FOUND", 4: "OUTSIDE_MAX_AGE"}[vector.statuses[0]]
    return status, response.to_dict()["insured_area"][0]


def test_an_older_row_never_overwrites_a_newer_one(store: FeatureStore) -> None:
    write(store, event=10, learned=10, area="440112")
    write(store, event=5, learned=11, area="440100")
    assert read(store, 20) == ("PRESENT", "440112")
    assert read(store, 7) == ("PRESENT", "440100")


def test_a_correction_of_the_same_day_counts_and_an_older_word_on_it_does_not(store: FeatureStore) -> None:
    write(store, event=10, learned=10, area="440112")
    write(store, event=10, learned=12, area="440100")
    assert read(store, 20) == ("PRESENT", "440100")
    write(store, event=10, learned=11, area="440112")
    assert read(store, 20) == ("PRESENT", "440100")


def test_now_unknown_can_be_pushed(store: FeatureStore) -> None:
    write(store, event=10, learned=10, area="440112")
    write(store, event=12, learned=12, area=None)
    assert read(store, 20) == ("PRESENT", None)


def test_what_is_withdrawn_lets_the_row_before_speak(store: FeatureStore) -> None:
    write(store, event=5, learned=5, area="440100")
    write(store, event=10, learned=10, area="440112")
    write(store, event=10, learned=12, area=None, status=WITHDRAWN)
    assert read(store, 20) == ("PRESENT", "440100")


def test_an_absent_subject_is_not_found_and_a_null_is_present(store: FeatureStore) -> None:
    write(store, event=10, learned=10, area=None)
    assert read(store, 20) == ("PRESENT", None)
    assert read(store, 20, "nobody") == ("NOT_FOUND", None)
    assert read(store, 9) == ("NOT_FOUND", None)


def test_a_value_that_is_too_old_is_no_value(store: FeatureStore) -> None:
    write(store, event=0, learned=0, area="440112")
    assert read(store, 90) == ("PRESENT", "440112")
    assert read(store, 91) == ("PRESENT", None)


def test_a_read_that_names_no_day_is_refused(store: FeatureStore) -> None:
    with pytest.raises(StoreError, match="names its day"):
        store.get_online_features([f"{WORK_VIEW}:insured_area"], [{key_column("person"): "p1"}])


def test_feast_reads_what_was_filled_from_the_history(settings: StoreSettings, store: FeatureStore) -> None:
    history = empty_history(settings.folder / "history")
    deliver(history, WORK, 0, [{ID: "p1", TRUE_FROM: day(0), "insured_area": "440112", "contributed_months": [24_288]}])
    deliver(history, HOUSES, 0, [{ID: "h1", TRUE_FROM: day(0), "household_size": 4}])
    place = open_place(settings.online, place_name(settings))
    kept = kept_views(VIEWS, the_purposes())
    OnlineFiller(place, history, CN, kept).fill(moment(0))
    with reading_on(day(1)):
        found = store.get_online_features(
            features=store.get_feature_service("benefit__work"), entity_rows=[{key_column("person"): "p1"}]
        ).to_dict()
    assert (found["insured_area"], found["contributed_months"]) == (["440112"], [[24_288]])
    own = OnlineFacts(place, CN, the_purposes(), kept).read("benefit__work", "person", ["p1"], day(1))["p1"]
    assert {name: getattr(fact.holding, "value", None) for name, fact in own.facts.items()} == {
        "insured_area": "440112",
        "contributed_months": frozenset({24_288}),
    }
    place.close()


def test_feast_reads_nothing_that_is_withheld(settings: StoreSettings, store: FeatureStore) -> None:
    """Not what was filled, and not what an event brings afterwards."""
    history = empty_history(settings.folder / "history")
    deliver(history, WORK, 0, [{ID: "p1", TRUE_FROM: day(0), "insured_area": "440112"}])
    history.withholding.withhold("person", "p1", "insured_area", "citizen", moment(1))
    place = open_place(settings.online, place_name(settings))
    OnlineFiller(place, history, CN, kept_views(VIEWS, the_purposes())).fill(moment(1))
    place.close()
    assert read(store, 2) == ("PRESENT", None)
    write(store, event=3, learned=3, area="440100")
    assert read(store, 4) == ("PRESENT", None)


def test_feast_materializes_a_snapshot_into_our_store(settings: StoreSettings, store: FeatureStore) -> None:
    """The stock way in works too: `materialize` from the Parquet files of a snapshot."""
    history = empty_history(settings.folder / "history")
    row = {ID: "p1", TRUE_FROM: day(0), "insured_area": "440112", "contributed_months": [24_288]}
    deliver(history, WORK, 0, [row])
    for view in definitions(settings).views.values():
        timeline(history.rows_stated(view.id, moment(5)), view, CN).write_parquet(snapshot_file(settings.folder, view))
    store.materialize(moment(-1000), moment(1), feature_views=[WORK_VIEW])
    assert read(store, 1) == ("PRESENT", "440112")


def test_entities_views_and_services_are_those_of_the_dictionary_and_the_purposes(settings: StoreSettings) -> None:
    made = definitions(settings)
    assert sorted(made.entities) == ["household", "person"]
    assert {view.tags["register"] for view in made.feature_views.values()} == {view.register for view in VIEWS}
    assert sorted(made.services) == sorted(READS)
    for name, found in made.services.items():
        held = {(kind, fact) for kind, fact in _read_by(found, made)}
        assert held == set(READS[name])


def _read_by(found: FeatureService, made: Definitions) -> Iterator[tuple[str, str]]:
    kinds = {view.name: view.tags["kind"] for view in made.feature_views.values()}
    for projection in found.feature_view_projections:
        for field in projection.features:
            if not field.name.startswith("row_"):
                yield kinds[projection.name], field.name


def test_a_service_that_would_hold_more_than_its_benefit_reads_is_refused(settings: StoreSettings) -> None:
    """Acceptance row 17, and the article of law is named."""
    made = definitions(settings)
    work = made.purposes.get("benefit__work")
    with pytest.raises(PurposeError, match=r"person\.birth_date.*Personal Information Protection Law.*art\. 6"):
        service(work, made.views.values(), made.feature_views, [*work.reads, ("person", "birth_date")])
    wide = FeatureService(name="benefit__work", features=[made.feature_views[WORK.id]])
    with pytest.raises(PurposeError, match="pension_contribution_years"):
        check_service(wide, made)


def test_a_fact_that_nothing_active_reads_is_in_no_view(settings: StoreSettings) -> None:
    """Acceptance row 17: a fact no active rule or model reads is not materialised."""
    few = the_purposes({"benefit__work": [("person", "insured_area")]})
    made = definitions(settings, few)
    assert list(made.feature_views) == [WORK.id]
    assert [f.name for f in made.feature_views[WORK.id].features if not f.name.startswith("row_")] == ["insured_area"]


@pytest.mark.parametrize(
    ("fact", "law"),
    [
        ("face_template", r"Personal Information Protection Law, art\. 28"),
        ("conduct_score", "国办发〔2020〕49号"),
        ("religion", r"Personal Information Protection Law, art\. 28"),
        ("ethnic_group", r"Constitution of the PRC, art\. 4"),
        ("nationality", r"Personal Information Protection Law, art\. 24"),
    ],
)
def test_a_model_that_would_read_a_forbidden_input_is_refused(fact: str, law: str) -> None:
    """Acceptance row 18."""
    with pytest.raises(StoreError, match=law):
        Purposes.of({"model__need": [("person", fact)]}, CN)


def test_a_fact_without_owner_and_legal_basis_is_refused() -> None:
    with pytest.raises(StoreError, match=r"no owner and no legal basis\..*art\. 9\).*art\. 13 and 34\)"):
        Purposes.of({"model__need": [("household", "birth_date")]}, CN)


def test_what_is_no_longer_read_leaves_the_registry(settings: StoreSettings, store: FeatureStore) -> None:
    few = the_purposes({"benefit__work": [("person", "insured_area")]})
    close_store(open_store(configure(settings), definitions(settings, few)))
    again = FeatureStore(config=configure(settings))
    assert [view.name for view in again.list_feature_views()] == [WORK_VIEW]
    assert [found.name for found in again.list_feature_services()] == ["benefit__work"]
    close_store(again)


def test_nothing_is_reported_to_anybody(settings: StoreSettings) -> None:
    config = configure(settings)
    assert config.online_store.type == f"{SubjectOnlineStore.__module__}.{SubjectOnlineStore.__name__}"
    for reporter in ("openlineage", "mlflow"):
        found = getattr(config, reporter, None)
        assert found is None or not found.enabled
