"""The models there are: where each one's rows come from, what it declares, and what it may not read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.documents import Wording, nearest_advice
from features.facts.grounds import FORBIDDEN
from models.errors import MissingColumnError, ModelsError
from models.inputs import BANNED
from models.lifecycle.training import TrainingSet, declared
from models.missing_evidence import inputs as evidence_inputs
from models.missing_evidence.households import read_households
from models.missing_evidence.training import GROWTH as EVIDENCE_GROWTH
from models.missing_evidence.training import NAME as MISSING_EVIDENCE
from models.missing_evidence.training import examples_of
from models.observed.inputs import Inputs, why_banned
from models.second_look import target as second_look
from models.take_up import target as take_up
from models.take_up.target import Labelled
from models.trees import Growth

SUBJECT, GROUP = "id", "group_"
SPLITS = ("dev_train",)
MASK_SEED = 1
FEW_AND_SMALL = Growth(trees=250, leaves=8)
_EVIDENCE_TARGET = Wording(
    "补齐所缺记录后，按规则是否符合条件", "eligible by the rules if the missing records were filled"
)
_EVIDENCE_LIMITS = (
    Wording(
        "只用于决定先问哪一项、先问谁；不影响资格和金额", "orders what is asked for first; it touches no entitlement"
    ),
)
_EVIDENCE_EXCLUSIONS = (
    Wording(
        "规则凭现有记录即可答复的家庭不计入", "households that the rules can answer with what is held are left out"
    ),
)


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    Attributes:
        read: rows recorded in a file, as known on a day.
        declared: the columns it declares today, with their directions.
        why_banned: why it may not read a column; None where it may.
        growth: how its trees are grown.
    """

    read: Callable[[Path, dt.date], TrainingSet]
    declared: Callable[[], Mapping[str, int]]
    why_banned: Callable[[str], str | None]
    growth: Growth


class UnknownModelError(ModelsError):
    """There is no model of that name."""


def kind_of(model: str) -> Kind:
    """A kind by its name.

    Raises:
        UnknownModelError: there is none.
    """
    if model not in _KINDS:
        raise UnknownModelError(f"There is no model `{model[:60]}`. {nearest_advice(model, _KINDS, 'There are: ')}")
    return _KINDS[model]


def _offers(path: Path, on_date: dt.date) -> TrainingSet:
    inputs = take_up.inputs()
    rows = _recorded(path, (SUBJECT, *take_up.SCHEMA, *inputs.names))
    return _observed(inputs, take_up.label_offers(rows, inputs.window_days, on_date))


def _cases(path: Path, on_date: dt.date) -> TrainingSet:
    inputs = second_look.inputs()
    rows = _recorded(path, (SUBJECT, *second_look.SCHEMA, *inputs.names))
    return _observed(inputs, second_look.label_cases(rows, on_date))


def _recorded(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    try:
        rows = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise ModelsError(f"{path}: cannot be read as Parquet. docs/models/ lists the columns it needs.") from problem
    absent = [name for name in columns if name not in rows.columns]
    if absent:
        raise MissingColumnError(absent)
    return rows


def _observed(inputs: Inputs, found: Labelled) -> TrainingSet:
    axes = [name for name in found.rows.columns if name.startswith(GROUP)]
    return TrainingSet(
        model=inputs.model, frame=found.rows.select(inputs.names), labels=found.label.to_numpy().astype(np.int8),
        subjects=found.rows.get_column(SUBJECT).to_list(), weights=found.weight,
        groups=found.rows.select(pl.col(name).alias(name.removeprefix(GROUP)) for name in axes),
        features=declared(inputs), target=inputs.target, window_days=inputs.window_days,
        exclusions=inputs.exclusions, limits=inputs.limits, left_out=found.left_out,
    )  # fmt: skip


def _households(path: Path, on_date: dt.date) -> TrainingSet:
    """Complete households of a survey file, under every pattern of outages. The day is not asked: nothing is dated."""
    examples = examples_of(read_households(path, SPLITS), MASK_SEED)
    return TrainingSet(
        model=MISSING_EVIDENCE, frame=examples.inputs, labels=examples.answers,
        subjects=[str(group) for group in examples.groups.tolist()], weights=examples.weights, groups=examples.axes,
        features={i.name: (i.why, i.direction) for i in evidence_inputs.ALL},
        target=_EVIDENCE_TARGET, window_days=30, exclusions=_EVIDENCE_EXCLUSIONS, limits=_EVIDENCE_LIMITS,
        patterns=tuple(examples.patterns),
    )  # fmt: skip


def _why_banned_here(name: str) -> str | None:
    """`missing_evidence` imitates the law: what the law reads may enter through the rule, and nothing else banned."""
    patterns = {**FORBIDDEN, **BANNED}
    return next((reason for pattern, reason in patterns.items() if re.search(pattern, name)), None)


_KINDS = {
    MISSING_EVIDENCE: Kind(_households, evidence_inputs.directions, _why_banned_here, EVIDENCE_GROWTH),
    "take_up": Kind(
        _offers, lambda: dict(zip(take_up.inputs().names, take_up.inputs().monotone, strict=True)), why_banned,
        FEW_AND_SMALL,
    ),
    "second_look": Kind(
        _cases, lambda: dict(zip(second_look.inputs().names, second_look.inputs().monotone, strict=True)), why_banned,
        FEW_AND_SMALL,
    ),
}  # fmt: skip
NAMES = tuple(_KINDS)
