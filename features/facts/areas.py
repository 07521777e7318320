"""Versioned administrative areas: a hierarchy of codes in force on a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from features import documents as doc
from features.documents import DocumentError, Findings, Wording
from features.yaml_files import Shelf


@dataclass(frozen=True, slots=True)
class Area:
    """One administrative area; it exists on `[start, end)`.

    A code that ended keeps its place in the hierarchy, so that a record which still bears it is read rightly:
    `successors` say where its people belong now.
    """

    code: str
    names: Wording
    parent: str | None
    start: dt.date | None = None
    end: dt.date | None = None
    successors: tuple[str, ...] = ()

    def exists(self, on_date: dt.date) -> bool:
        """Is the code in force on the day?"""
        return (self.start is None or self.start <= on_date) and (self.end is None or on_date < self.end)


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """All areas by code."""

    by_code: dict[str, Area]

    def __contains__(self, code: object) -> bool:
        return code in self.by_code

    def line(self, code: str) -> Iterator[str]:
        """The code and every area that encloses it, nearest first. Unknown codes yield only themselves."""
        current: str | None = code
        while current is not None:
            yield current
            area = self.by_code.get(current)
            current = area.parent if area else None

    def within(self, code: str, enclosing: str) -> bool:
        """Does `code` lie in `enclosing` (or equal it)?"""
        return enclosing in self.line(code)

    def now(self, code: str, on_date: dt.date) -> tuple[str, ...]:
        """The codes to which a record that bears `code` may belong on a day, in order.

        The code itself while it is in force, or where nothing succeeded it; else its successors, and theirs.
        """
        found: set[str] = set()
        seen: set[str] = set()
        left = [code]
        while left:
            current = left.pop()
            if current in seen:
                continue
            seen.add(current)
            area = self.by_code.get(current)
            if area is None or not area.successors or area.end is None or on_date < area.end:
                found.add(current)
            else:
                left += area.successors
        return tuple(sorted(found)) or (code,)

    def inside(self, root: str) -> Areas:
        """Only the areas that lie in `root`, itself included."""
        return Areas({code: self.by_code[code] for code in self.below(root)})

    def below(self, enclosing: str) -> list[str]:
        """Every code that lies in `enclosing`, itself included, in order."""
        return sorted(code for code in self.by_code if self.within(code, enclosing))


def load_areas(path: Path, findings: Findings, shelf: Shelf) -> Areas:
    """Read `areas.yaml`; a parent or successor that does not exist and a cycle are findings."""
    by_code: dict[str, Area] = {}
    parents: list[tuple[Area, doc.Place]] = []
    with findings.collecting():
        document = shelf.read(path)
        document.expect(("areas",), what="areas.yaml")
        for node in doc.sequence_of(document.entries["areas"], "areas"):
            with findings.collecting():
                area = _read_area(node)
                if area.code in by_code:
                    raise DocumentError(node.place, f"The area {area.code} stands here twice.", "Remove one.")
                by_code[area.code] = area
                parents.append((area, node.place))
    for area, place in parents:
        for other in (area.parent, *area.successors):
            if other is not None and other not in by_code:
                findings.append(
                    doc.Finding(
                        place,
                        f"The area {area.code} names {other}, which is not listed.",
                        "Add that area, or correct `parent` or `succeeded_by`.",
                    )
                )
        seen: set[str] = set()
        code: str | None = area.code
        while code is not None and code not in seen:
            seen.add(code)
            code = by_code[code].parent if code in by_code else None
        if code is not None:
            findings.append(doc.Finding(place, f"The area {area.code} encloses itself.", "Correct one `parent`."))
            by_code[area.code] = Area(area.code, area.names, None, area.start, area.end)
    return Areas(by_code)


def _read_area(node: doc.Node) -> Area:
    entry = doc.mapping_of(node, "an area")
    entry.expect(("code", "names"), ("parent", "from", "to", "succeeded_by", "note"), what="an area")
    get = entry.entries
    successors = get.get("succeeded_by")
    if successors is None:
        codes: tuple[str, ...] = ()
    elif isinstance(successors, doc.Scalar):
        codes = (successors.text,)
    else:
        codes = tuple(doc.text_of(item, "succeeded_by") for item in doc.sequence_of(successors, "succeeded_by"))
    return Area(
        code=doc.text_of(get["code"], "code"),
        names=doc.wording_of(get["names"], "names"),
        parent=doc.text_of(get["parent"], "parent") if "parent" in get else None,
        start=doc.date_of(get["from"], "from") if "from" in get else None,
        end=doc.date_of(get["to"], "to") if "to" in get else None,
        successors=codes,
    )
