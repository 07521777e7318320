"""Two ids that are one person; one id that was two."""

from __future__ import annotations

import polars as pl

from features.events.identity import Identities, identities, unified
from tests.unit.features.events.worlds import china


def persons(**columns: list[object]) -> dict[str, pl.DataFrame]:
    texts = {name: pl.String for name in columns if name not in ("deceased", "birth_date")}
    return {"person": pl.DataFrame(columns, schema_overrides=texts)}


def test_a_chain_of_merges_leads_to_the_last_id() -> None:
    known = identities(persons(id=["a", "b", "c"], merged_into=["b", "c", None]))
    assert known.current("a") == known.current("b") == "c"
    assert known.ids_of("b") == ["c", "a", "b"]


def test_ids_merged_into_one_another_are_taken_for_nobody_else() -> None:
    known = identities(persons(id=["a", "b", "x"], merged_into=["b", "a", "a"]))
    assert known.kept == {}
    assert known.circular == {"a", "b", "x"}


def test_records_of_one_person_are_brought_together() -> None:
    tables = persons(
        id=["a", "old", "child"],
        merged_into=[None, "a", None],
        mother_id=[None, "m", "old"],
        sex=["male", "female", "male"],
        hukou_area=[None, "440303", None],
    )
    whole = unified(tables, identities(tables), china().vocabulary)["person"]
    assert whole.select("id", "mother_id", "sex", "hukou_area").rows() == [
        ("a", "m", None, "440303"),
        ("child", "a", "male", None),
    ]


def test_what_is_withheld_under_one_id_is_withheld_whatever_another_says() -> None:
    tables = persons(
        id=["a", "old", "b"], merged_into=[None, "a", None], sex=[None, "male", "male"],
        hukou_area=["440303", None, "440303"],
    )  # fmt: skip
    whole = unified(tables, identities(tables), china().vocabulary, {"a": {"sex"}})["person"]
    assert whole.select("id", "sex", "hukou_area").rows() == [("a", None, "440303"), ("b", "male", "440303")]


def test_a_person_whose_kept_id_no_register_has_yet_is_not_lost() -> None:
    tables = persons(id=["old"], merged_into=["new"], sex=["male"])
    assert unified(tables, identities(tables), china().vocabulary)["person"].select("id", "sex").rows() == [
        ("new", "male")
    ]


def test_tables_without_merges_stay_as_they_are() -> None:
    tables = persons(id=["a"], merged_into=[None])
    assert unified(tables, identities(tables), china().vocabulary) is tables
    assert identities({}) == Identities({}, {}, frozenset())


def test_old_grants_follow_and_a_double_one_is_for_a_human() -> None:
    known = Identities({"old": "a"}, {}, frozenset())
    grants = pl.DataFrame({"id": ["a", "old", "old", "b"], "benefit": ["x", "x", "y", "x"], "month": ["2026-03"] * 4})
    assert known.doubled(grants).rows() == [("a", "x", "2026-03", "a"), ("old", "x", "2026-03", "a")]


def test_an_id_that_was_two_persons_is_shared() -> None:
    known = identities(persons(id=["x", "y"], split_from=[None, "x"]))
    assert known.origin == {"y": "x"}
    assert known.shared == {"x"}
