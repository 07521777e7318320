"""The gates a challenger passes before it orders anything. Each says its figure and its limit; one closed gate refuses.

Everything is measured anew on the held-out rows: a run that reports fine figures promotes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from models.dominance import sample_dominance
from models.errors import ModelsError, TamperedModelError
from models.fairness.groups import GroupReport, report_groups
from models.fitted import FittedModel
from models.intervals import Interval, measured, measured_difference
from models.lifecycle.candidate import Candidate, HeldOut
from models.lifecycle.limits import Limits, limits_file
from models.measures import Flags, Floats, area_under_curve, brier, expected_calibration_error, rank_correlation

GATES = ("integrity", "inputs", "discrimination", "calibration", "dominance", "groups", "stability")
SEED = 20260301
calibration_error = partial(expected_calibration_error, equally_filled=True)
REACHED_SHARE = 0.2
"""Reach is measured for a queue that has places for one in five."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gate says."""

    gate: str
    passed: bool
    says: str


@dataclass(frozen=True)
class Assessment:
    """What a model is worth on held-out rows."""

    rows: int
    positives: int
    auc: Interval
    ece: Interval
    brier: Interval
    groups: GroupReport


class RefusedPromotionError(ModelsError):
    """A challenger does not hold what a champion must; carries every gate's verdict."""

    def __init__(self, model: str, verdicts: list[Verdict]) -> None:
        self.verdicts = tuple(verdicts)
        self.gates = tuple(verdict.gate for verdict in verdicts if not verdict.passed)
        said = " ".join(f"[{verdict.gate}] {verdict.says}" for verdict in verdicts if not verdict.passed)
        super().__init__(f"`{model}` is not promoted; the champion stays. {said}")


def assess(model: FittedModel, held_out: HeldOut, limits: Limits) -> Assessment:
    """Measure a model on held-out rows, overall and by group."""
    scores = held_out.score(model)
    labels, weights = held_out.labels, held_out.weights
    groups = report_groups(
        scores, labels, reached(scores), held_out.groups, seed=SEED, least_cell=limits.least_cell,
        clusters=held_out.clusters,
    )  # fmt: skip
    return Assessment(
        rows=len(labels),
        positives=int(labels.sum()),
        auc=measured(area_under_curve, scores, labels, weights, SEED, held_out.clusters),
        ece=measured(calibration_error, scores, labels, weights, SEED, held_out.clusters),
        brier=measured(brier, scores, labels, weights, SEED, held_out.clusters),
        groups=groups,
    )


def reached(scores: Floats) -> Flags:
    """Whom a queue with places for a fifth of the rows reaches, by score; ties by position."""
    places = max(1, round(len(scores) * REACHED_SHARE))
    order = (-scores).argsort(kind="stable")
    chosen = scores < -1
    chosen[order[:places]] = True
    return chosen


def judge(
    challenger: Candidate,
    champion: FittedModel | None,
    held_out: HeldOut,
    limits: Limits,
    why_banned: Callable[[str], str | None],
) -> list[Verdict]:
    """Put a challenger to every gate.

    Args:
        challenger: as its run recorded it.
        champion: whom it would replace; None: nobody.
        held_out: rows the challenger has not seen.
        limits: as read from the file.
        why_banned: the reason why this kind of model may not read a column, or None.

    Returns:
        One verdict for each gate; of the first alone where the files are not those of the run, for then nothing else
        that could be measured means anything.
    """
    try:
        model, twins = challenger.load(), challenger.twins()
    except (TamperedModelError, ModelsError, OSError, KeyError, ValueError) as problem:
        return [Verdict("integrity", False, str(problem))]
    scores = held_out.score(model)
    before = None if champion is None else held_out.score(champion)
    assessment = assess(model, held_out, limits)
    return [
        _integrity(challenger, limits),
        _inputs(challenger, model, why_banned),
        _discrimination(challenger.name, assessment, scores, before, held_out, limits),
        _calibration(challenger.name, assessment, scores, before, held_out, limits),
        _dominance(challenger, model, held_out, limits),
        _groups(assessment, limits),
        _stability(scores, [held_out.score(twin) for twin in twins], limits),
    ]


def require(model: str, verdicts: list[Verdict]) -> None:
    """Refuse where a gate is closed.

    Raises:
        RefusedPromotionError: names the gates.
    """
    if not all(verdict.passed for verdict in verdicts):
        raise RefusedPromotionError(model, verdicts)


def _integrity(challenger: Candidate, limits: Limits) -> Verdict:
    same = challenger.limits_sha256 == limits.digest
    says = "the files are those of the run" if same else (
        f"The run read the limits {challenger.limits_sha256[:12]}…, in force are {limits.digest[:12]}…: train again."
    )  # fmt: skip
    return Verdict("integrity", same, says)


def _inputs(challenger: Candidate, model: FittedModel, why_banned: Callable[[str], str | None]) -> Verdict:
    found = [f"`{column}` ({reason})" for column in model.columns if (reason := why_banned(column))]
    found += [f"`{column}` (not declared)" for column in model.columns if column not in challenger.needs]
    says = "Refused inputs: " + ", ".join(found) + "." if found else f"{len(model.columns)} declared inputs"
    return Verdict("inputs", not found, says)


def _discrimination(
    name: str, found: Assessment, scores: Floats, before: Floats | None, held_out: HeldOut, limits: Limits
) -> Verdict:
    bound = limits.bound(limits.auc, name, Path(limits_file().name))
    says = f"AUC {found.auc.value:.3f} ({found.auc.low:.3f} to {found.auc.high:.3f}); asked: {bound}"
    passed = bound.holds(found.auc.value)
    if bound.at_most is not None and found.auc.value > bound.at_most:
        says += ". Far above what such a signal can give: look for the leak"
    if before is not None:
        change = measured_difference(
            area_under_curve, scores, before, held_out.labels, held_out.weights, SEED, held_out.clusters
        )
        passed = passed and change.low >= -limits.auc_worse
        says += f"; against the champion {change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})"
    return Verdict("discrimination", passed, says + ".")


def _calibration(
    name: str, found: Assessment, scores: Floats, before: Floats | None, held_out: HeldOut, limits: Limits
) -> Verdict:
    bound = limits.bound(limits.ece, name, Path(limits_file().name))
    says = f"ECE {found.ece.value:.3f} ({found.ece.low:.3f} to {found.ece.high:.3f}); asked: {bound}"
    passed = bound.holds(found.ece.value)
    if before is not None:
        labels, weights = held_out.labels, held_out.weights
        change = calibration_error(scores, labels, weights) - calibration_error(before, labels, weights)
        passed = passed and change <= limits.ece_worse
        says += f"; against the champion {change:+.3f}"
    return Verdict("calibration", passed, says + ".")


def _dominance(challenger: Candidate, model: FittedModel, held_out: HeldOut, limits: Limits) -> Verdict:
    axes = {column: sign for column, sign in challenger.needs.items() if sign and column in held_out.frame.columns}
    violations = 0
    if axes:
        found = sample_dominance(lambda rows: model.score(rows), held_out.frame, axes, limits.dominance_pairs, SEED)
        violations = found.violations
    says = f"{violations:,} violations in {limits.dominance_pairs:,} pairs on {len(axes)} axes"
    return Verdict("dominance", violations <= limits.dominance_violations, says + ".")


def _groups(found: Assessment, limits: Limits) -> Verdict:
    """Gaps that are both wide and beyond chance."""
    bounds = {"reach": limits.reach_gap, "calibration_gap": limits.calibration_gap}
    overall = found.groups.lines[0].figures
    wide = [
        f"{line.axis} {line.group}: {metric} {line.figures[metric].value:.2f} against {overall[metric].value:.2f}"
        for line in found.groups.flagged
        for metric in line.flagged
        if abs(line.figures[metric].value - overall[metric].value) > bounds[metric]
    ]
    hidden = sum(line.hidden for line in found.groups.lines)
    says = (
        "; ".join(wide) if wide else f"{len(found.groups.lines) - hidden} groups compared, {hidden} too small to show"
    )
    return Verdict("groups", not wide, says + ".")


def _stability(scores: Floats, others: list[Floats], limits: Limits) -> Verdict:
    if not others:
        return Verdict("stability", False, "No twin was trained with another seed: nothing is known of stability.")
    least = min(rank_correlation(scores, other) for other in others)
    says = f"rank correlation with {len(others)} twins at least {least:.3f}; asked: at least {limits.rank_correlation}."
    return Verdict("stability", least >= limits.rank_correlation, says)
