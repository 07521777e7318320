"""`applyfree examples`: do the worked examples of a catalogue hold, on every evaluator?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import typer

from features.documents import Finding, Findings, Place
from rules.catalogue import Catalogue, Source
from rules.examples import read_examples
from rules.trials import Trials
from serving import screen
from serving.catalogues import open_catalogues
from serving.commands.options import CatalogueArgument, VocabularyOption


@dataclass(slots=True)
class Tally:
    """How the examples of one benefit came out."""

    benefit: str
    examples: int = 0
    failed: int = 0
    findings: Findings = field(default_factory=Findings)


def examples(catalogue: CatalogueArgument = None, vocabulary: VocabularyOption = None) -> None:
    """Run every worked example on every evaluator; show each that fails, and how.

    Prints one failure per line as `file:line:column: what differs`, and exits with 1 if there is any.
    """
    tallies: list[Tally] = []
    with screen.progress() as progress:
        for each in open_catalogues(catalogue, vocabulary):
            task = progress.add_task(str(each.folder), total=len(each.sources))
            for tally in _run(each):
                tallies.append(tally)
                for finding in tally.findings:
                    screen.line(finding)
                progress.advance(task)
    screen.table(
        "Worked examples",
        ("benefit", "examples", "passed", "failed"),
        [(t.benefit, t.examples, t.examples - t.failed, t.failed) for t in tallies],
        figures=("examples", "passed", "failed"),
    )
    total, wrong = sum(t.examples for t in tallies), sum(len(t.findings) for t in tallies)
    screen.line(f"{total:,} examples on 2 evaluators, {wrong:,} {'failure' if wrong == 1 else 'failures'}.")
    if wrong:
        raise typer.Exit(1)


def _run(catalogue: Catalogue) -> Iterator[Tally]:
    """Every benefit of a catalogue; benefits that do not compile are a failure of their own."""
    if catalogue.rulebook is None or catalogue.findings:
        tally = Tally(str(catalogue.folder))
        place = Place(str(catalogue.folder), 1, 1)
        message = (
            f"The catalogue has {len(set(catalogue.findings)):,} mistakes, and benefits that have one are left out."
        )
        tally.findings.append(Finding(place, message, "Run `applyfree check`."))
        yield tally
    if catalogue.rulebook is not None:
        trials = Trials(catalogue.rulebook)
        for benefit_id, source in catalogue.sources.items():
            if benefit_id in catalogue.rulebook.benefits:
                yield _run_benefit(trials, benefit_id, source)


def _run_benefit(trials: Trials, benefit_id: str, source: Source) -> Tally:
    tally = Tally(benefit_id)
    path = source.folder / "examples.yaml"
    if not path.exists():
        return tally
    examples = read_examples(path, source.benefit, trials.rulebook.vocabulary, tally.findings)
    for example, wrong in trials.failures(examples):
        tally.examples += 1
        tally.failed += bool(wrong)
        tally.findings.extend(Finding(example.place, f"“{example.name}”, {text}.") for text in wrong)
    return tally
