"""Cases to learn from: settled subjects whose records are hidden as registers leave them out, answered by the rules.

The label is the rules' own answer on what was held. Only cases that the gap really leaves open are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from features.documents import Wording
from features.facts.encoding import ID, Tables
from features.facts.subjects import PERSON
from models.catalogue_evidence.donors import HotDeck
from models.catalogue_evidence.gaps import Outages, hide, pattern_name
from models.catalogue_evidence.inputs import DONORS, CatalogueInputs
from models.errors import TrainingError
from models.inputs import check_not_too_good
from models.lifecycle.training import TrainingSet, held_out_rows
from models.missing_evidence.training import NAME
from models.trees import Growth
from rules.evaluate.batch import ELIGIBLE, UNDETERMINED, BatchEvaluator

GROWTH = Growth(trees=250, leaves=8, learning_rate=0.05)
"""A few thousand cases: small trees."""
FEWEST_CASES, FEWEST_OF_AN_ANSWER = 400, 40
"""Of a benefit with fewer the donors alone speak. 15 % of the 70 % that are trained on are calibrated on: of 400 cases
42, just above the 30 that two numbers need (models/calibration.py); of 40 of one answer some four are among them."""
MOST_CASES = 3_000
"""Of one benefit; more teach nothing new and cost time."""
LENDING_SHARE = 0.4
"""Of the settled who are not held out so many keep their records, to lend them; the others are learned from."""
TARGET = Wording(
    "补齐所缺记录后，按规则是否符合条件", "eligible by the rules of the catalogue if the missing records were filled"
)
LIMITS = (
    Wording(
        "只用于决定先问哪一项、先问谁；不影响资格和金额", "orders what is asked for first; it touches no entitlement"
    ),
    Wording("假定缺记录者与有记录者相似", "takes it that those without a record are like those with one"),
)


@dataclass(frozen=True)
class Cases:
    """What there is to learn from.

    Attributes:
        rows: for `models.lifecycle.training.train`.
        benefits: by benefit, how many cases it brings.
        left_to_donors: by benefit without enough cases, how many there were.
    """

    rows: TrainingSet
    benefits: dict[str, int]
    left_to_donors: dict[str, int]


def cases_of(inputs: CatalogueInputs, tables: Tables, outages: Mapping[str, Outages], seed: int = 1) -> Cases:
    """Hide, ask the rules, keep what is open.

    Args:
        inputs: the rules and what is read.
        tables: what was held of a sample of subjects, encoded, as known at one moment of the past.
        outages: the gaps observed among all open answers.
        seed: decides who is hidden and how.

    Raises:
        TrainingError: no benefit has enough cases.
        LeakError: an input alone nearly is the answer.
    """
    wanted = [b for b in sorted(outages) if b in inputs.reads and inputs.kind(b) in tables]
    complete = BatchEvaluator(inputs.rulebook, inputs.on_date).evaluate(tables, wanted)
    parts: list[_Part] = []
    left: dict[str, int] = {}
    for place, benefit in enumerate(wanted):
        chance = np.random.default_rng([seed, place])
        part = _part(inputs, tables, benefit, outages[benefit], complete[benefit], chance)
        if isinstance(part, int):
            left[benefit] = part
        else:
            parts.append(part)
    if not parts:
        raise TrainingError(
            f"No benefit has {FEWEST_CASES} cases with {FEWEST_OF_AN_ANSWER} of each answer to learn from: donors and "
            "the rules order the queue until more is on record."
        )
    frame = pl.concat([part.frame for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    learned = [each for each in inputs.listed if frame.get_column(each.name).is_not_null().any()]
    checked = [each.name for each in learned if each.name != DONORS]
    for part in parts:
        check_not_too_good(part.frame, checked, part.labels)
    rows = TrainingSet(
        model=NAME, frame=frame, labels=labels, subjects=[s for part in parts for s in part.subjects],
        weights=np.ones(len(labels)), groups=pl.concat([part.groups for part in parts]),
        features={each.name: (each.why, each.direction) for each in learned},
        target=TARGET, window_days=30, limits=LIMITS, patterns=tuple(p for part in parts for p in part.patterns),
        left_out={f"{benefit}: too few cases": count for benefit, count in left.items() if count},
    )  # fmt: skip
    return Cases(rows, {part.benefit: len(part.labels) for part in parts}, left)


@dataclass(frozen=True)
class _Part:
    benefit: str
    frame: pl.DataFrame
    labels: npt.NDArray[np.int8]
    subjects: list[str]
    patterns: list[str]
    groups: pl.DataFrame


def _part(
    inputs: CatalogueInputs, tables: Tables, benefit: str, outages: Outages, complete: pl.DataFrame,
    chance: np.random.Generator,
) -> _Part | int:  # fmt: skip
    """The cases of a benefit, or how many there were where they are too few."""
    kind = inputs.kind(benefit)
    ids = tables[kind].get_column(ID)
    truth = complete.get_column("outcome").to_numpy()
    settled = np.flatnonzero(truth != UNDETERMINED)
    taken = held_out_rows([str(ids[int(row)]) for row in settled]) if len(settled) else np.zeros(0, dtype=np.bool_)
    settled = settled[taken | (chance.random(len(settled)) >= LENDING_SHARE)]
    if not len(settled):
        return 0
    hidden_ids = [str(ids[int(row)]) for row in settled]
    gaps = dict(zip(hidden_ids, outages.draw(len(hidden_ids), chance), strict=True))
    masked = hide(tables, inputs.rulebook.vocabulary, kind, gaps, chance)
    mask = np.zeros(len(ids), dtype=np.bool_)
    mask[settled] = True
    evaluator = BatchEvaluator(inputs.rulebook, inputs.on_date)
    answers = pl.concat([answer for _, answer in evaluator.stream_some(masked, {benefit: mask})])
    names = evaluator.plans[benefit].names
    found = pl.DataFrame({ID: ids.filter(pl.Series(mask)), "truth": truth[mask]}).with_columns(
        answers.get_column("outcome"), _spelt(answers.get_column("missing"), names)
    )
    open_ = found.filter((pl.col("outcome") == UNDETERMINED) & (pl.col("missing").list.len() > 0))
    yes = open_.filter(pl.col("truth") == ELIGIBLE).height
    if open_.height < FEWEST_CASES or min(yes, open_.height - yes) < FEWEST_OF_AN_ANSWER:
        return open_.height
    if open_.height > MOST_CASES:
        open_ = open_.sample(MOST_CASES, seed=int(chance.integers(2**31)))
    cases = open_.select(pl.lit(benefit).alias("benefit"), ID, "missing")
    share = HotDeck(inputs).share(masked, cases)
    frame = inputs.frame(masked, benefit, open_.get_column(ID), open_["missing"].list.len().to_list(), share)
    labels = (open_["truth"].to_numpy() == ELIGIBLE).astype(np.int8)
    return _Part(
        benefit, frame, labels, open_[ID].to_list(),
        _patterns(benefit, open_["missing"].to_list(), labels),
        _groups(tables, inputs, kind, open_.get_column(ID)),
    )  # fmt: skip


def _patterns(benefit: str, missing: list[list[str]], labels: npt.NDArray[np.int8]) -> list[str]:
    """The gap of each case by name; by its benefit's common name where the gap has too few cases to be calibrated."""
    names = [pattern_name(benefit, facts) for facts in missing]
    answers = Counter(zip(names, labels.tolist(), strict=True))
    enough = {
        name
        for name, count in Counter(names).items()
        if count >= FEWEST_CASES and min(answers[name, 0], answers[name, 1]) >= FEWEST_OF_AN_ANSWER
    }
    return [name if name in enough else pattern_name(benefit, ()) for name in names]


def _spelt(bits: pl.Series, names: tuple[str, ...]) -> pl.Series:
    spelt = {int(mask): [n for place, n in enumerate(names) if int(mask) >> place & 1] for mask in bits.unique()}
    return pl.Series("missing", [spelt[int(mask)] for mask in bits], dtype=pl.List(pl.String))


def _groups(tables: Tables, inputs: CatalogueInputs, kind: str, ids: pl.Series) -> pl.DataFrame:
    """Groups for fairness, read by no model: the age of the eldest, and whether somebody has a certificate."""
    persons = tables[PERSON]
    link = pl.col(ID) if kind == PERSON else pl.col(inputs.rulebook.vocabulary.subjects.groups[kind].link)
    absent = [n for n in ("birth_date", "disability_certificate_status") if n not in persons.columns]
    of = persons.with_columns(pl.lit(None).alias(n) for n in absent).group_by(link.alias(ID)).agg(
        pl.col("birth_date").cast(pl.Date).min().alias("born"),
        (pl.col("disability_certificate_status").cast(pl.String) == "valid").any().alias("disability"),
    )  # fmt: skip
    years = (pl.lit(inputs.on_date) - pl.col("born")).dt.total_days() / 365.25
    found = pl.DataFrame({ID: ids}).join(of, on=ID, how="left", maintain_order="left")
    return found.select(
        pl.when(years >= 60).then(pl.lit("60 and over")).when(years >= 18).then(pl.lit("18 to 59"))
        .when(years >= 0).then(pl.lit("under 18")).alias("age of the eldest"),
        pl.when("disability").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("disability"),
    )  # fmt: skip
