"""`applyfree examples`: do the worked examples of a catalogue hold, on every evaluator?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import typer

from features.documents import Finding, Findings, Place
from rules.answers import determine
from rules.catalogue import Catalogue, Source
from rules.evaluate.reference import ReferenceEvaluator
from rules.examples import Example, read_examples
from rules.expectations import differences
from rules.rulebook import Rulebook
from serving import screen
from serving.catalogues import open_catalogues
from serving.commands.check import CatalogueArgument, found_in


@dataclass(slots=True)
class Tally:
    """How the examples of one benefit came out."""

    benefit: str
    examples: int = 0
    failed: int = 0
    findings: Findings = field(default_factory=Findings)


def examples(catalogue: CatalogueArgument = None) -> None:
    """Run every worked example on every evaluator; show each that fails, and how.

    Prints one failure per line as `file:line:column: what differs`, and exits with 1 if there is any.
    """
    tallies: list[Tally] = []
    with screen.progress() as progress:
        for each in open_catalogues(catalogue):
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
    screen.line(f"{total:,} examples, {wrong:,} failures.")
    if wrong:
        raise typer.Exit(1)


def _run(catalogue: Catalogue) -> Iterator[Tally]:
    """Every benefit of a catalogue; one that does not compile is a failure of its own."""
    if catalogue.rulebook is None or catalogue.findings:
        tally = Tally(str(catalogue.folder))
        tally.findings.append(
            Finding(
                Place(str(catalogue.folder), 1, 1),
                f"The catalogue has {len(found_in(catalogue)):,} findings.",
                "Run `applyfree check` first: benefits with mistakes are left out here.",
            )
        )
        yield tally
    if catalogue.rulebook is not None:
        for benefit_id, source in catalogue.sources.items():
            if benefit_id in catalogue.rulebook.benefits:
                yield _run_benefit(catalogue.rulebook, benefit_id, source)


def _run_benefit(rulebook: Rulebook, benefit_id: str, source: Source) -> Tally:
    tally = Tally(benefit_id)
    path = source.folder / "examples.yaml"
    if not path.exists():
        return tally
    for example in read_examples(path, source.benefit, rulebook.vocabulary, tally.findings):
        tally.examples += 1
        wrong = _on_reference(rulebook, benefit_id, example)
        tally.failed += bool(wrong)
        tally.findings.extend(Finding(example.place, f"“{example.name}” {text}.") for text in wrong)
    return tally


def _on_reference(rulebook: Rulebook, benefit_id: str, example: Example) -> list[str]:
    evaluator = ReferenceEvaluator(rulebook, example.population, example.on_date)
    return differences(example.expect, determine(evaluator, benefit_id, example.subject))
