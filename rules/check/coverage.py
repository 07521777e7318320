"""Do the worked examples of a benefit show what they must? Found by running them on the reference evaluator.

Examples gate publication, so what no example shows nobody has agreed to. Wanted are, for each benefit:

* each criterion fails in some example and each exception applies in some, in a version of that wording;
* in each version some example is eligible;
* each fact that the rule reads matters in some example where it is not known: the answer names it as missing, or it is
  one of the facts that `when_unknown` lists;
* for each version after the first, and each new value of a parameter, an example on the day and one on the day before,
  where that day lies in the life of a version; where only some areas have a new value, in one of those areas;
* each example says of each row every fact that the rule reads of it (`unknown` where it is not held).

Not wanted: examples of the built-in `in_area`, of links (`household_id`), of a value that is repeated unchanged, of the
first version and the first value. A wording that two versions share needs its failing example only once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from features.documents import Finding, Findings, Place
from features.facts.dictionary import Fact
from features.facts.population import Subject
from features.facts.values import Known
from rules.benefits import Criterion
from rules.catalogue import Source
from rules.check import changes, givens, reading
from rules.evaluate.reference import ReferenceEvaluator
from rules.examples import Example, read_examples
from rules.kleene import Truth
from rules.rulebook import CompiledBenefit, CompiledVersion, Rulebook


def find_missing_examples(rulebook: Rulebook, source: Source) -> Iterator[Finding]:
    """What the examples of a benefit leave unshown, and the mistakes in the examples themselves."""
    benefit_id = source.benefit.id
    compiled = rulebook.benefits[benefit_id]
    path = source.folder / "examples.yaml"
    start = Place(str(path), 1, 1)
    if not path.is_file():
        yield Finding(start, f"`{benefit_id}` has no worked examples.", "Add examples.yaml: they gate publication.")
        return
    findings = Findings()
    examples = read_examples(path, source.benefit, rulebook.vocabulary, findings)
    findings.extend(givens.find_omitted_facts(rulebook, compiled, examples))
    yield from findings
    if findings:
        return  # an example with a mistake may be the very one that would be missing
    shown = _run(rulebook, compiled, examples)
    yield from _unshown_criteria(compiled, shown)
    yield from _unshown_facts(source, compiled, shown, start)
    yield from _unshown_days(rulebook, compiled, shown, start)


@dataclass(frozen=True, slots=True)
class _Run:
    """One example as it came out: the versions that may apply, and the area that serves the subject (None: unknown)."""

    on_date: dt.date
    versions: tuple[CompiledVersion, ...]
    area: str | None


@dataclass(slots=True)
class _Shown:
    """What all examples of a benefit show together."""

    failing: set[tuple[str, bool, str]] = field(default_factory=set)
    eligible: set[int] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    runs: list[_Run] = field(default_factory=list)


def _wording(criterion: Criterion) -> tuple[str, bool, str]:
    return criterion.id, criterion.exception, criterion.text


def _area_of(example: Example, area_by: Fact) -> str | None:
    """The area that serves the example's subject: its own, or that of the person's group."""
    subject: Subject | None = example.subject
    if subject is not None and area_by.subject != subject.kind:
        subject = example.population.group_of(subject, area_by.subject)
    held = subject.facts.get(area_by.id) if subject is not None else None
    return str(held.value) if isinstance(held, Known) else None


def _run(rulebook: Rulebook, compiled: CompiledBenefit, examples: list[Example]) -> _Shown:
    shown = _Shown()
    area_by = compiled.benefit.area_by
    for example in examples:
        evaluator = ReferenceEvaluator(rulebook, example.population, example.on_date)
        benefit = evaluator.plans[example.benefit]
        answer = evaluator.answer(example.benefit, example.subject)
        shown.missing.update(evaluator.names_of(answer.missing))
        if example.unknown is not None:
            shown.missing.add(example.unknown)
        variants = benefit.variants if answer.version is None else (benefit.variants[answer.version],)
        area = _area_of(example, rulebook.vocabulary.dictionary.facts[area_by]) if area_by else None
        shown.runs.append(_Run(example.on_date, tuple(v.compiled for v in variants), area))
        for variant in variants:
            if answer.truth is Truth.TRUE:
                shown.eligible.add(id(variant.compiled))
            for criterion, met in zip(variant.compiled.version.criteria, variant.compiled.conditions, strict=True):
                if evaluator.clause(met, example.subject) is Truth.FALSE:
                    shown.failing.add(_wording(criterion))
    return shown


def _unshown_criteria(compiled: CompiledBenefit, shown: _Shown) -> Iterator[Finding]:
    asked: set[tuple[str, bool, str]] = set()
    for version in compiled.versions:
        if id(version) not in shown.eligible:
            yield Finding(
                version.version.place,
                f"No example is eligible under this version of `{compiled.benefit.id}`.",
                "Add an example in which every criterion holds and no exception applies.",
            )
        for criterion in version.version.criteria:
            wording = _wording(criterion)
            if wording not in shown.failing | asked:
                asked.add(wording)
                what = "the exception `{}` applies" if criterion.exception else "`{}` fails"
                yield Finding(
                    criterion.place,
                    f"There is no example in which {what.format(criterion.id)}.",
                    f"Add one to examples.yaml, with `unmet: [{criterion.id}]`.",
                )


def _unshown_facts(source: Source, compiled: CompiledBenefit, shown: _Shown, start: Place) -> Iterator[Finding]:
    read = reading.facts(node for version in compiled.versions for node in reading.roots(version))
    for fact in read:
        if fact.id not in shown.missing:
            yield Finding(
                start,
                f"No example of `{source.benefit.id}` is undetermined, or has an open amount, for want of `{fact.id}`.",
                f"Where it matters, add under `when_unknown`: `{fact.id}: {{outcome: …, missing: [{fact.id}]}}`.",
            )


def _unshown_days(rulebook: Rulebook, compiled: CompiledBenefit, shown: _Shown, start: Place) -> Iterator[Finding]:
    on_day: dict[dt.date, list[_Run]] = defaultdict(list)
    for run in shown.runs:
        on_day[run.on_date].append(run)
    for change in changes.of_benefit(compiled, rulebook.vocabulary.areas):
        for day, words in ((change.day, "the day"), (change.day - dt.timedelta(days=1), "the day before")):
            if not change.matters_on(day):
                continue
            if not any(_is_served(run, change, rulebook) for run in on_day[day]):
                where = f" in {' or '.join(sorted(change.areas)[:3])}" if change.areas else ""
                yield Finding(
                    start if change.place is None else change.place,
                    f"`{compiled.benefit.id}` has no example on {day}{where}, {words} {change.what}.",
                    "Add one, with the outcome and the amount of that day.",
                )


def _is_served(run: _Run, change: changes.Change, rulebook: Rulebook) -> bool:
    if not change.areas:
        return True
    areas = rulebook.vocabulary.areas
    return run.area is not None and any(areas.within(run.area, area) for area in change.areas)
