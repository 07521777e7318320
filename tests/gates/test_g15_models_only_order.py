"""G15, and promise 3 of the design: take every model away, and not one determination changes; only the order does."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from features.documents import Findings
from features.facts.vocabulary import load_vocabulary
from models.errors import ModelsError
from models.missing_evidence.training import NAME
from models.outreach.objective import load_objective
from models.outreach.queue import in_order, needs_of
from models.outreach.worth import KEY, PROBABILITY, expected_entitlements, facts_to_ask
from serving import model_life
from serving.casework.queues import desk_in, waiting
from serving.evidence import latest_sweep, order_cases, queue_of, train
from tests.city_world import write_city
from tests.delivered_city import City, room_for, stands
from tests.faults.promoted import Life, promoted_life

DAY = dt.date(2026, 3, 1)
CN = load_vocabulary("cn", Findings())
WITHOUT = ("models", "lightgbm", "mlflow", "shap", "fairlearn", "sklearn")
ANSWER = """
import datetime as dt, sys
from pathlib import Path

class Removed:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {without!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Removed())
from serving.catalogues import open_catalogues, shipped_catalogues
from serving.evaluation import Engine, pose, write_answers

question = pose(open_catalogues(shipped_catalogues() / "cn"), Path({facts!r}), dt.date(2026, 3, 1))
write_answers(question, Engine.BATCH, Path({out!r}))
assert not any(name.split(".")[0] in {without!r} for name in sys.modules), "a model was loaded"
"""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return promoted_life(tmp_path_factory.mktemp("life"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The facts of a small town, gaps and all."""
    folder = tmp_path_factory.mktemp("town")
    write_city(folder, 600, DAY)
    return folder


def answers(town: Path, out: Path, without: tuple[str, ...]) -> bytes:
    code = ANSWER.format(without=without, facts=str(town), out=str(out))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    return out.read_bytes()


@pytest.fixture(scope="module")
def determined(town: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("answers")
    out = folder / "answers.parquet"
    with_models = answers(town, folder / "with.parquet", ())
    assert with_models == answers(town, out, WITHOUT)  # byte for byte
    return pl.read_parquet(out)


def test_removing_every_model_changes_no_determination(determined: pl.DataFrame) -> None:
    outcomes = determined.get_column("outcome").value_counts().rows()
    assert {outcome for outcome, _ in outcomes} == {"eligible", "ineligible", "undetermined"}


SITE = """
import sys

class Removed:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {without!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Removed())
"""
CITY = """
import datetime as dt
from pathlib import Path
from serving.catalogues import open_catalogues, shipped_catalogues
from serving.city_day import run_day

if __name__ == "__main__":
    catalogue = open_catalogues(shipped_catalogues() / "cn")[0]
    run_day(catalogue, 400, 3, dt.date(2026, 3, 1), Path({folder!r}), lambda *_: None)
"""


def city_answers(folder: Path, without: tuple[str, ...]) -> bytes:
    """The sample city's day, from departments' files to stored determinations, in processes that lack some packages."""
    site = folder / "site"
    site.mkdir(parents=True)
    (site / "sitecustomize.py").write_text(SITE.format(without=without), encoding="utf-8")  # workers read it too
    script = folder / "day.py"
    script.write_text(CITY.format(folder=str(folder / "day")), encoding="utf-8")
    root = Path(__file__).parents[2]
    paths = {"PYTHONPATH": os.pathsep.join((str(site), str(root)))}
    subprocess.run([sys.executable, str(script)], check=True, cwd=root, env={**os.environ, **paths})  # noqa: TID251
    return (folder / "day" / "answers.csv").read_bytes()


@pytest.mark.long
def test_the_sample_city_is_answered_the_same_without_any_model(tmp_path: Path) -> None:
    with_models = city_answers(tmp_path / "with", ())
    assert with_models.count(b"\n") > 5_000
    assert with_models == city_answers(tmp_path / "without", WITHOUT)


def queues(determined: pl.DataFrame, life: Life) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The queue as a model orders it, and as the rules alone do."""
    objective = load_objective()
    needs = needs_of({}, objective, CN)
    waiting = determined.filter(pl.col("missing").list.len() > 0)
    some = life.rows.sample(waiting.height, with_replacement=True, seed=1)
    standing = life.standing()
    assert standing.model is not None
    scores = waiting.select(*KEY, "benefit").with_columns(pl.Series(PROBABILITY, standing.model.score(some)))
    ordered = [
        in_order(
            expected_entitlements(determined, given, objective).with_columns(deadline=pl.col("next_change")),
            needs, objective, DAY,
        )
        for given in (scores, None)
    ]  # fmt: skip
    return ordered[0], ordered[1]


def test_the_model_changes_the_order_and_nobody_enters_leaves_or_is_answered_otherwise(
    determined: pl.DataFrame, life: Life
) -> None:
    by_model, by_rules = queues(determined, life)
    said = [name for name in determined.columns if name in by_model.columns]
    assert set(determined.columns) == set(said)
    assert by_model.height == by_rules.height > 100
    by = ["subject", "id", "benefit"]
    assert by_model.select(said).sort(by).equals(by_rules.select(said).sort(by))
    assert by_model.select(by).rows() != by_rules.select(by).rows()
    assert not by_model.get_column("outcome").is_in(["ineligible"]).any()


def test_the_one_fact_is_asked_of_a_department_wherever_one_holds_it(determined: pl.DataFrame) -> None:
    asked = facts_to_ask(expected_entitlements(determined, None, load_objective()), CN)
    assert asked.height > 50
    assert asked.select(KEY).is_duplicated().sum() == 0
    own = asked.filter(pl.col("ask") == "citizen").get_column("register").unique().to_list()
    assert own in ([], ["citizen_declaration"])


DELIVERED = """
import datetime as dt, json, sys
from pathlib import Path

if __name__ == "__main__":
    from serving.city_day import run_day
    from tests.delivered_city import DAY, SEED, opened, shipped_china, stands

    home, out = Path({home!r}), Path({out!r})
    run_day(shipped_china(), {persons}, SEED, DAY, home, lambda *_: None)
    with opened(home) as found:
        done = found.deliver()
        out.write_text(json.dumps([done.account(), stands(found)]))
    assert not any(name.split(".")[0] in {without!r} for name in sys.modules), "a model was loaded"
"""


def delivered_without_models(persons: int) -> tuple[dict[str, object], dict[str, str]]:
    """The same city made, swept and delivered where no model can be imported: what it came to, and how all stands."""
    root = Path(__file__).parents[2]
    with room_for(persons) as folder:
        site, home, out = folder / "site", folder / "home", folder / "out.json"
        site.mkdir()
        home.mkdir()
        (site / "sitecustomize.py").write_text(SITE.format(without=WITHOUT), encoding="utf-8")  # workers read it too
        script = folder / "delivered.py"
        text = DELIVERED.format(home=str(home), out=str(out), persons=persons, without=WITHOUT)
        script.write_text(text, encoding="utf-8")
        paths = {"PYTHONPATH": os.pathsep.join((str(site), str(root)))}
        subprocess.run([sys.executable, str(script)], check=True, cwd=root, env={**os.environ, **paths})  # noqa: TID251
        account, found = json.loads(out.read_text())
    return account, found


def in_queues(city: City) -> list[int]:
    """The cases that are open, in the order in which caseworkers meet them."""
    areas = city.opened.rulebook.vocabulary.areas
    (country,) = (code for code, area in areas.by_code.items() if area.parent is None)
    with city.opened.engine.connect() as connection:
        return [case.id for case in waiting(connection, desk_in(areas, country), limit=1_000_000)]


def ordered_by_models(city: City) -> int:
    """Models learn from the city's history and order its cases: how many have another place."""
    home, url = city.opened.home, city.opened.url
    swept = latest_sweep(home, url)
    try:
        train(home, swept, DAY)
        model_life.promote(home, NAME, swept.inputs.directions)
    except ModelsError:
        assert not city.is_whole  # so few people: donors order
    objective = load_objective()
    queue = queue_of(home, swept, objective)
    assert queue.scores.height > 0
    assert (queue.standing.model is not None) == city.is_whole
    return order_cases(home, url, queue, objective)


def test_removing_every_model_changes_no_tier_and_no_case_only_the_order_of_queues(city: City) -> None:
    by_rules, before = in_queues(city), stands(city.opened)
    changed = ordered_by_models(city)
    by_models = in_queues(city)
    assert changed == len(by_rules) > 0
    assert sorted(by_models) == sorted(by_rules)
    assert by_models != by_rules
    account, without = delivered_without_models(city.persons)
    assert stands(city.opened) == before == without
    assert city.done.account() == account
