"""Acts on many cases, on the way out and in: their figures and cases, never whose they are."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from serving.api.schemas.answers import Answer, Body, Part, Wording
from serving.casework.bulk_preview import MOST_CASES, LeftOut

ForMany = Literal["grant", "offer", "ask"]
"""Nothing is taken away from many at once."""
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
CaseNumber = Annotated[int, Field(ge=1, le=2**62, examples=[4711])]
Size = Annotated[int, Field(ge=1, le=MOST_CASES, description="How many cases, typed by a human.", examples=[2])]
_FINGERPRINT = "Of all that is shown here: send it back with what you propose or agree to."


class BulkLine(Part):
    """One of many cases: what it is about, not whose it is. To see it whole, open it."""

    case: int = Field(examples=[4711])
    revision: int = Field(description="Of the case, as it is shown here.", examples=[3])
    benefit: str = Field(examples=["advanced_age_allowance"])
    period: str = Field(examples=["2026-03"])
    district: str = Field(examples=["110101"])
    amount_minor: int | None = Field(description="In minor units; null: no certain amount.", examples=[20_000])
    unit: str = Field(examples=["CNY"])
    hardship: bool
    is_outlier: bool = Field(description="Its amount is far from the others' of its benefit.")


class TotalOut(Part):
    """The sum of the amounts in one unit."""

    unit: str = Field(examples=["CNY"])
    amount_minor: int = Field(examples=[40_000])


class BenefitCount(Part):
    """How many cases of one benefit."""

    benefit: str = Field(examples=["advanced_age_allowance"])
    cases: int = Field(examples=[2])


class LeftOutLine(Part):
    """A case that is decided by itself."""

    case: int = Field(examples=[4712])
    why: LeftOut | Literal["not_there"] = Field(examples=["above_cap"])
    says: Wording


class PictureOut(Part):
    """What an act on many cases would do."""

    lines: list[BulkLine]
    totals: list[TotalOut]
    by_benefit: list[BenefitCount]
    unmeasured: int = Field(description="How many have no certain amount, and stand in no total.")
    outliers: list[int] = Field(description="Cases whose amount is far from the others' of their benefit.")
    left_out: list[LeftOutLine]
    seen: str = Field(description=_FINGERPRINT, examples=["0" * 64])


class PreviewOut(Answer):
    """What an act on many cases would do; nothing is done."""

    verdict: ForMany
    size: int = Field(description="How many cases it would be about.", examples=[2])
    drawn: int = Field(description="How many of them its author will open one by one, drawn by chance.", examples=[1])
    picture: PictureOut


class SeenCase(Body):
    """A case as it was shown."""

    case: CaseNumber
    revision: Annotated[int, Field(ge=0, le=2**31 - 1, examples=[3])]


class ProposeIn(Body):
    """An act on the cases of a preview, as they were seen."""

    verdict: ForMany
    cases: Annotated[list[SeenCase], Field(min_length=1, max_length=MOST_CASES)]
    seen: Fingerprint = Field(description="The `seen` of the preview.", examples=["0" * 64])
    size: Size


class AgreeIn(Body):
    """Agreeing to an act as it was seen."""

    seen: Fingerprint = Field(description="The `seen` of the act.", examples=["0" * 64])
    size: Size


class BulkState(Answer):
    """An act on many cases and how far it is: nobody's data."""

    act: int = Field(examples=[12])
    verdict: ForMany
    size: int = Field(examples=[40])
    state: Literal["proposed", "agreed", "returned", "undone", "carried_out"]
    officer: str = Field(description="Who proposed it.", examples=["officer-ann"])
    second: str | None = Field(description="Who agreed.", examples=["supervisor-sue"])
    proposed_at: dt.datetime
    agreed_at: dt.datetime | None
    undo_until: dt.datetime | None = Field(
        description="Until then it can be undone, and nothing is delivered; null: it is not agreed to, or settled."
    )
    drawn: list[int] = Field(description="Cases that its author opens one by one before anybody can agree.")
    unopened: list[int] = Field(description="Those of them that are not opened yet.")
    left: list[int] = Field(description="Of what was carried out: cases that had changed, and are open again.")
    waits_for: Literal["author", "second", "time", "nothing"]


class BulkOut(BulkState):
    """An act on many cases; while it can still be agreed to or undone, with what it would do now."""

    picture: PictureOut | None


class BulkActsOut(Answer):
    """Acts on many cases, oldest first."""

    acts: list[BulkState]
