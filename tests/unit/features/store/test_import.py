"""Feast takes seconds to import: the command line, and a page that reads facts, do without."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    ["serving.cli", "serving.purposes", "features.store.reading", "features.store.filling", "features.store.skew"],
)
def test_feast_is_not_imported(module: str) -> None:
    told = f"import sys, {module}; print([name for name in ('feast', 'pandas', 'redis') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
