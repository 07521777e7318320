"""Where the program keeps its state: the only place that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder of everything that is written without a name of its own."""
    return Path(os.environ.get("APPLYFREE_HOME") or "var")
