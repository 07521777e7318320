"""Worked examples put to every evaluator: each must give what is expected, and all the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from features.facts.encoding import tables_of
from features.facts.population import NONE, Population, Subject
from features.facts.subjects import PERSON
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

    def failures(self, examples: Sequence[Example]) -> Iterator[tuple[Example, list[str]]]:
        """Each example with what is not as it should be, one line each; none where it passes."""
        for example, batch in zip(examples, self.on_batch(examples), strict=True):
            reference = self.on_reference(example)
            wrong = [f"reference: {text}" for text in differences(example.expect, reference)]
            wrong += [f"batch: {text}" for text in differences(example.expect, batch)]
            if not wrong:
                wrong = [f"batch against reference: {text}" for text in differences(_exactly(reference), batch)]
            yield example, wrong

    def on_reference(self, example: Example) -> Determination:
        """The reference evaluator's answer."""
        evaluator = ReferenceEvaluator(self.rulebook, example.population, example.on_date)
        return determine(evaluator, example.benefit, example.subject)

    def on_batch(self, examples: Sequence[Example]) -> list[Determination]:
        """The batch evaluator's answers, in the order of the examples.

        It is given those of one day together, as it is given a city: no answer may come of a neighbour.
        """
        alike: dict[tuple[str, str, dt.date, frozenset[str]], list[int]] = {}
        for number, example in enumerate(examples):
            # A relation is unknown where nobody has its link, and empty where somebody has it: these stay apart.
            links = frozenset(link for person in example.population.listed[PERSON].values() for link in person.links)
            key = (example.benefit, example.subject.kind, example.on_date, links)
            alike.setdefault(key, []).append(number)
        found: dict[int, Determination] = {}
        for (benefit, kind, on_date, _), numbers in alike.items():
            told = self._answers(benefit, kind, on_date, {number: examples[number] for number in numbers})
            for number in numbers:
                example = examples[number]
                found[number] = replace(told[_named(number, example.subject.id)], id=example.subject.id)
        return [found[number] for number in range(len(examples))]

    def _answers(
        self, benefit: str, kind: str, on_date: dt.date, examples: Mapping[int, Example]
    ) -> dict[str, Determination]:
        if on_date not in self._batch:
            self._batch[on_date] = BatchEvaluator(self.rulebook, on_date)
        evaluator, vocabulary = self._batch[on_date], self.rulebook.vocabulary
        everybody = [
            _renamed(number, subject)
            for number, example in examples.items()
            for listed in example.population.listed.values()
            for subject in listed.values()
        ]
        tables = tables_of(Population(vocabulary.subjects, everybody), vocabulary)
        answers = evaluator.evaluate(tables, [benefit])[benefit]
        rows = stated_answers(evaluator, benefit, tables[kind]["id"], answers)
        return {one.id: one for one in determinations_in(rows)}


def _renamed(number: int, subject: Subject) -> Subject:
    """A subject of an example, named so that no other example has one of that name."""
    links = {
        link: target if target is None or target == NONE else _named(number, target)
        for link, target in subject.links.items()
    }
    return Subject(subject.kind, _named(number, subject.id), subject.facts, links)


def _named(number: int, subject_id: str) -> str:
    return f"{number}:{subject_id}"


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
