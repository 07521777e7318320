"""All benchmarks, one after the other, each in a process of its own; then docs/benchmarks.md.

python -m benchmarks            (about ten minutes; policyengine only where its environment has been set up)
"""

from __future__ import annotations

import subprocess
import sys

RUNS = (
    ("benchmarks.household",),
    ("benchmarks.explanations",),
    ("benchmarks.incremental", "--persons", "4000000"),
    ("benchmarks.population", "--persons", "1000000"),
    ("benchmarks.population", "--persons", "10000000"),
    ("benchmarks.history", "--persons", "1000000"),
    ("benchmarks.intake",),
    ("benchmarks.hostile_rules",),
    ("benchmarks.feature_store", "--persons", "100000"),
    ("benchmarks.take_up",),
    ("benchmarks.document",),
)


def main() -> int:
    """Run them."""
    for module, *arguments in RUNS:
        print(f"== {module} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
