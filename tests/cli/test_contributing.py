"""A newcomer adds a benefit from CONTRIBUTING.md alone: its blocks are copied and its commands run, as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGES = ("features", "rules", "models", "explain", "serving")
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of the page."""

    kind: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """The blocks that have a kind, in order."""
    return (Block(found["kind"], found["text"]) for found in _BLOCK.finditer(page))


@pytest.fixture
def clone(tmp_path: Path, repository: Path) -> Path:
    """The project as a newcomer has it, with the commands of `make install`."""
    unwanted = shutil.ignore_patterns("__pycache__", ".*cache")
    for package in PACKAGES:
        shutil.copytree(repository / package, tmp_path / package, ignore=unwanted)
    command = tmp_path / ".venv" / "bin" / "applyfree"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" -m serving "$@"\n')
    command.chmod(0o755)
    return tmp_path


def test_a_newcomer_adds_a_benefit_from_this_page_alone(clone: Path, repository: Path) -> None:
    printed: list[str] = []
    written: list[str] = []
    for block in blocks((repository / "CONTRIBUTING.md").read_text()):
        if block.kind in ("yaml", "csv"):
            first, _, rest = block.text.partition("\n")
            path = clone / first.removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text if block.kind == "yaml" else rest)
            written.append(path.name)
        elif block.kind == "sh":
            printed = [run(command, clone) for command in block.text.splitlines()]
        elif block.kind == "text":
            for line in block.text.splitlines():
                assert line in [seen.strip() for seen in printed[-1].splitlines()]
    assert written == ["community_service.yaml", "benefit.yaml", "parameters.yaml", "examples.yaml", "person.csv"]


def run(command: str, folder: Path) -> str:
    """Run one line of the page in a shell; it must succeed."""
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "COLUMNS": "200"}
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
