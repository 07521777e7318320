"""How benchmarks report: a table on the screen, JSON for machines, both from one result."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, with what it is compared with in the same run."""

    what: str
    value: float
    unit: str
    peer: str = ""
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found, and on what."""

    benchmark: str
    setting: dict[str, str | int | float]
    figures: list[Figure] = field(default_factory=list)

    def show(self) -> None:
        """Print the figures as a table."""
        table = Table(title=f"{self.benchmark} · " + ", ".join(f"{k} {v}" for k, v in self.setting.items()))
        for heading in ("figure", "value", "unit", "against", "ratio"):
            table.add_column(heading, justify="right" if heading in ("value", "ratio") else "left")
        for f in self.figures:
            ratio = "" if f.ratio is None else f"{f.ratio:,.2f}"
            table.add_row(f.what, f"{f.value:,.3f}" if f.value < 100 else f"{f.value:,.0f}", f.unit, f.peer, ratio)
        Console().print(table)

    def save(self, name: str) -> Path:
        """Write the result as JSON beside the benchmarks."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.json"
        content = {**asdict(self), "python": platform.python_version(), "machine": platform.machine()}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path
