"""(d) What a day costs when only what may have changed is looked at again.

    python -m benchmarks.incremental --persons 500000

Yesterday every benefit was answered for everybody. Since then the facts of 1 % of all subjects have changed. Today's
run answers every benefit of those subjects again, of those related to them the benefits that read others' facts, and of
all others the benefits whose `next_change` has come. Peer in the same run: answering everything again. Facts are in
memory and relations indexed for both; afterwards the answers of the two runs are compared, row by row.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # noqa: TID251 - Polars reads it when it is imported

from benchmarks.made_people import make_people
from benchmarks.population import ON_DATE, rulebook
from benchmarks.report import Figure, Result
from benchmarks.rule_depth import rule_depth
from features.made.by_type import tables_by_type
from rules import plan
from rules.evaluate.batch import BatchEvaluator
from rules.evaluate.columns.rows import Rows, Tables
from rules.rulebook import Rulebook

SHARE_CHANGED = 0.01
TOMORROW = ON_DATE + dt.timedelta(days=1)


@dataclass(slots=True)
class Day:
    """What one partition's day came to."""

    full_seconds: float
    incremental_seconds: float
    determinations: int
    looked_at: int
    due: int
    differing: int


def measure(persons: int, folder: Path) -> Result:
    """Run the benchmark."""
    book = rulebook()
    partitions = [partition.read() for partition in make_people(folder, persons, book.vocabulary)]
    whole = {kind: pl.concat([tables[kind] for tables in partitions]) for kind in partitions[0]}
    days = [_day(book, 0, whole)]
    full, part = sum(d.full_seconds for d in days), sum(d.incremental_seconds for d in days)
    total = sum(d.determinations for d in days)
    return Result(
        "a day's incremental run against a full one",
        {"persons": persons, "changed": f"{SHARE_CHANGED:.0%}", **rule_depth(book, TOMORROW)},
        [
            Figure("full run", full, "CPU s"),
            Figure("incremental run", part, "CPU s", "full run", part / full),
            Figure("determinations in all", total, "rows"),
            Figure(
                "looked at again", sum(d.looked_at for d in days), "rows", "all", sum(d.looked_at for d in days) / total
            ),
            Figure("of these because next_change had come", sum(d.due for d in days), "rows"),
            Figure("answers that differ between the two runs", sum(d.differing for d in days), "rows"),
        ],
    )


def _day(book: Rulebook, number: int, yesterday: dict[str, pl.DataFrame]) -> Day:
    answers = BatchEvaluator(book, ON_DATE).evaluate(yesterday)
    today, changed, reached = _changed_facts(book, number, yesterday)
    prepared = Tables(today, book.vocabulary.subjects)
    evaluator = BatchEvaluator(book, TOMORROW)
    everything = {kind: np.arange(prepared.count(kind)) for kind in book.vocabulary.subjects.kinds}
    _evaluate(
        evaluator, prepared, {b: everything[p.benefit.subject][:2000] for b, p in evaluator.plans.items()}
    )  # warm
    start = time.process_time()
    full = _evaluate(evaluator, prepared, {b: everything[p.benefit.subject] for b, p in evaluator.plans.items()})
    full_seconds = time.process_time() - start
    start = time.process_time()
    rows_of = {kind: np.flatnonzero(mask) for kind, mask in changed.items()}
    rows_reached = {kind: np.flatnonzero(mask) for kind, mask in reached.items()}
    again = {
        b: (rows_reached if _reads_others(p.outcome) or (p.amount and _reads_others(p.amount)) else rows_of)[
            p.benefit.subject
        ]
        for b, p in evaluator.plans.items()
    }
    come: dict[str, np.ndarray] = {}
    for benefit_id in evaluator.plans:
        is_due = answers[benefit_id].get_column("next_change").to_numpy() <= plan.day_number(TOMORROW)
        is_due[again[benefit_id]] = False
        rows = np.flatnonzero(is_due)
        if len(rows):
            come[benefit_id] = rows
    renewed, moved_on = _evaluate(evaluator, prepared, again), _evaluate(evaluator, prepared, come)
    incremental_seconds = time.process_time() - start
    due = sum(len(rows) for rows in come.values())
    differing = 0
    for benefit_id in evaluator.plans:
        merged = _merged(answers[benefit_id], renewed[benefit_id], again[benefit_id])
        if benefit_id in come:
            merged = _merged(merged, moved_on[benefit_id], come[benefit_id])
        differing += _differing(full[benefit_id], merged)
    return Day(
        full_seconds,
        incremental_seconds,
        sum(f.height for f in full.values()),
        due + sum(len(rows) for rows in again.values()),
        due,
        differing,
    )


def _evaluate(evaluator: BatchEvaluator, tables: Tables, chosen: dict[str, np.ndarray]) -> dict[str, pl.DataFrame]:
    """Answer each benefit for its chosen rows; benefits with the same rows share what they read."""
    groups: dict[tuple[str, bytes], list[str]] = {}
    for benefit_id, index in chosen.items():
        groups.setdefault((evaluator.plans[benefit_id].benefit.subject, index.tobytes()), []).append(benefit_id)
    frames: dict[str, list[pl.DataFrame]] = {}
    for (kind, _), benefits in groups.items():
        index = chosen[benefits[0]]
        size = tables.chunk_rows(kind)
        for begin in range(0, max(len(index), 1), size):
            rows = Rows(tables, kind, index[begin : begin + size])
            for benefit_id in benefits:
                frames.setdefault(benefit_id, []).append(evaluator.frame(benefit_id, rows))
    return {benefit_id: pl.concat(parts) for benefit_id, parts in frames.items()}


def _changed_facts(
    book: Rulebook, number: int, tables: dict[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """New facts for 1 % of households, their persons and 1 % of enterprises; and whose answers that may touch."""
    rng = np.random.default_rng([9, number])
    people, homes, firms = tables["person"], tables["household"], tables["enterprise"]
    moved = rng.random(homes.height) < SHARE_CHANGED
    touched_firms = rng.random(firms.height) < SHARE_CHANGED
    home_ids = homes.get_column("id").filter(pl.Series(moved))
    touched = people.get_column("household_id").is_in(home_ids.implode()).to_numpy()
    fresh = tables_by_type(book.vocabulary, people.height, (77, number))
    result: dict[str, pl.DataFrame] = {}
    for kind, mask in (("person", touched), ("household", moved), ("enterprise", touched_firms)):
        columns = [
            column
            if column.name == "id" or column.name in book.vocabulary.subjects.links
            else column.zip_with(pl.Series(~mask), fresh[kind].get_column(column.name).head(len(column)))
            for column in tables[kind].get_columns()
        ]
        result[kind] = pl.DataFrame(columns)
    # A relation carries a change on: to the employers, and to spouses, parents and children of changed persons.
    reached = touched.copy()
    ids = people.get_column("id").filter(pl.Series(touched))
    for link in book.vocabulary.subjects.links:
        if link in people.columns and link not in ("household_id", "enterprise_id"):
            reached |= people.get_column(link).is_in(ids.implode()).to_numpy()
            named = people.get_column(link).filter(pl.Series(touched))
            reached |= people.get_column("id").is_in(named.implode()).to_numpy()
    employers = people.get_column("enterprise_id").filter(pl.Series(touched))
    firm_reached = touched_firms | firms.get_column("id").is_in(employers.implode()).to_numpy()
    staff = people.get_column("enterprise_id").is_in(firms.get_column("id").filter(pl.Series(touched_firms)).implode())
    changed = {"person": touched, "household": moved, "enterprise": touched_firms}
    return result, changed, {"person": reached | staff.to_numpy(), "household": moved, "enterprise": firm_reached}


def _reads_others(node: plan.Node) -> bool:
    """Does a rule read facts of anybody but its subject?"""
    if isinstance(node, plan.ViaCondition | plan.ViaQuantity | plan.ViaCode | plan.Exists | plan.Count | plan.Total):
        return True
    if isinstance(node, plan.EligibleFor | plan.AmountOf):
        return True
    return any(_reads_others(child) for child in node.children())


def _merged(old: pl.DataFrame, new: pl.DataFrame, index: np.ndarray) -> pl.DataFrame:
    """Yesterday's answers with today's in the rows that were looked at again."""
    source = np.arange(old.height)
    source[index] = old.height + np.arange(len(index))
    return pl.concat([old, new])[source]


def _differing(full: pl.DataFrame, merged: pl.DataFrame) -> int:
    """Rows whose outcome or amount differs."""
    columns = ["outcome", "amount_low", "amount_high"]
    same = pl.Series([True]).new_from_index(0, full.height)
    for column in columns:
        same &= full.get_column(column).eq_missing(merged.get_column(column))
    return int((~same).sum())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=500_000)
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"))
    arguments = parser.parse_args()
    result = measure(arguments.persons, arguments.folder)
    result.show()
    result.save("incremental")


if __name__ == "__main__":
    main()
