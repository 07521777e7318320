"""What a terminal and a log see."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import TextColumn

from serving import screen


def test_a_log_sees_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    console = Console(file=log, width=80)
    monkeypatch.setattr(screen, "err", console)
    monkeypatch.setattr(screen, "_SECONDS_BETWEEN_LINES", 0)
    with screen.SteadyProgress(TextColumn("{task.description}"), console=console) as progress:
        task = progress.add_task("determining", total=2_000)
        progress.advance(task, 1_500)
    assert log.getvalue() == "determining: 1,500 of 2,000\n"


def test_square_brackets_in_a_cell_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table("Title", ("a", "b"), [("[red]", 1_000)], figures=("b",))
    assert "[red]" in capsys.readouterr().out
