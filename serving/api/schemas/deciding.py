"""From one's own view to a decision and its second person, on the way out and in."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from serving.api.schemas.answers import Answer, Body, Code, Line, Part, Wording, Words
from serving.casework.review import Verdict, View

Minor = Annotated[int, Field(ge=0, le=2**53)]


class ViewIn(Body):
    """What I think, before the machine is heard."""

    view: View


class RecommendationOut(Answer):
    """What the engine would do; null: it leaves the answer to a human."""

    verdict: Verdict | None
    reasons: list[dict[str, Any]]


class SimilarOut(Part):
    """A case that was decided by humans; whose, is not told."""

    month: str = Field(examples=["2026-01"])
    verdict: Verdict
    reason_code: str | None
    same_reasons: int = Field(description="How many of the reasons it shares.")


class SimilarCasesOut(Answer):
    """Three that were decided as the engine would, three that were not."""

    alike: list[SimilarOut]
    otherwise: list[SimilarOut]


class ContributionOut(Part):
    """What a model looked at; not why the law says so."""

    fact: str
    name: Wording
    share: float


class ContributionsOut(Answer):
    """What the model that ordered the queue looked at."""

    model: str
    contributions: list[ContributionOut]


class DecideIn(Body):
    """What I decide. Otherwise than recommended it takes a code and words, and no step more."""

    verdict: Verdict
    reason_code: Code | None = Field(default=None, examples=["DATA_WRONG"])
    words: Words | None = None
    clause: Line | None = None
    amount_minor: Minor | None = Field(
        default=None, description="Of a reduction what is left, of a reclaim what is asked back."
    )


class DecisionOut(Answer):
    """A decision."""

    decision: int
    case: int
    officer: str
    verdict: Verdict
    overrides: bool
    reason_code: str | None
    clause: str | None
    amount_minor: int | None
    needs_second: bool
    state: str
    second: str | None
    revision: int | None = Field(default=None, description="Of the case, now.")


class DecisionsOut(Answer):
    """Decisions on a case."""

    decisions: list[DecisionOut]


class SecondIn(Body):
    """Agreeing to a colleague's proposal, or sending it back with words."""

    agree: bool
    words: Words | None = None


class ReasonOut(Part):
    """A code for deciding otherwise."""

    code: str
    name: Wording
    needs_clause: bool
    least_characters: int


class ReasonsOut(Answer):
    """All codes."""

    reasons: list[ReasonOut]
