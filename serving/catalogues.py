"""The catalogues a command is asked about, and how their files are named to the person who asked."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from features.facts.vocabulary import facts_folder
from rules.catalogue import Catalogue, catalogue_folders, load_catalogue

CHINA, UNITED_STATES = "cn", "us"
"""The jurisdictions that ship. China's has registers, contracts and life events, and is swept where none is named."""


def shipped_catalogues() -> Path:
    """The folder of the catalogues that come with the program."""
    return Path(str(resources.files("rules") / "catalogue"))


def open_catalogues(path: Path | None, vocabulary: Path | None = None) -> list[Catalogue]:
    """Load the catalogue at a path, or each of the catalogues below it.

    Args:
        path: the shipped catalogues by default.
        vocabulary: holds subjects.yaml, areas.yaml and dictionary/; the shipped one by default.

    Raises:
        DocumentError: there is no catalogue.
    """
    facts = as_shown(vocabulary or facts_folder())
    return [load_catalogue(folder, facts) for folder in catalogue_folders(as_shown(path or shipped_catalogues()))]


def as_shown(path: Path) -> Path:
    """The path as a person would type it: relative where it lies below the current folder."""
    absolute = path.absolute()
    here = Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else path
