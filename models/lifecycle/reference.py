"""The drift reference of a model, kept beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from models.lifecycle.drift import Reference

FILE = "reference.json"


def write_reference(reference: Reference, folder: Path) -> None:
    """Write it beside the model."""
    text = json.dumps(asdict(reference), indent=1, sort_keys=True, allow_nan=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_reference(folder: Path) -> Reference:
    """Read it back."""
    return Reference(**json.loads((folder / FILE).read_text(encoding="utf-8")))
