"""What a benefit reads: everything that could change its answer, and nothing else."""

from __future__ import annotations

import datetime as dt

import pytest

from features.facts.subjects import PERSON
from features.store.purposes import kept_views
from rules.catalogue import load_catalogue
from rules.reads import reads_of
from rules.rulebook import Rulebook
from serving import purposes
from serving.catalogues import shipped_catalogues
from serving.purposes import active_purposes
from serving.views import views_of

DAY = dt.date(2026, 3, 1)


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    found = load_catalogue(shipped_catalogues() / "cn").rulebook
    assert found is not None
    return found


def test_every_fact_that_may_be_missing_is_read(rulebook: Rulebook) -> None:
    """`missing` names facts by the plan's own list: a benefit that reads less could not name them."""
    reads = reads_of(rulebook, DAY)
    for benefit, plan in rulebook.in_force(DAY).items():
        if plan.variants:
            names = {name for name in plan.names if not name.startswith("$")}
            assert names <= {fact for _, fact in reads[benefit]}


def test_facts_are_of_the_kind_that_the_dictionary_says(rulebook: Rulebook) -> None:
    subjects, facts = rulebook.vocabulary.subjects, rulebook.vocabulary.dictionary.facts
    for reads in reads_of(rulebook, DAY).values():
        for kind, fact in reads:
            assert (kind == PERSON and fact in subjects.links) or facts[fact].subject == kind


def test_a_relation_is_read_by_all_its_links(rulebook: Rulebook) -> None:
    """Children are those whose mother or father one is: both columns are read."""
    mothers = [benefit for benefit, reads in reads_of(rulebook, DAY).items() if (PERSON, "mother_id") in reads]
    assert mothers
    assert all((PERSON, "father_id") in reads_of(rulebook, DAY)[benefit] for benefit in mothers)


def test_no_benefit_reads_everything(rulebook: Rulebook) -> None:
    whole = len(rulebook.vocabulary.dictionary.facts)
    assert max(len(reads) for reads in reads_of(rulebook, DAY).values()) < whole / 4


def test_benefits_not_in_force_read_nothing(rulebook: Rulebook) -> None:
    assert reads_of(rulebook, dt.date(1900, 1, 1)) == {}


def test_purposes_are_benefits_in_force_and_models(rulebook: Rulebook) -> None:
    found = active_purposes(rulebook, DAY, {"take_up": [(PERSON, "birth_date")]})
    assert found.get("model__take_up").reads == {(PERSON, "birth_date")}
    assert {name for name in found.by_name if name.startswith("benefit__")} == {
        f"benefit__{benefit}" for benefit in reads_of(rulebook, DAY)
    }


class _Declared:
    """A model in service that reads one fact that no benefit reads."""

    id = "take_up"

    def __init__(self, reads: list[tuple[str, str]]) -> None:
        self.reads = reads


def test_a_fact_is_kept_from_the_day_a_model_in_service_reads_it(
    rulebook: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acceptance row 17: what no active benefit or model reads is not materialised."""
    views = views_of(rulebook.vocabulary)
    before = active_purposes(rulebook, DAY)
    unread = [(view.kind, fact) for view in views for fact in view.facts if (view.kind, fact) not in before.reads]
    assert unread
    assert set(unread).isdisjoint((view.kind, fact) for view in kept_views(views, before) for fact in view.facts)
    monkeypatch.setattr(purposes, "ACTIVE_MODELS", (_Declared(unread[:1]),))
    after = active_purposes(rulebook, DAY)
    kept = {(view.kind, fact) for view in kept_views(views, after) for fact in view.facts}
    assert set(unread) & kept == set(unread[:1])
    assert after.get("model__take_up").reads == set(unread[:1])
