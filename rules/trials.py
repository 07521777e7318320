"""Worked examples put to every evaluator: each must give what is expected, and all the same."""

from __future__ import annotations

import datetime as dt

from features.facts.encoding import tables_of
from rules.answers import determine
from rules.determination import Determination
from rules.evaluate.batch import BatchEvaluator
from rules.evaluate.output import determinations_in, stated_answers
from rules.evaluate.reference import ReferenceEvaluator
from rules.examples import Example, Expectation
from rules.expectations import differences
from rules.rulebook import Rulebook


class Trials:
    """Runs the examples of one rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._batch: dict[dt.date, BatchEvaluator] = {}

    def failures(self, example: Example) -> list[str]:
        """What is not as it should be, one line each; empty where the example passes."""
        reference = self.on_reference(example)
        wrong = [f"reference: {text}" for text in differences(example.expect, reference)]
        batch = self.on_batch(example)
        wrong += [f"batch: {text}" for text in differences(example.expect, batch)]
        if not wrong:
            wrong = [f"batch against reference: {text}" for text in differences(_exactly(reference), batch)]
        return wrong

    def on_reference(self, example: Example) -> Determination:
        """The reference evaluator's answer."""
        evaluator = ReferenceEvaluator(self.rulebook, example.population, example.on_date)
        return determine(evaluator, example.benefit, example.subject)

    def on_batch(self, example: Example) -> Determination:
        """The batch evaluator's answer."""
        if example.on_date not in self._batch:
            self._batch[example.on_date] = BatchEvaluator(self.rulebook, example.on_date)
        evaluator = self._batch[example.on_date]
        kind = example.subject.kind
        tables = tables_of(example.population, self.rulebook.vocabulary)
        answers = evaluator.evaluate(tables, [example.benefit])[example.benefit]
        rows = stated_answers(evaluator, example.benefit, tables[kind]["id"], answers)
        return next(found for found in determinations_in(rows) if found.id == example.subject.id)


def _exactly(found: Determination) -> Expectation:
    """An expectation that only this answer fulfils."""

    def figure(name: str) -> str:
        value = getattr(found, name)
        return "" if value is None else f"{value:f}"

    day = found.next_change
    return Expectation(
        found.outcome.value, figure("amount"), figure("amount_low"), figure("amount_high"), found.unmet, found.missing,
        "" if day is None else day.isoformat(), found.version,
    )  # fmt: skip
