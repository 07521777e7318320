"""The limits of promotion and drift: one file, read and never written, whose hash every run records."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError
from features.yaml_files import read_document

_GATES = ("discrimination", "calibration", "dominance", "groups", "stability")


@dataclass(frozen=True, slots=True)
class Bound:
    """A range a figure must lie in; an end that is absent is open."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Does it lie inside? What is not a number lies nowhere."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        parts = (("at least", self.at_least), ("at most", self.at_most))
        return ", ".join(f"{word} {end}" for word, end in parts if end is not None)


@dataclass(frozen=True, slots=True)
class DriftLimits:
    """From when a drift is told."""

    input_psi: float
    score_psi: float
    missingness: float
    least_rows: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit, and the hash of the file they stand in."""

    auc: dict[str, Bound]
    auc_worse: float
    ece: dict[str, Bound]
    ece_worse: float
    dominance_pairs: int
    dominance_violations: int
    reach_gap: float
    calibration_gap: float
    least_cell: int
    rank_correlation: float
    drift: DriftLimits
    digest: str

    def bound(self, figures: dict[str, Bound], model: str, file: Path) -> Bound:
        """The bound of one model.

        Raises:
            DocumentError: the file has none for it: what nobody bounded is not promoted.
        """
        if model not in figures:
            raise DocumentError(
                doc.Place(str(file), 1, 1), f"There is no limit for the model `{model[:60]}`.", "Agree on one first."
            )
        return figures[model]


def limits_file() -> Path:
    """The limits that ship."""
    return Path(str(resources.files("models") / "lifecycle" / "limits.yaml"))


def load_limits(path: Path | None = None) -> Limits:
    """Read the limits.

    Raises:
        DocumentError: one is missing, or there is one that nobody knows.
    """
    file = path or limits_file()
    document = read_document(file)
    document.expect(("gates", "drift"), what="the limits of models")
    gates = doc.mapping_of(document.entries["gates"], "gates")
    gates.expect(_GATES, what="gates")
    drift = _numbers(document.entries["drift"], ("input", "score", "missingness", "least_rows"), "drift")
    discrimination, calibration = (_part(gates, name) for name in ("discrimination", "calibration"))
    discrimination.expect(("auc", "worse_by_at_most"), what="discrimination")
    calibration.expect(("ece", "worse_by_at_most"), what="calibration")
    dominance = _numbers(gates.entries["dominance"], ("pairs", "violations"), "dominance")
    groups = _numbers(gates.entries["groups"], ("reach_gap", "calibration_gap", "least_cell"), "groups")
    stability = _numbers(gates.entries["stability"], ("rank_correlation",), "stability")
    return Limits(
        auc=_bounds(discrimination.entries["auc"], "auc"),
        auc_worse=_number(discrimination.entries["worse_by_at_most"], "worse_by_at_most"),
        ece=_bounds(calibration.entries["ece"], "ece"),
        ece_worse=_number(calibration.entries["worse_by_at_most"], "worse_by_at_most"),
        dominance_pairs=int(dominance["pairs"]),
        dominance_violations=int(dominance["violations"]),
        reach_gap=groups["reach_gap"],
        calibration_gap=groups["calibration_gap"],
        least_cell=int(groups["least_cell"]),
        rank_correlation=stability["rank_correlation"],
        drift=DriftLimits(drift["input"], drift["score"], drift["missingness"], int(drift["least_rows"])),
        digest=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def _part(gates: doc.Mapping, name: str) -> doc.Mapping:
    return doc.mapping_of(gates.entries[name], name)


def _number(node: doc.Node, what: str) -> float:
    return float(doc.decimal_of(node, what))


def _numbers(node: doc.Node, keys: tuple[str, ...], what: str) -> dict[str, float]:
    mapping = doc.mapping_of(node, what)
    mapping.expect(keys, what=what)
    return {key: _number(mapping.entries[key], key) for key in keys}


def _bounds(node: doc.Node, what: str) -> dict[str, Bound]:
    found: dict[str, Bound] = {}
    for model, entry in doc.mapping_of(node, what).entries.items():
        mapping = doc.mapping_of(entry, f"{what} of {model}")
        mapping.expect((), ("at_least", "at_most"), what=f"{what} of {model}")
        found[model] = Bound(**{key: _number(value, key) for key, value in mapping.entries.items()})
    return found
