"""What a model of people's behaviour may read: facts that its own file names with a reason, and none that is banned.

These models order help. Whom they order by may not be age, sex, disability, district or family: not as a fact, not as a
copy of it. (`missing_evidence` imitates the law, which reads a birth date; these two imitate nobody's law.)
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from features import documents as doc
from features.facts.grounds import FORBIDDEN
from features.yaml_files import read_document
from models.errors import ModelsError
from models.inputs import BANNED

PROTECTED = {
    r"(^|_)(birth_date|birth|age|ages|agesq)(_|$)": "age",
    r"(^|_)(sex|gender|male|female)(_|$)": "sex",
    r"disab|ability_level": "disability",
    r"(^|_)(hukou|district|area|town|village|address|nationality)(_|$)": "district or origin",
    r"(^|_)(marital|marr|married|spouse|orphan|father|mother|adopted|single_parent)(_|$)": "family",
    r"pregnan|maternity": "pregnancy",
}
"""Names of facts that say, or copy, what nobody may be treated differently for."""
AFTERWARDS = {
    r"(^|_)(confirmed|refused|paid|returned|override|overridden|outcome|decision|award|appeal)(_|$)": "what came after",
    r"(^|_)(benefits?_received|receives_benefit|receipt)(_|$)": "receipt of a benefit that it predicts",
}
"""Names of values that exist only once the thing to be predicted has happened: with them a model repeats the answer."""
_SIGNS = {"up": 1, "down": -1, "free": 0}


@dataclass(frozen=True, slots=True)
class Input:
    """One value a model reads: its name, why, and in which direction alone it may move the score (+1, -1, 0: any)."""

    name: str
    why: doc.Wording
    monotone: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one model reads, and for which question.

    Attributes:
        model: its name.
        target: what the score is the probability of.
        window_days: within which the target happens or not.
        listed: the inputs, in the order of the columns.
        exclusions: whom the training rows leave out, and why.
        limits: what must not be done with the score.
        digest: SHA-256 of the file.
    """

    model: str
    target: doc.Wording
    window_days: int
    listed: tuple[Input, ...]
    exclusions: tuple[doc.Wording, ...]
    limits: tuple[doc.Wording, ...]
    digest: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.listed)

    @property
    def monotone(self) -> tuple[int, ...]:
        return tuple(entry.monotone for entry in self.listed)


class BannedInputError(ModelsError):
    """A model was to read what it may not."""

    def __init__(self, model: str, name: str, reason: str) -> None:
        self.model, self.name, self.reason = model, name, reason
        super().__init__(f"`{model}` may not read `{name[:60]}`: {reason}. Take it out of the model's inputs.")


@cache
def shipped_benefits() -> tuple[str, ...]:
    """The ids of all benefits of the shipped catalogues: that one receives any of them, no model of behaviour reads."""
    catalogues = Path(str(resources.files("rules") / "catalogue"))
    return tuple(sorted(place.name for place in catalogues.glob("*/*") if (place / "benefit.yaml").is_file()))


def why_banned(name: str, own_benefits: tuple[str, ...] | None = None) -> str | None:
    """Why a model of behaviour may not read this value; None where it may.

    Args:
        name: of the value.
        own_benefits: the benefits the score is about: that one receives them is not to be read. None: all that ship.
    """
    lists = ((FORBIDDEN, "forbidden input: "), (PROTECTED, "protected: "), (AFTERWARDS, "leak: "), (BANNED, ""))
    for patterns, kind in lists:
        for pattern, reason in patterns.items():
            if re.search(pattern, name):
                return kind + reason
    benefits = shipped_benefits() if own_benefits is None else own_benefits
    if any(re.search(rf"(^|_){re.escape(benefit)}(_|$)", name) for benefit in benefits):
        return "leak: receipt of the benefit that it is about"
    return None


def check_inputs(model: str, names: tuple[str, ...], own_benefits: tuple[str, ...] | None = None) -> None:
    """Refuse banned inputs by name.

    Raises:
        BannedInputError: the first one.
    """
    for name in names:
        reason = why_banned(name, own_benefits)
        if reason is not None:
            raise BannedInputError(model, name, reason)


def load_inputs(path: Path) -> Inputs:
    """Read a model's file of inputs, and check each against the ban list.

    Raises:
        DocumentError: the file has a mistake.
        BannedInputError: an input is banned.
    """
    document = read_document(path)
    document.expect(("model", "target", "window_days", "inputs", "exclusions", "limits"), what="a model's inputs")
    get = document.entries
    model = doc.text_of(get["model"], "model")
    listed = tuple(_input(name, node) for name, node in doc.mapping_of(get["inputs"], "inputs").entries.items())
    check_inputs(model, tuple(entry.name for entry in listed))
    return Inputs(
        model=model,
        target=doc.wording_of(get["target"], "target"),
        window_days=doc.integer_of(get["window_days"], "window_days"),
        listed=listed,
        exclusions=_wordings(get["exclusions"], "exclusions"),
        limits=_wordings(get["limits"], "limits"),
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _wordings(node: doc.Node, what: str) -> tuple[doc.Wording, ...]:
    return tuple(doc.wording_of(item, what) for item in doc.sequence_of(node, what))


def _input(name: str, node: doc.Node) -> Input:
    entry = doc.mapping_of(node, name)
    entry.expect(("why", "score"), what=f"the input `{name}`")
    sign = doc.choice_of(entry.entries["score"], _SIGNS, f"the score of `{name}`")
    return Input(name, doc.wording_of(entry.entries["why"], f"the reason for `{name}`"), _SIGNS[sign])
