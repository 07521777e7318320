"""`applyfree check`: is everything in a catalogue as it must be?"""

from __future__ import annotations

import typer

from rules.catalogue import Catalogue
from rules.check.run import advise, check_catalogue
from serving import screen
from serving.catalogues import open_catalogues
from serving.commands.options import CatalogueArgument, VocabularyOption


def check(catalogue: CatalogueArgument = None, vocabulary: VocabularyOption = None) -> None:
    """Check rules, parameters, facts and texts; every mistake with file, line, column and advice.

    Prints one finding per line as `file:line:column: message advice`, and exits with 1 if there is any.
    """
    rows = []
    for each in open_catalogues(catalogue, vocabulary):
        findings = check_catalogue(each)
        for finding in findings:
            screen.line(finding)
        for advice in advise(each):
            screen.note(f"{each.folder}: {advice}")
        rows.append(_row(each, len(findings)))
    screen.table("Checked", COLUMNS, rows, figures=COLUMNS[1:])
    if any(row[-1] for row in rows):
        raise typer.Exit(1)


COLUMNS = ("catalogue", "benefits", "versions", "parameters", "facts", "findings")


def _row(catalogue: Catalogue, findings: int) -> tuple[object, ...]:
    sources = catalogue.sources.values()
    facts = len(catalogue.rulebook.vocabulary.dictionary.facts) if catalogue.rulebook else 0
    parameters = len(catalogue.shared) + sum(len(source.parameters) for source in sources)
    versions = sum(len(source.benefit.versions) for source in sources)
    return catalogue.folder, len(sources), versions, parameters, facts, findings
