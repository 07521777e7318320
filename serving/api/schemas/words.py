"""What people wrote on a case, on its way out and in."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from serving.api.schemas.answers import Answer, Body, Part, Words
from serving.api.schemas.deciding import DecisionOut


class NoteIn(Body):
    """A note on a case."""

    words: Words


class NoteOut(Part):
    """A note on a case."""

    author: str
    by: str = Field(description="officer, citizen or proxy")
    at: dt.datetime
    words: str | None = Field(description="None: whom it is about was erased, and with them what was said.")


class NotesOut(Answer):
    """Everything that was written on a case."""

    notes: list[NoteOut]


class NoteMade(Answer):
    """The number of the note."""

    note: int


class DecisionWithWords(Part):
    """A decision, and why in its officer's words."""

    decision: DecisionOut
    words: str | None = Field(description="None: there are none, they are withheld, or their subject was erased.")
    withheld: bool = Field(default=False, description="The words protect somebody, and are not for this reader.")


class CaseDecisionsOut(Answer):
    """All that was decided on a case, oldest first."""

    decisions: list[DecisionWithWords]
