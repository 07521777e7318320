"""The command line as a person meets it: what is typed, what is printed, and the exit status."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from serving.cli import app
from tests.village_world import CATALOGUE, FACTS

VILLAGE = ("--vocabulary", str(FACTS))
WITH_VILLAGE = ("--catalogue", str(CATALOGUE), *VILLAGE)


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str


def applyfree(*arguments: str | Path) -> Done:
    """Run one command."""
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)
