"""What a model may read: every input is declared with its origin and reason, and refused where it would leak or harm.

The closest peer trained on the receipt of the very benefit it predicted, used caste and sex, and read facts as of now.
Each of these is refused here by the origin of an input, not by what the input is called.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.documents import Wording
from features.facts.grounds import FORBIDDEN
from models.errors import LeakError, MissingColumnError
from models.measures import area_under_curve


class Moment(enum.Enum):
    """When an input is known, seen from the answer that the model predicts."""

    BEFORE = "before"
    """Known when the question is asked."""
    AFTER = "after"
    """A consequence of the answer, or a fact of a later day."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a model."""

    name: str
    direction: int
    """+1 where a larger value can only speak for yes, -1 where only against, 0 where the law gives no direction."""
    origins: tuple[str, ...]
    """The columns or facts that it is computed from."""
    why: Wording
    moment: Moment = Moment.BEFORE
    is_rule_derived: bool = False


BANNED = {
    r"_ben$|_benefit$|^receives_|receipt|_received|^EIC$|^eic_": (
        "receipt of a benefit, which is the answer or depends on it"
    ),
    r"^snap_|^ctam_prob$": "receipt of this benefit, reported or imputed",
    r"^gross_m$|^net_m$|^fpl_m$|^eligible$|^answer$": "the answer itself, or a step of its computation",
    r"^determination|^outcome|^offer|^notice|^confirmed": "a value that exists only after the answer",
    r"^override|^entitlement|^payment|^paid_|^award|^approved|^case_": "a value that exists only after the answer",
    r"reject|denied|denial": "a past refusal: whoever was refused wrongly once would be refused by it again",
    r"electric|power_use|water_use|utility_bill": "a household's consumption, held for another purpose",
    r"^next_|_next_year$|_later$|^future_": "a fact of a later day",
    r"^sex$|gender|^ref_age|^age$|^age_|_age$|^fips$|district|^MARS$|^ref_MARS$|marital|n_spouse|disab": (
        "a protected attribute: age, sex, district, disability or marital status as such"
    ),
    r"^e18400$|^e18500$|^e19200$|^e17500$|^e32800$|^e03210$": (
        "drawn from the household's income by the makers of the survey file: the answer in disguise"
    ),
    r"^s006$|weight$|^hid$|^h_seq$|^id$|_id$|^split$|^ffpos$|^ref_ffpos$": "an identifier, a weight or a split",
}
"""Origins that no input may have, by pattern, each with the reason."""

PERMITTED_THROUGH_RULE = {
    "eld": "the law exempts households with an elderly or disabled member from one test; that exemption may enter",
    "blind": "the same exemption",
}
"""Protected attributes that the law itself reads: only a rule-derived input may have them among its origins."""

TOO_GOOD = 0.985
"""A single input with this AUC among undetermined households is the answer under another name."""


def check_inputs(inputs: Sequence[Input]) -> None:
    """Refuse declared inputs that leak the answer, come after it, or are protected.

    Raises:
        LeakError: names every input that is refused, with the reason.
    """
    findings = [f"`{i.name}` {reason}" for i in inputs for reason in _reasons(i)]
    names = [i.name for i in inputs]
    findings += [f"`{name}` is declared twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if findings:
        raise LeakError(findings)


def check_moments(frame: pl.DataFrame, learned_columns: Sequence[str], as_of_column: str) -> None:
    """Refuse training rows that hold a fact learned after the day on which the row's question was asked.

    Raises:
        LeakError: names the columns and how many rows; never a value.
        MissingColumnError: a column is absent.
    """
    absent = [c for c in (*learned_columns, as_of_column) if c not in frame.columns]
    if absent:
        raise MissingColumnError(absent)
    late = frame.select((pl.col(c) > pl.col(as_of_column)).sum() for c in learned_columns).row(0)
    findings = [f"`{c}`: {n} rows learned after their day" for c, n in zip(learned_columns, late, strict=True) if n]
    if findings:
        raise LeakError(findings)


def check_not_too_good(frame: pl.DataFrame, names: Sequence[str], answers: npt.ArrayLike) -> None:
    """Refuse inputs of which one alone nearly is the answer, whatever it is called.

    Raises:
        LeakError: names each with its AUC.
    """
    truth = np.asarray(answers, dtype=bool)
    findings = []
    for name in names:
        values = frame[name].cast(pl.Float64).to_numpy()
        held = np.isfinite(values)
        if held.sum() < 100 or len(np.unique(truth[held])) < 2:
            continue
        found = area_under_curve(values[held], truth[held])
        if max(found, 1 - found) > TOO_GOOD:
            findings.append(f"`{name}` alone has an AUC of {max(found, 1 - found):.3f}")
    if findings:
        raise LeakError(findings)


def _reasons(given: Input) -> list[str]:
    found = []
    if given.moment is Moment.AFTER:
        found.append("is known only after the answer")
    for origin in (given.name, *given.origins):
        if origin in PERMITTED_THROUGH_RULE and given.is_rule_derived and origin != given.name:
            continue
        if origin in PERMITTED_THROUGH_RULE:
            found.append(f"reads `{origin}`: only what the law makes of it may be read")
        found += [f"reads `{origin}`: {why}" for p, why in {**BANNED, **FORBIDDEN}.items() if re.search(p, origin)]
    return found
