"""The page about casework says what the code does."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from serving.casework.clocks import shipped_clocks
from serving.casework.described import clocks_table, moves_table, reasons_table, verdicts_table
from serving.casework.moves import Entitlement
from serving.casework.states import State

IN_REVIEW = Entitlement(
    1, "person", "p1", "b", "v", "2026", "CNY", 1, False, 1, "review", [], "d", State.REVIEW, 1, None,
    dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
)  # fmt: skip


def test_the_page_holds_the_tables_that_the_code_makes(repository: Path) -> None:
    page = (repository / "docs" / "casework.md").read_text(encoding="utf-8")
    for table in (moves_table(), verdicts_table(IN_REVIEW), reasons_table(), clocks_table(shipped_clocks())):
        assert table in page
