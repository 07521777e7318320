"""What the commands show on a terminal: findings one per line, tables, progress, errors.

Lines that a program may read (`file:line:column: message`) are never wrapped, coloured or marked up. Progress goes to
stderr and only where a person watches, so that what is written to a file stays clean.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from shutil import get_terminal_size
from time import perf_counter
from typing import Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

_WIDTH_WITHOUT_TERMINAL = 160
_SECONDS_BETWEEN_LINES = 10

out = Console(highlight=False, width=get_terminal_size((_WIDTH_WITHOUT_TERMINAL, 40)).columns)
err = Console(stderr=True, highlight=False)


def line(text: object) -> None:
    """One line on stdout, exactly as it is."""
    out.print(str(text), markup=False, soft_wrap=True)


def note(text: object) -> None:
    """One line for the person at the terminal, on stderr."""
    err.print(str(text), markup=False, soft_wrap=True)


def error(text: object) -> None:
    """What went wrong, on stderr."""
    err.print("[bold red]Error:[/] ", end="")
    err.print(str(text), markup=False, soft_wrap=True)


def table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[object]],
    figures: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> None:
    """A table on stdout.

    Args:
        title: stands above it.
        columns: the headings.
        rows: one value per column.
        figures: the headings of the columns that hold figures; they stand to the right.
        whole: the headings of the columns that are never broken into lines.
    """
    right, unbroken = set(figures), {*figures, *whole}
    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        side: Literal["left", "right"] = "right" if column in right else "left"
        shown.add_column(column, justify=side, overflow="fold", no_wrap=column in unbroken)
    for row in rows:
        shown.add_row(*(_cell(value) for value in row))
    out.print(shown)


class SteadyProgress(Progress):
    """A progress bar where a person watches; where nobody does, a line now and then, so that a log shows life."""

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        super().__init__(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._told = perf_counter()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Some steps more of a task are done."""
        super().advance(task_id, advance)
        if self.disable and perf_counter() - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = perf_counter()
            task = next(task for task in self.tasks if task.id == task_id)
            whole = f" of {task.total:,.0f}" if task.total else ""
            note(f"{task.description}: {task.completed:,.0f}{whole}")


def progress() -> Progress:
    """Progress on stderr; a bar leaves nothing behind."""
    return SteadyProgress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    )


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return str(value).replace("[", r"\[")
