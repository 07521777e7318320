"""What the pages say of the command line is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from rules.evaluate.output import schema
from tests.cli.shell import applyfree


def test_the_page_names_every_column_of_an_answer(repository: Path) -> None:
    page = (repository / "docs/command_line.md").read_text()
    rows = page.partition("## Determinations")[2].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| `")]
    assert [name for cell in cells for name in re.findall(r"`(\w+)`", cell)] == list(schema(2))


def test_the_page_names_every_command(repository: Path) -> None:
    page = (repository / "docs/command_line.md").read_text()
    listed = re.findall(r"^│ (\w+)  ", applyfree("--help").out, re.MULTILINE)
    assert {"check", "examples", "evaluate", "explain", "catalogue", "demo"} <= set(listed)
    assert [name for name in listed if f"`applyfree {name}" not in page] == []


def test_the_module_is_the_same_command(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "serving", "--help"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert "Usage: applyfree" in done.stdout


def test_without_a_command_the_commands_are_listed() -> None:
    done = applyfree()
    assert "evaluate" in done.out + done.err
