"""An explanation from dossiers is the one from the history, byte for byte, for everybody and every benefit."""

from __future__ import annotations

import json
from collections.abc import Collection

import pytest

from explain.compose import Explainer
from explain.records import as_json
from features.history.history import History
from serving.evaluation import sound_rulebook
from serving.sweep.dossiers.content import Dossier, Dossiers
from serving.sweep.dossiers.explaining import DossierExplainer
from serving.sweep.dossiers.making import Making
from serving.sweep.identities import UnifiedHistory
from serving.sweep.one_subject import explained
from tests.gates.gappy_city import KNOWN_AT, ON_DATE, gappy_city
from tests.sweep_world import cn_catalogue

PERSONS = 60
CATALOGUE = cn_catalogue()
RULEBOOK = sound_rulebook(CATALOGUE)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return gappy_city(tmp_path_factory.mktemp("dossiers") / "history", RULEBOOK.vocabulary, PERSONS, 3)


def test_it_is_the_explanation_from_the_history(history: History) -> None:
    unified = UnifiedHistory(history)
    making = Making(unified, RULEBOOK, ON_DATE, KNOWN_AT)
    stored = {
        (kind, subject): dossier.written()
        for kind, ids in making.ids.items()
        for subject, dossier in making.of(kind, ids)
    }

    def load(wanted: Collection[tuple[str, str]]) -> Dossiers:
        return {key: Dossier.read(stored[key]) for key in wanted if key in stored}

    explainer = Explainer(CATALOGUE, RULEBOOK)
    fast = DossierExplainer(explainer, ON_DATE, KNOWN_AT)
    compared = 0
    for (kind, subject), content in stored.items():
        dossier = Dossier.read(content)
        if not dossier.listed:
            continue
        for number, benefit in enumerate(fast.rulebook.benefits):
            if fast.rulebook.benefits[benefit].benefit.subject != kind or (number + compared) % 23:
                compared += fast.rulebook.benefits[benefit].benefit.subject == kind
                continue
            found = as_json(fast.explained(benefit, subject, load))
            expected = as_json(explained(explainer, unified, benefit, subject, ON_DATE, KNOWN_AT))
            assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True), (kind, subject, benefit)
            compared += 1
    assert compared > 500
