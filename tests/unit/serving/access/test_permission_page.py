"""`docs/access.md` shows the table of permissions as it is."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from serving.access.actions import Action, Purpose
from serving.access.conditions import Condition
from serving.access.permission_page import WORDS, permission_tables
from serving.access.roles import Role

BEGIN, END = "<!-- permissions: made by serving.access.permission_page -->\n", "<!-- end of permissions -->\n"


def test_the_page_shows_the_table(repository: Path) -> None:
    page = (repository / "docs" / "access.md").read_text(encoding="utf-8")
    shown = page.partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == permission_tables().strip(), "print permission_tables() between the two marks of the page"


def test_everything_has_words_in_both_languages() -> None:
    assert set(WORDS) == {*Role, *Purpose, *Condition}
    assert all(chain.from_iterable(WORDS.values()))


def test_every_action_is_shown() -> None:
    shown = permission_tables()
    assert all(f"`{action}`" in shown for action in Action)
