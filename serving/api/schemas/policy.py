"""What policy staff are answered: the catalogue and figures."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from serving.api.schemas.answers import Answer, Part, Wording


class ItemOut(Part):
    """An item of the catalogue, with the way in which it is delivered and why."""

    benefit: str
    name: Wording
    of: str
    area: str | None
    law: list[str]
    ceiling: str | None = Field(description="No answer of it is delivered with less care; null: none.")
    demoted_because: list[dict[str, Any]]
    tiers: dict[str, int | None] = Field(description="How many answers per tier; null: fewer than ten, or derivable.")


class CatalogueOut(Answer):
    """Every item, its tier and why."""

    items: list[ItemOut]


class FigureOut(Part):
    """A count; null: fewer than ten, or it could be worked out from others."""

    key: dict[str, str]
    count: int | None


class FiguresOut(Answer):
    """Counts, nobody's rows."""

    figures: list[FigureOut]
    total: int | None
    hidden: int = Field(description="How many counts are not shown.")
