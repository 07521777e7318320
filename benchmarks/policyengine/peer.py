"""The peer's environment and its run, out of process."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
SCRIPT = Path(__file__).with_name("peer_run.py")


@dataclass(frozen=True, slots=True)
class PeerRun:
    """What the peer answered, and what it cost: processor seconds of the whole process and of the benefits."""

    answers: pl.DataFrame
    process_seconds: float
    benefit_seconds: float
    report: dict[str, Any]


def set_up(folder: Path) -> Path:
    """Create the peer's environment with pinned versions; its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--no-deps", "-r", REQUIREMENTS], check=True)
    return python


def run_peer(python: Path, facts: Path, month: str, out: Path) -> PeerRun:
    """Run the peer on a folder of facts.

    Raises:
        subprocess.CalledProcessError: it failed; its words are on standard error.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [python, SCRIPT, "--facts", facts, "--month", month, "--out", out],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report = json.loads(done.stdout.strip().splitlines()[-1])
    sys.stdout.flush()
    return PeerRun(pl.read_parquet(out), seconds, float(report["cpu_benefits_seconds"]), report)
