"""What all answers have, and what all requests refuse."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)]
"""Somebody's own words: encrypted at rest."""
Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,100}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,60}$")]


class Wording(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid")

    zh: str = Field(examples=["高龄津贴"])
    en: str = Field(examples=["Advanced-age allowance"])


class Banner(BaseModel):
    """What does not work at the moment, and what that means for whoever reads this."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(examples=["model_registry_down"])
    says: Wording


class Body(BaseModel):
    """What comes in: a name that is not known is refused, never passed over."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What goes out."""

    model_config = ConfigDict(extra="forbid")

    banners: list[Banner] = Field(default=[], description="What does not work at the moment; empty where all does.")


class Part(BaseModel):
    """A part of what goes out: a line of a list."""

    model_config = ConfigDict(extra="forbid")


class Done(Answer):
    """Something was done."""

    done: Annotated[str, Field(description="What.", examples=["confirmed"])]


Plain = dict[str, Any]
"""An explanation in plain JSON (`explain.records`): figures of money are text."""
