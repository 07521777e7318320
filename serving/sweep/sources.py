"""What a sweep is made of here: the catalogue it asks and the history it reads."""

from __future__ import annotations

from pathlib import Path

from rules.catalogue import Catalogue
from serving.catalogues import CHINA, open_catalogues, shipped_catalogues
from serving.evaluation import sound_rulebook
from serving.sweep.errors import SweepError
from serving.sweep.facts import RecordedFacts
from serving.views import views_of


def swept_catalogue(folder: Path | None) -> Catalogue:
    """The catalogue of a folder, or the shipped Chinese one: the one with registers.

    Raises:
        SweepError: the folder holds several.
        ServingError, DocumentError: there is none, or it has mistakes.
    """
    found = open_catalogues(folder or shipped_catalogues() / CHINA)
    if len(found) != 1:
        raise SweepError(f"{folder} holds {len(found)} catalogues. Name one of them with --catalogue.")
    sound_rulebook(found[0])
    return found[0]


def recorded_facts(catalogue: Catalogue, home: Path) -> RecordedFacts:
    """The history of a catalogue's jurisdiction, as `applyfree ingest` and `applyfree events` write it.

    Raises:
        SweepError: nothing was ever loaded.
        DocumentError: a contract has a mistake; the first one is told.
    """
    if not any((home / "history" / "batches").glob("[0-9]*.json")):
        raise SweepError(
            f"There is nothing in the history under {home}: nobody is known. Load what departments delivered with "
            "`applyfree ingest all FOLDER` (`applyfree city` makes some), or set APPLYFREE_HOME."
        )
    return RecordedFacts(home / "history", views_of(sound_rulebook(catalogue).vocabulary))
