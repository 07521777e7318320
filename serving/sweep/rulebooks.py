"""Rulebooks that sweeps are pinned to: their files, kept under the hash of their content.

A sweep reads these copies and nothing else, so a rule that is published while it runs does not mix with it, and a
replay finds years later what was in force.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rules.benefits import benefits_read
from rules.catalogue import SHARED, Catalogue, load_catalogue
from rules.rulebook import Rulebook
from serving.evaluation import sound_rulebook
from serving.sweep.errors import RulebookGoneError

CATALOGUE, FACTS = "catalogue", "facts"
Contents = dict[str, list[tuple[str, str]]]
"""By kind of subject: the benefits in the order of stored answers, each with the fingerprint of all it reads."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A rulebook and the folder of its copy."""

    folder: Path
    rulebook: Rulebook
    contents: Contents

    def benefits_of(self, kind: str) -> list[str]:
        """The benefits of a kind of subject, in the order of stored answers."""
        return [benefit for benefit, _ in self.contents.get(kind, [])]


def pin(home: Path, catalogue: Catalogue) -> Pinned:
    """Keep a copy of everything that a catalogue's answers depend on.

    Args:
        home: $APPLYFREE_HOME; copies are kept in `rulebooks/<hash>`.
        catalogue: without mistakes.

    Raises:
        RulebookGoneError: the files changed while they were read, or somebody changed the copy.
    """
    rulebook = sound_rulebook(catalogue)
    content_hash = rulebook.content_hash
    target = home / "rulebooks" / content_hash
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=".unfinished-"))
        _copy_yaml(catalogue.folder, unfinished / CATALOGUE)
        _copy_yaml(catalogue.facts, unfinished / FACTS)
        load_pinned_folder(unfinished, content_hash)
        try:
            unfinished.rename(target)
        except OSError:  # another process was faster: its copy has the same content
            shutil.rmtree(unfinished)
    if not _is_copy(catalogue.folder, target / CATALOGUE) or not _is_copy(catalogue.facts, target / FACTS):
        return load_pinned(home, content_hash)  # a comment differs, or somebody has changed the copy
    # What was compiled is what the copy holds: there is no need to compile the copy too.
    return Pinned(target, rulebook, _contents(target, catalogue, rulebook))


def load_pinned(home: Path, content_hash: str) -> Pinned:
    """The rulebook of a hash.

    Raises:
        RulebookGoneError: it is not kept here, or was changed.
    """
    return load_pinned_folder(home / "rulebooks" / content_hash, content_hash)


def load_pinned_folder(folder: Path, content_hash: str) -> Pinned:
    """As :func:`load_pinned`, for the folder of one copy."""
    if not (folder / CATALOGUE).is_dir():
        raise RulebookGoneError(content_hash, None)
    catalogue = load_catalogue(folder / CATALOGUE, folder / FACTS)
    rulebook = sound_rulebook(catalogue)
    if rulebook.content_hash != content_hash:
        raise RulebookGoneError(content_hash, rulebook.content_hash)
    return Pinned(folder, rulebook, _contents(folder, catalogue, rulebook))


def changed_benefits(old: Contents, new: Contents) -> Mapping[str, set[str]]:
    """By kind of subject, the benefits whose answers may differ between two rulebooks: changed, new and gone ones."""
    changed: dict[str, set[str]] = {}
    for kind in old.keys() | new.keys():
        before, after = set(old.get(kind, [])), set(new.get(kind, []))
        differing = {benefit for benefit, _ in before ^ after}
        if differing:
            changed[kind] = differing
    return changed


def _copy_yaml(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*.yaml")):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _is_copy(source: Path, target: Path) -> bool:
    """Do two folders hold the same YAML files, byte for byte?"""
    there = [{file.relative_to(root): file for file in root.rglob("*.yaml")} for root in (source, target)]
    return there[0].keys() == there[1].keys() and all(
        file.read_bytes() == there[1][name].read_bytes() for name, file in there[0].items()
    )


def _contents(copy: Path, catalogue: Catalogue, rulebook: Rulebook) -> Contents:
    """The contents of a copy, whose catalogue may have been read from elsewhere.

    A benefit's fingerprint covers its files, what is shared, the vocabulary, and the benefits it reads.

    Bytes, not meaning: a comment that changes costs a needless look, a change that is missed would cost an answer.
    """
    common = hashlib.sha256()
    for root, pattern in ((copy / CATALOGUE / SHARED, "*.yaml"), (copy / FACTS, "*.yaml")):
        _digest_files(common, root, pattern)
    common.update((copy / CATALOGUE / "catalogue.yaml").read_bytes())
    prints: dict[str, str] = {}
    contents: Contents = {}
    for benefit_id, compiled in rulebook.benefits.items():  # each comes after those it reads
        own = common.copy()
        source = catalogue.sources[benefit_id]
        _digest_files(own, copy / CATALOGUE / source.folder.relative_to(catalogue.folder), "*.yaml")
        read = sorted(benefits_read(source.benefit))
        own.update(json.dumps([[name, prints[name]] for name in read]).encode())
        prints[benefit_id] = own.hexdigest()
        contents.setdefault(compiled.benefit.subject, []).append((benefit_id, prints[benefit_id]))
    return contents


def _digest_files(digest: hashlib._Hash, root: Path, pattern: str) -> None:
    for file in sorted(root.rglob(pattern)):
        if file.name != "examples.yaml":
            content = file.read_bytes()
            digest.update(f"{file.relative_to(root)} {len(content)}\n".encode())
            digest.update(content)
