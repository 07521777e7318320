"""(c) One household, every benefit, with full trace: what a caseworker or a citizen waits for.

    python -m benchmarks.household

The reference evaluator answers every benefit of the Chinese catalogue for every member and for the household itself,
and lists each clause with the facts it read. Peer in the same run: the same answers without traces.
"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks.population import ON_DATE, rulebook
from benchmarks.report import Figure, Result
from benchmarks.rule_depth import rule_depth
from features.facts.encoding import population_of
from features.facts.population import Population, Subject
from features.made.by_type import tables_by_type
from rules.answers import determine
from rules.evaluate.reference import ReferenceEvaluator
from rules.rulebook import Rulebook

PERSONS = 1_500


def measure(households: int) -> Result:
    """Run the benchmark."""
    book = rulebook()
    population = population_of(tables_by_type(book.vocabulary, PERSONS, (5,)), book.vocabulary)
    chosen = [
        (home, population.members(home)[0])
        for home in population.listed["household"].values()
        if population.members(home)[0]
    ][:households]
    # Warm: the rulebook in force on the day is planned once, not per household.
    _answer(book, population, *chosen[0], trace=True)
    with_trace = [_answer(book, population, home, people, trace=True) for home, people in chosen]
    without = [_answer(book, population, home, people, trace=False) for home, people in chosen]
    median, bare = statistics.median(t for t, _ in with_trace), statistics.median(t for t, _ in without)
    slowest = statistics.quantiles([t for t, _ in with_trace], n=20)[-1]
    return Result(
        "one household, all benefits, with trace",
        {"households": len(chosen), **rule_depth(book, ON_DATE)},
        [
            Figure("median per household", median * 1000, "ms", "without traces", median / bare),
            Figure("95th percentile", slowest * 1000, "ms"),
            Figure("determinations per household", statistics.mean(n for _, n in with_trace), ""),
            Figure("persons per household", statistics.mean(len(people) for _, people in chosen), ""),
        ],
    )


def _answer(
    book: Rulebook, population: Population, home: Subject, people: list[Subject], *, trace: bool
) -> tuple[float, int]:
    """Seconds for one household, and how many determinations that was."""
    start = time.perf_counter()
    evaluator = ReferenceEvaluator(book, population, ON_DATE)
    count = 0
    for benefit_id, benefit in evaluator.plans.items():
        kind = benefit.benefit.subject
        for subject in people if kind == "person" else [home] if kind == "household" else []:
            determine(evaluator, benefit_id, subject, trace=trace)
            count += 1
    return time.perf_counter() - start, count


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=400)
    result = measure(parser.parse_args().households)
    result.show()
    result.save("household")


if __name__ == "__main__":
    main()
