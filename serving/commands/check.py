"""`applyfree check`: is everything in a catalogue as it must be?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.documents import Finding
from rules.catalogue import Catalogue
from serving import screen
from serving.catalogues import open_catalogues

CatalogueArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="CATALOGUE",
        help="A folder with catalogue.yaml, or a folder of such folders. Default: the shipped catalogues.",
        show_default=False,
    ),
]


def check(catalogue: CatalogueArgument = None) -> None:
    """Check rules, parameters, facts and texts; every mistake with file, line, column and advice.

    Prints one finding per line as `file:line:column: message advice`, and exits with 1 if there is any.
    """
    catalogues = open_catalogues(catalogue)
    for each in catalogues:
        for finding in found_in(each):
            screen.line(finding)
    count = sum(len(found_in(each)) for each in catalogues)
    screen.table("Checked", COLUMNS, [_row(each) for each in catalogues], figures=COLUMNS[1:])
    if count:
        screen.note(f"{count:,} finding{'s' if count > 1 else ''}. The first words of each line say where.")
        raise typer.Exit(1)


COLUMNS = ("catalogue", "benefits", "versions", "parameters", "facts", "findings")


def found_in(catalogue: Catalogue) -> list[Finding]:
    """Everything that is wrong with a catalogue, each thing once, in the order of files and lines."""
    return sorted(set(catalogue.findings))


def _row(catalogue: Catalogue) -> tuple[object, ...]:
    sources = catalogue.sources.values()
    facts = len(catalogue.rulebook.vocabulary.dictionary.facts) if catalogue.rulebook else 0
    parameters = len(catalogue.shared) + sum(len(source.parameters) for source in sources)
    versions = sum(len(source.benefit.versions) for source in sources)
    return catalogue.folder, len(sources), versions, parameters, facts, len(found_in(catalogue))
