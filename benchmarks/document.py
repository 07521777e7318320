# ruff: noqa: E501 (the page's own tables)
"""Writes docs/benchmarks.md from the results that lie beside the benchmarks.

python -m benchmarks.document
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS

TARGET = Path(__file__).parent.parent / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

Every figure comes from one command, on 2 cores, with the peer that it is compared with in the same run; `make bench` runs
them all and writes this page. Speeds on a shared machine drift by a third and more: trust the ratios, and repeat.
Rule depth stands beside each figure: benefits in force on the day, their criteria, distinct plan nodes, distinct facts
read, and the longest chain of nodes.

| benchmark | command | what it measures |
|---|---|---|
| (a) population | `python -m benchmarks.population --persons 10000000` | everybody × the whole Chinese catalogue: outcome, amount, unmet, missing, next change; peers: only reading the files, and the reference evaluator |
| (b) policyengine | `python -m benchmarks.policyengine` | the US catalogue against policyengine-us on the same households; see [the agreement](policyengine_agreement.md) |
| (c) household | `python -m benchmarks.household` | one household, every benefit, with full trace |
| (d) incremental | `python -m benchmarks.incremental --persons 4000000` | a day on which 1 % of subjects changed, against answering everything again |
| explanations | `python -m benchmarks.explanations` | SHAP contributions one by one and of a million people, and one person's whole explanation of one benefit; peer: LightGBM's own batch |
| intake | `python -m benchmarks.intake` | rows per second and core that are checked and taken in from departments' files, Parquet and CSV; peer: plain Polars reading them |
| hostile rules | `python -m benchmarks.hostile_rules` | how long it takes to refuse an attack on the rule editor |

"""


def main() -> None:
    """Write the page."""
    parts = [INTRODUCTION]
    for path in sorted(RESULTS.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if "figures" in content:
            parts.append(_section(path.stem, content))
    TARGET.write_text("\n".join(parts), encoding="utf-8")


def _section(name: str, content: dict[str, Any]) -> str:
    setting = ", ".join(f"{key} {value}" for key, value in content["setting"].items())
    lines = [
        f"## {content['benchmark']} (`{name}`)",
        "",
        setting,
        "",
        "| figure | value | unit | against | ratio |",
        "|---|--:|---|---|--:|",
    ]
    for figure in content["figures"]:
        value, ratio = figure["value"], figure["ratio"]
        shown = f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
        lines.append(
            f"| {figure['what']} | {shown} | {figure['unit']} | {figure['peer']} | {'' if ratio is None else f'{ratio:,.3f}'} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
