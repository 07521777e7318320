"""One jurisdiction's whole vocabulary: subjects, relations, facts and areas, loaded together."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from features.documents import DocumentError, Findings, Place
from features.facts.areas import Areas, load_areas
from features.facts.dictionary import Dictionary, load_dictionary
from features.facts.subjects import Subjects, load_subjects
from features.yaml_files import Shelf


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What rules and fact files of a jurisdiction may speak of."""

    jurisdiction: str
    subjects: Subjects
    dictionary: Dictionary
    areas: Areas


def facts_folder() -> Path:
    """The folder that ships with this package and holds subjects, areas and dictionaries."""
    return Path(str(resources.files("features") / "facts"))


def load_vocabulary(
    jurisdiction: str, findings: Findings, folder: Path | None = None, shelf: Shelf | None = None
) -> Vocabulary:
    """Load the vocabulary of a jurisdiction.

    Raises:
        DocumentError: the jurisdiction has no dictionary folder.
    """
    base = folder or facts_folder()
    shelf = shelf or Shelf()
    dictionary_folder = base / "dictionary" / jurisdiction
    if not dictionary_folder.is_dir():
        known = sorted(p.name for p in (base / "dictionary").glob("*") if p.is_dir())
        raise DocumentError(
            Place(str(dictionary_folder), 1, 1),
            f"There is no fact dictionary for the jurisdiction `{jurisdiction}`.",
            f"Known are: {', '.join(known)}.",
        )
    subjects = load_subjects(base / "subjects.yaml", jurisdiction, findings, shelf)
    areas = load_areas(base / "areas.yaml", findings, shelf)
    dictionary = load_dictionary(dictionary_folder, subjects.kinds, findings, shelf)
    return Vocabulary(jurisdiction, subjects, dictionary, areas)
