"""Explanations: rows of SHAP contributions a second, one by one and in batch, and whole explanations of one person.

    python -m benchmarks.explanations
    python -m benchmarks.explanations --rows 1000000 --people 400 --out explanations.json

Contributions: LightGBM's own (`pred_contrib`), one row at a time as a page asks for them, and in batch against
`woodelf_explainer`, which is taken for the batch only where it agrees with LightGBM within 1e-5; rows of
which the sum misses the score by more are asked of LightGBM again. Both are grouped by fact
and checked to add up to the score. Explanations: of one person and one benefit, warm: clauses with their facts, missing
facts, nearest change, what comes next, contributions, and the citizen's page. Goals: 20 ms at the 99th percentile; a
million people scored with contributions in two minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.progress import track

from benchmarks.population import ON_DATE
from benchmarks.report import Figure, Result
from explain.audience import Audience
from explain.compose import Explainer
from explain.contributions import BATCH_TOLERANCE, Grouping, ModelColumn, repaired
from explain.render import render
from explain.wording import Language
from features.documents import Wording
from features.facts.encoding import population_of
from features.made.by_type import tables_by_type
from rules.catalogue import load_catalogue

Floats = npt.NDArray[np.float64]

COLUMNS = 24
TREES = 200
LEAVES = 15
TRAINED_ON = 20_000
CHUNK = 50_000
SINGLE_ROWS = 1_000
PERSONS = 3_000
PROCESSES = 2


def columns() -> list[ModelColumn]:
    """Twenty-four columns made from twelve facts of three registers."""
    return [
        ModelColumn(
            f"c{n}",
            f"fact{n // 2}",
            Wording(f"事实{n // 2}", f"fact {n // 2}"),
            f"r{n % 3}",
            Wording("登记", "register"),
        )
        for n in range(COLUMNS)
    ]


def inputs(rows: int, seed: int) -> Floats:
    """Figures with gaps, as a model sees them."""
    rng = np.random.default_rng([seed, 31])
    table = rng.gamma(2.0, 1.0, (rows, COLUMNS))
    table[rng.random((rows, COLUMNS)) < 0.1] = np.nan
    return table


def trained(leaves: int) -> lgb.Booster:
    """A model of the size in use."""
    table = inputs(TRAINED_ON, 1)
    known = np.nan_to_num(table)
    logit = known[:, 0] - known[:, 1] * known[:, 2] + known[:, 3:9].sum(axis=1) / 4 - 2
    labels = (np.random.default_rng(2).random(TRAINED_ON) < 1 / (1 + np.exp(-logit))).astype(int)
    settings = {"objective": "binary", "num_leaves": leaves, "min_child_samples": 40, "verbosity": -1, "seed": 1}
    return lgb.train({**settings, "num_threads": 1}, lgb.Dataset(table, labels), num_boost_round=TREES)


class Worker:
    """What a process of the batch keeps: the model, the explainer that answers for it, and the grouping by fact."""

    def __init__(self, model_text: str, engine: str) -> None:
        self.booster = lgb.Booster(model_str=model_text)
        self.grouping = Grouping("benchmark", columns())
        self.engine = engine
        if engine == "woodelf":
            # Late: importing it takes seconds, and only this candidate needs it.
            from woodelf import WoodelfExplainer  # noqa: PLC0415

            self.woodelf = WoodelfExplainer(self.booster)

    def exactly(self, table: Floats) -> Floats:
        """LightGBM's own contributions."""
        return np.asarray(self.booster.predict(table, pred_contrib=True, num_threads=1))

    def contributions(self, table: Floats) -> Floats:
        """Contributions of rows, the base value last."""
        if self.engine == "lightgbm":
            return self.exactly(table)
        frame = pd.DataFrame(table, columns=self.booster.feature_name())
        values = np.asarray(self.woodelf.shap_values(frame, verbose=False))
        base = np.full((len(table), 1), float(np.ravel(self.woodelf.expected_value)[0]))
        return np.hstack([values, base])

    def checked(self, seed: int, rows: int) -> float:
        """Score rows and take the scores apart; the largest difference that was found."""
        table = inputs(rows, seed)
        scores = np.asarray(self.booster.predict(table, raw_score=True, num_threads=1))
        raw = repaired(self.contributions(table), scores, lambda rows_: self.exactly(table[rows_]))
        found = self.grouping.many(raw, scores)
        return float(np.abs(found.values.sum(axis=1) + found.base - scores).max())


_WORKERS: dict[str, Worker] = {}


def _begin(model_text: str, engine: str) -> None:
    _WORKERS["own"] = Worker(model_text, engine)


def _chunk(seed: int, rows: int) -> float:
    return _WORKERS["own"].checked(seed, rows)


def batch(booster: lgb.Booster, engine: str, rows: int) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and the largest difference of scoring so many people with contributions."""
    sizes = [min(CHUNK, rows - start) for start in range(0, rows, CHUNK)]
    context = multiprocessing.get_context("spawn")
    before, start = os.times(), time.perf_counter()
    with ProcessPoolExecutor(PROCESSES, context, _begin, (booster.model_to_string(), engine)) as pool:
        waiting = [pool.submit(_chunk, seed, size) for seed, size in enumerate(sizes, start=10)]
        worst = max(future.result() for future in track(waiting, f"batch, {engine}"))
    wall, after = time.perf_counter() - start, os.times()
    cpu = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return wall, cpu, worst


def singles(booster: lgb.Booster) -> list[float]:
    """CPU seconds of each row that is asked for alone, grouped and checked."""
    grouping, table = Grouping("benchmark", columns()), inputs(SINGLE_ROWS, 3)
    taken: list[float] = []
    for row in track(table, "one by one"):
        start = time.process_time()
        contributions = booster.predict(row[None], pred_contrib=True, num_threads=1)
        grouping.one(contributions, float(np.asarray(booster.predict(row[None], raw_score=True, num_threads=1))[0]))
        taken.append(time.process_time() - start)
    return taken


def explanations(booster: lgb.Booster, people: int) -> list[float]:
    """CPU seconds of each whole explanation of one person and one benefit with the citizen's page, warm."""
    catalogue = load_catalogue(Path(str(resources.files("rules") / "catalogue" / "cn")))
    book = catalogue.rulebook
    assert book is not None
    population = population_of(tables_by_type(book.vocabulary, PERSONS, (5,)), book.vocabulary)
    explainer, grouping = Explainer(catalogue, book), Grouping("benchmark", columns())
    rows = inputs(people, 4)
    benefits = [name for name, plan in book.in_force(ON_DATE).items() if plan.benefit.subject == "person"]
    chosen = list(population.listed["person"].values())[:people]
    taken: list[float] = []
    # First a person of every benefit, unmeasured: what is computed once for all is warm on a running server.
    for benefit in benefits:
        for person in chosen[:10]:
            explainer.explain(population, benefit, person, ON_DATE)
    for row, person in track(list(zip(rows, chosen, strict=True)), "whole explanations"):
        for benefit in benefits:
            start = time.process_time()
            raw = booster.predict(row[None], pred_contrib=True, num_threads=1)
            score = float(np.asarray(booster.predict(row[None], raw_score=True, num_threads=1))[0])
            whole = explainer.explain(population, benefit, person, ON_DATE, contributions=grouping.one(raw, score))
            render(whole, Audience.CITIZEN, Language.ZH)
            taken.append(time.process_time() - start)
    return taken


def agreement(booster: lgb.Booster, rows: int = 2_000) -> float:
    """The largest difference between the two engines' contributions."""
    table = inputs(rows, 7)
    text = booster.model_to_string()
    return float(
        np.abs(Worker(text, "woodelf").contributions(table) - Worker(text, "lightgbm").contributions(table)).max()
    )


def percentile(values: list[float], share: float) -> float:
    """A percentile in milliseconds."""
    return float(np.quantile(values, share)) * 1000


def measure(rows: int, people: int, leaves: int) -> Result:
    """Run the benchmark."""
    booster = trained(leaves)
    one = singles(booster)
    whole = explanations(booster, people)
    difference = agreement(booster)
    few = max(CHUNK, rows // 10)
    peer_wall, peer_cpu, _ = batch(booster, "lightgbm", few)
    engine = "woodelf" if difference <= BATCH_TOLERANCE else "lightgbm"
    wall, cpu, worst = batch(booster, engine, rows)
    return Result(
        "explanations",
        {"rows": rows, "trees": TREES, "leaves": leaves, "columns": COLUMNS, "processes": PROCESSES, "batch": engine},
        [
            Figure("SHAP, one row at a time", len(one) / sum(one), "rows per CPU s"),
            Figure("SHAP, one row, 99th percentile", percentile(one, 0.99), "CPU ms"),
            Figure("SHAP in batch", rows / cpu, "rows per CPU s", "pred_contrib", (rows / cpu) / (few / peer_cpu)),
            Figure("all rows scored with contributions", wall, "s", "pred_contrib", wall / (peer_wall / few * rows)),
            Figure("the same, CPU time", cpu, "CPU s"),
            Figure("largest miss of a sum", worst * 1e6, "1e-6"),
            Figure("engines differ by at most", difference * 1e6, "1e-6"),
            Figure("whole explanations", len(whole) / sum(whole), "per CPU s"),
            Figure("whole explanation, median", percentile(whole, 0.5), "CPU ms"),
            Figure(
                "whole explanation, 99th percentile",
                percentile(whole, 0.99),
                "CPU ms",
                "goal 20 ms",
                percentile(whole, 0.99) / 20,
            ),
        ],
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="people scored in batch")
    parser.add_argument("--people", type=int, default=100, help="people of whom every benefit is explained")
    parser.add_argument("--leaves", type=int, default=LEAVES, help="leaves of each tree")
    parser.add_argument("--out", type=Path, help="write the figures here too, as JSON")
    options = parser.parse_args()
    result = measure(options.rows, options.people, options.leaves)
    result.show()
    result.save("explanations")
    if options.out is not None:
        options.out.write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
