"""From folders to a rulebook: read every benefit of a catalogue, compile it, and name the whole by a content hash."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from features import documents as doc
from features.documents import ConsequenceError, DocumentError, Findings, Place, Wording
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary, facts_folder, load_vocabulary
from features.yaml_files import Shelf
from rules.benefit_files import read_benefit
from rules.benefits import Benefit, benefits_read
from rules.compile import Compiler
from rules.content import content_hash
from rules.language.types import join
from rules.ordering import dependencies_first
from rules.parameters import Parameter, load_parameters
from rules.rulebook import MOST_MISSING_NAMES, CompiledBenefit, CompiledVersion, Rulebook
from rules.scope import BrokenNames, Interner, OtherBenefit, Scope
from rules.versions import VersionCompiler

SHARED = "shared"


@dataclass(slots=True)
class Source:
    """One benefit as read, before compilation."""

    benefit: Benefit
    folder: Path
    parameters: dict[str, Parameter]
    broken: frozenset[str] = frozenset()
    """Parameters that have a mistake; they are left out."""


@dataclass(slots=True)
class Catalogue:
    """What one catalogue folder holds: the rulebook (None where it cannot be built) and all that is wrong."""

    folder: Path
    facts: Path
    names: Wording
    rulebook: Rulebook | None
    findings: Findings
    sources: dict[str, Source] = field(default_factory=dict)
    shared: dict[str, Parameter] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf, repr=False)
    """The files as they were read."""


def catalogue_folders(path: Path) -> list[Path]:
    """The catalogues at or directly below a folder (those that hold `catalogue.yaml`).

    Raises:
        DocumentError: there is none.
    """
    if (path / "catalogue.yaml").is_file():
        return [path]
    found = sorted(p.parent for p in path.glob("*/catalogue.yaml"))
    if not found:
        raise DocumentError(
            Place(str(path), 1, 1),
            "There is no catalogue here.",
            "A catalogue is a folder that holds `catalogue.yaml`.",
        )
    return found


def load_catalogue(folder: Path, facts: Path | None = None) -> Catalogue:
    """Read and compile a catalogue; every mistake is a finding, and what has one is left out.

    Args:
        folder: holds `catalogue.yaml`, `shared/` and one folder per benefit.
        facts: where subjects, areas and dictionaries are; those of the package by default.

    Returns:
        A catalogue of its own; the same files compiled again give the same rulebook, which is never changed.
    """
    facts = facts or facts_folder()
    found = _compiled(folder, facts, _written(folder, facts))
    return dataclasses.replace(
        found, findings=found.findings.copied(), sources=dict(found.sources), shared=dict(found.shared)
    )


def _written(folder: Path, facts: Path) -> bytes:
    """A digest of all that is read of a catalogue: every YAML file byte for byte, and which folders there are."""
    digest = hashlib.sha256()
    for root in (folder, facts):
        for path in sorted(root.rglob("*")):
            if path.is_dir():
                digest.update(f"\0{path.relative_to(root)}/".encode())
            elif path.suffix == ".yaml":
                try:
                    content = path.read_bytes()
                except OSError:  # told of where it is read
                    content = b"\0"
                digest.update(f"\0{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.digest()


@lru_cache(maxsize=4)
def _compiled(folder: Path, facts: Path, written: bytes) -> Catalogue:
    """What stands so written is compiled once per process: most of what starts reads a catalogue more than once."""
    findings = Findings()
    catalogue = Catalogue(folder, facts, Wording("", ""), None, findings)
    with findings.collecting():
        frame = catalogue.shelf.read(folder / "catalogue.yaml")
        frame.expect(("jurisdiction", "currency", "root_area", "names"), ("note",), what="catalogue.yaml")
        catalogue.names = doc.wording_of(frame.entries["names"], "names")
        jurisdiction = doc.text_of(frame.entries["jurisdiction"], "jurisdiction")
        vocabulary = _vocabulary(frame.entries["jurisdiction"], jurisdiction, facts, findings, catalogue.shelf)
        if any(Path(finding.place.file).name in ("subjects.yaml", "areas.yaml") for finding in findings):
            raise ConsequenceError(frame.place, "Subjects or areas have mistakes.", "Correct them first.")
        root = doc.text_of(frame.entries["root_area"], "root_area")
        if root not in vocabulary.areas:
            raise DocumentError(frame.entries["root_area"].place, f"There is no area `{root}`.", "See areas.yaml.")
        # Whoever lives outside of the root area is outside of this catalogue: such a code is not known here.
        vocabulary = dataclasses.replace(vocabulary, areas=vocabulary.areas.inside(root))
        currency = doc.text_of(frame.entries["currency"], "currency")
        _Loader(catalogue, vocabulary, currency, root, facts).load()
    findings[:] = sorted(set(findings))
    return catalogue


def _vocabulary(place_of: doc.Node, jurisdiction: str, facts: Path, findings: Findings, shelf: Shelf) -> Vocabulary:
    known = sorted(path.name for path in (facts / "dictionary").glob("*") if path.is_dir())
    if jurisdiction not in known:
        raise DocumentError(
            place_of.place,
            f"There is no fact dictionary for the jurisdiction `{jurisdiction}`.",
            doc.nearest_advice(jurisdiction, known, f"Add a folder under {facts / 'dictionary'}. There are: "),
        )
    return load_vocabulary(jurisdiction, findings, facts, shelf)


class _Loader:
    """Fills a catalogue."""

    def __init__(self, catalogue: Catalogue, vocabulary: Vocabulary, currency: str, root: str, facts: Path) -> None:
        self.catalogue = catalogue
        self.findings = catalogue.findings
        self.vocabulary = vocabulary
        self.currency = currency
        self.root = root
        self.facts = facts
        self.interner = Interner()
        self.others: dict[str, OtherBenefit] = {}
        self.compiled: dict[str, CompiledBenefit] = {}
        self.names = BrokenNames()
        self.broken: set[str] = set()
        """Benefits with mistakes: those that read them are left out without findings of their own."""

    def load(self) -> None:
        folder = self.catalogue.folder
        self._read_shared(folder / SHARED / "parameters.yaml")
        for path in sorted(p for p in folder.iterdir() if p.is_dir() and p.name != SHARED):
            if (path / "benefit.yaml").exists():
                with self._marking(path.name):
                    self._read(path)
            elif not path.name.startswith((".", "_")):
                self.findings.append(
                    doc.Finding(
                        Place(str(path), 1, 1), "This folder holds no benefit.yaml.", "Add one, or remove the folder."
                    )
                )
        for benefit_id in self._order():
            if benefits_read(self.catalogue.sources[benefit_id].benefit).keys() & self.broken:
                self.broken.add(benefit_id)
                continue
            with self._marking(benefit_id):
                self._compile(self.catalogue.sources[benefit_id])
        for benefit_id in self.broken & self.compiled.keys():
            del self.compiled[benefit_id]
        self.catalogue.rulebook = Rulebook(
            self.vocabulary.jurisdiction,
            self.currency,
            self.root,
            self.vocabulary,
            self.compiled,
            {s.benefit.id: s.parameters for s in self.catalogue.sources.values()},
            content_hash(folder, self.facts, self.vocabulary.jurisdiction, self.catalogue.shelf),
            self.interner,
        )

    @contextmanager
    def _marking(self, benefit_id: str) -> Iterator[None]:
        """Collect what is wrong inside, and note the benefit as broken if anything is."""
        before = self.findings.failures
        with self.findings.collecting():
            yield
        if self.findings.failures > before:
            self.broken.add(benefit_id)

    def _read_shared(self, path: Path) -> None:
        """The parameters that several benefits read; also notes which names cannot be known from here on."""
        dictionary = self.vocabulary.dictionary
        broken: frozenset[str] = frozenset()
        unread = False
        if path.is_file():
            unread = True
            with self.findings.collecting():
                self.catalogue.shared, broken = load_parameters(
                    self.catalogue.shelf.read(path),
                    self.currency,
                    self.vocabulary.areas,
                    self.findings,
                    trusted_only=False,
                )
                unread = False
        self.names = BrokenNames(dictionary.broken, broken, dictionary.incomplete, unread)

    def _read(self, path: Path) -> None:
        document = self.catalogue.shelf.read(path / "benefit.yaml")
        areas = self.vocabulary.areas
        benefit = read_benefit(document, path.name, self.vocabulary.subjects.kinds, areas, self.findings)
        self._check_area_by(benefit, document)
        parameters: dict[str, Parameter] = {}
        broken: frozenset[str] = frozenset()
        if (path / "parameters.yaml").exists():
            parameters, broken = load_parameters(
                self.catalogue.shelf.read(path / "parameters.yaml"),
                self.currency,
                self.vocabulary.areas,
                self.findings,
                trusted_only=not benefit.needs_confirmation,
            )
        self.catalogue.sources[benefit.id] = Source(benefit, path, parameters, broken)

    def _check_area_by(self, benefit: Benefit, document: doc.Mapping) -> None:
        if benefit.area_by is None:
            if benefit.area != self.root or any(v.area not in (None, self.root) for v in benefit.versions):
                raise DocumentError(
                    document.entries["area"].place,
                    "A benefit of one area needs `area_by`.",
                    "Name the fact that says which area serves the subject, like `area_by: hukou_area`.",
                )
            return
        place = document.entries["area_by"].place
        fact = self.vocabulary.dictionary.facts.get(benefit.area_by)
        holders = {benefit.subject}
        if benefit.subject == PERSON:
            holders |= set(self.vocabulary.subjects.groups)
        if fact is None or fact.type.kind != "area" or fact.subject not in holders:
            facts = self.vocabulary.dictionary.facts.values()
            areas = [f.id for f in facts if f.subject in holders and f.type.kind == "area"]
            kind = ConsequenceError if benefit.area_by in self.names.names else DocumentError
            raise kind(
                place,
                f"`area_by` is `{benefit.area_by}`, which is no area fact of a {benefit.subject}.",
                doc.nearest_advice(benefit.area_by, areas, "There are: "),
            )

    def _order(self) -> list[str]:
        """Benefits after those they read; a circle is a finding, and its benefits are broken."""
        sources = self.catalogue.sources
        reads = {name: benefits_read(sources[name].benefit) for name in sorted(sources)}
        order, circles = dependencies_first(reads)
        for circle in circles:
            self.broken.update(circle)
            self.findings.append(
                doc.Finding(
                    reads[circle[-1]][circle[0]],
                    f"Benefits read each other in a circle: {' → '.join([*circle, circle[0]])}.",
                    "Read a receipt fact instead of one of the results.",
                )
            )
        return order

    def _compile(self, source: Source) -> None:
        benefit = source.benefit
        before = self.findings.failures
        versions: list[CompiledVersion] = []
        for version in benefit.versions:
            scope = Scope(
                self.vocabulary,
                self.currency,
                benefit.subject,
                version.area or benefit.area,
                benefit.area_by,
                {**self.catalogue.shared, **source.parameters},
                version.definitions,
                self.others,
                self.interner,
                broken=dataclasses.replace(
                    self.names,
                    names=self.names.names | version.broken,
                    parameters=self.names.parameters | source.broken,
                ),
            )
            with self.findings.collecting():
                versions.append(VersionCompiler(scope, self.root, self.findings).compile(benefit, version))
        if self.findings.failures > before or benefit.id in self.broken:
            return
        versions = self._same_amounts(versions)
        amounts = [v.amount for v in versions if v.amount is not None]
        amount_type = amounts[0].type if amounts else None
        read = [*amounts, *(condition for v in versions for condition in v.conditions)]
        depth = len(versions) + 2 + max(self.interner.depth(node) for node in read)
        if amounts:
            low, high = min(a.low for a in amounts), max(a.high for a in amounts)
            self.others[benefit.id] = OtherBenefit(benefit.subject, amount_type, amounts[0].scale, low, high, depth)
        else:
            self.others[benefit.id] = OtherBenefit(benefit.subject, None, depth=depth)
        self.compiled[benefit.id] = CompiledBenefit(benefit, tuple(versions), amount_type)
        self._check_versions(benefit)
        self._check_names(benefit)

    def _same_amounts(self, versions: list[CompiledVersion]) -> list[CompiledVersion]:
        """All versions pay in one type and at one scale, so that their answers stand in one column."""
        amounts = [v.amount for v in versions if v.amount is not None]
        if not amounts:
            return versions
        if len(amounts) != len(versions):
            raise DocumentError(
                versions[0].version.place, "Some versions pay an amount and some in kind.", "Split the benefit."
            )
        first = amounts[0].type
        for version, amount in zip(versions, amounts, strict=True):
            if join(first, amount.type) is None:
                raise DocumentError(
                    version.version.amount.place, f"The versions pay {first} and {amount.type}.", "Split the benefit."
                )
        scale = max(a.scale for a in amounts)
        arithmetic = Compiler(self._bare_scope()).arithmetic
        return [
            dataclasses.replace(v, amount=arithmetic.rescale(a, scale - a.scale, v.version.amount.place))
            for v, a in zip(versions, amounts, strict=True)
        ]

    def _bare_scope(self) -> Scope:
        return Scope(self.vocabulary, self.currency, "person", self.root, None, {}, {}, {}, self.interner)

    def _check_versions(self, benefit: Benefit) -> None:
        for index, version in enumerate(benefit.versions):
            for other in benefit.versions[index + 1 :]:
                same_area = (version.area or benefit.area) == (other.area or benefit.area)
                ends = (version.end or other.start, other.end or version.start)
                apart = (version.end is not None and ends[0] <= other.start) or (
                    other.end is not None and ends[1] <= version.start
                )
                if same_area and not apart:
                    self.findings.append(
                        doc.Finding(
                            other.place,
                            f"Two versions of `{benefit.id}` are in force on {max(version.start, other.start)}.",
                            "End the earlier one with `to:`, or give one an `area`.",
                        )
                    )

    def _check_names(self, benefit: Benefit) -> None:
        book = Rulebook(
            self.vocabulary.jurisdiction,
            self.currency,
            self.root,
            self.vocabulary,
            self.compiled,
            {},
            "",
            self.interner,
        )
        for day in sorted({v.start for v in benefit.versions}):
            names = book.in_force(day)[benefit.id].names
            if len(names) > MOST_MISSING_NAMES:
                raise DocumentError(
                    benefit.place,
                    f"`{benefit.id}` reads {len(names)} facts and parameters; {MOST_MISSING_NAMES} fit.",
                    "Split the benefit.",
                )
