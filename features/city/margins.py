"""What the city is made to look like, and how often its departments err: two data files, read strictly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError
from features.yaml_files import Shelf

ASSUMPTION = "assumption"
CONFIDENCE = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """Residents of completed ages `low` to `high`: their share of all, and the share of men among them."""

    low: int
    high: int
    share: float
    men: float


@dataclass(frozen=True, slots=True)
class District:
    """A district: its residents, and the share of them who are registered elsewhere."""

    code: str
    persons: int
    floating: float


@dataclass(frozen=True, slots=True)
class Margins:
    """Census margins. `totals` are published; the shares add up to them within rounding."""

    totals: Mapping[str, float]
    ages: tuple[AgeGroup, ...]
    household_sizes: Mapping[int, float]
    districts: tuple[District, ...]
    origins: Mapping[str, float]
    rates: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How often departments err.

    Attributes:
        rates: by kind of fault, the share of rows or subjects in which it can be.
        corrected: the share of plausible wrong values that the last delivery has put right.
        gaps: shares of subjects of whom something is not held, without anybody's fault.
    """

    rates: Mapping[str, float]
    corrected: float
    gaps: Mapping[str, float]

    def scaled(self, factor: float) -> FaultRates:
        """The same faults, so many times as often (0: none)."""
        return FaultRates(
            {kind: min(1.0, rate * factor) for kind, rate in self.rates.items()}, self.corrected, self.gaps
        )


def load_margins(path: Path | None = None) -> Margins:
    """Read the census margins.

    Raises:
        DocumentError: a figure has neither a source that is listed nor is it marked as an assumption.
    """
    document = Shelf().read(path or _shipped("margins.yaml"))
    lists = ("totals", "ages", "household_sizes", "districts", "origins", "rates")
    document.expect(("sources", *lists), what="a file of margins")
    sources = doc.mapping_of(document.entries["sources"], "sources").entries
    rows = {name: list(_figures(document.entries[name], name, sources)) for name in lists}
    return Margins(
        totals={_text(row, "name"): _number(row, "value") for row in rows["totals"]},
        ages=tuple(
            AgeGroup(int(_number(row, "from")), int(_number(row, "to")), _number(row, "share"), _number(row, "men"))
            for row in rows["ages"]
        ),
        household_sizes={int(_number(row, "size")): _number(row, "share") for row in rows["household_sizes"]},
        districts=tuple(
            District(_text(row, "code"), int(_number(row, "persons")), _number(row, "floating"))
            for row in rows["districts"]
        ),
        origins={_text(row, "code"): _number(row, "share") for row in rows["origins"]},
        rates={_text(row, "name"): _number(row, "value") for row in rows["rates"]},
    )


def load_fault_rates(path: Path | None = None) -> FaultRates:
    """Read how often each kind of fault is planted."""
    document = Shelf().read(path or _shipped("faults.yaml"))
    document.expect(("corrected", "faults", "gaps"), what="a file of faults")
    faults = doc.mapping_of(document.entries["faults"], "faults").entries
    gaps = doc.mapping_of(document.entries["gaps"], "gaps").entries
    return FaultRates(
        {kind: _share(doc.mapping_of(node, kind).entries["rate"], kind) for kind, node in faults.items()},
        _share(document.entries["corrected"], "corrected"),
        {name: _share(node, name) for name, node in gaps.items()},
    )


def _shipped(name: str) -> Path:
    return Path(str(resources.files("features") / "city" / name))


def _figures(node: doc.Node, name: str, sources: Iterable[str]) -> Iterable[doc.Mapping]:
    for item in doc.sequence_of(node, name):
        row = doc.mapping_of(item, name)
        source = _text(row, "source")
        if source == ASSUMPTION:
            doc.choice_of(row.entries.get("confidence", item), CONFIDENCE, "confidence")
            _text(row, "because")
        elif source not in sources:
            raise DocumentError(row.place, f"`{source}` is no source of this file.", "List it under `sources`.")
        yield row


def _text(row: doc.Mapping, key: str) -> str:
    if key not in row.entries:
        raise DocumentError(row.place, f"`{key}` is missing.", f"Add `{key}: …`.")
    return doc.text_of(row.entries[key], key)


def _number(row: doc.Mapping, key: str) -> float:
    if key not in row.entries:
        raise DocumentError(row.place, f"`{key}` is missing.", f"Add `{key}: …`.")
    return float(doc.decimal_of(row.entries[key], key))


def _share(node: doc.Node, what: str) -> float:
    share = doc.decimal_of(node, what)
    if not 0 <= share <= 1:
        raise DocumentError(node.place, f"`{what}` is a share.", "Write it like 0.002.")
    return float(share)
