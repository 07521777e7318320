"""How long each attack on the rule editor takes until it is refused: `python -m benchmarks.hostile_rules`.

Every attack of `tests/rule_files/attacks.py` replaces files of the good world there; the whole world is then loaded and
checked, best of three. The last line of the table is the good world itself, for comparison. Exit status 1 where an
attack takes longer than the gate allows.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

from rules.catalogue import load_catalogue
from rules.check.run import check_catalogue
from tests.rule_files.attacks import GOOD, attacks

MOST_MILLISECONDS = 200.0
MOST_MEGABYTES = 64.0
ROUNDS = 3


def main() -> int:
    """Print milliseconds, memory and the first finding of each attack."""
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder) / "warm", {})
        print(f"{'ms':>8} {'MB':>6}  attack")
        for number, attack in enumerate(attacks()):
            milliseconds, megabytes, found = measure(Path(folder) / str(number), attack.files)
            slow += milliseconds > MOST_MILLISECONDS or megabytes > MOST_MEGABYTES
            first = next((text for text in found if attack.finding in text), "NOT REFUSED")
            print(f"{milliseconds:8.1f} {megabytes:6.1f}  {attack.name}: {first[:90]}")
        milliseconds, megabytes, found = measure(Path(folder) / "good", {})
        print(f"{milliseconds:8.1f} {megabytes:6.1f}  the good world, {len(found)} findings")
    print(f"{slow} attacks took more than {MOST_MILLISECONDS:.0f} ms or {MOST_MEGABYTES:.0f} MB.")
    return 1 if slow else 0


def measure(world: Path, files: Mapping[str, str]) -> tuple[float, float, list[str]]:
    """Milliseconds, peak megabytes of Python objects, and the findings of the world with these files."""
    shutil.copytree(GOOD, world)
    for name, text in files.items():
        (world / name).parent.mkdir(parents=True, exist_ok=True)
        (world / name).write_text(text, encoding="utf-8")
    best = float("inf")
    found: list[str] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = findings(world)
        best = min(best, time.perf_counter() - start)
    tracemalloc.start()
    findings(world)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return best * 1_000, peak / 1_000_000, found


def findings(world: Path) -> list[str]:
    """Everything that is wrong with a world."""
    catalogue = load_catalogue(world / "catalogue", world / "facts")
    return [finding.message + " " + finding.advice for finding in check_catalogue(catalogue)]


if __name__ == "__main__":
    sys.exit(main())
