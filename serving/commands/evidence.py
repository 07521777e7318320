"""The end of the demo: what the model learned, whom it would reach first, and what that is worth by the truth."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
from rich.progress import Progress

from serving import screen
from serving.commands.outreach import show_queue
from serving.evidence_day import EvidenceDay, run_evidence

SHOWN, FIRST = 8, 10


def run(folder: Path, day: dt.date, progress: Progress) -> EvidenceDay:
    """Train, promote, order and rate, with progress."""
    task = progress.add_task("China: whom to reach first", total=None)
    found = run_evidence(folder, day, lambda phase: progress.update(task, description=f"China: {phase}"))
    progress.update(task, total=1, completed=1, description="China: whom to reach first")
    return found


def report(found: EvidenceDay, day: dt.date) -> None:
    """What the model learned, what the gates said, whom it would reach first, and what that is worth by the truth."""
    value = found.value
    if found.trained is None:
        screen.line(f"missing_evidence: no model was trained. {found.why}")
    else:
        held = found.trained.assessment
        screen.line(
            f"missing_evidence learned from {sum(found.cases.values()):,} cases of {len(found.cases)} benefits, "
            f"through Feast; donors speak for {len(found.left)} others. On {held.rows:,} held-out cases AUC "
            f"{held.auc.value:.3f} ({held.auc.low:.3f} to {held.auc.high:.3f}), ECE {held.ece.value:.3f}."
        )
    closed = "; ".join(f"{verdict.gate}: {verdict.says}" for verdict in found.verdicts if not verdict.passed)
    screen.line(
        "Promoted: every gate is open." if found.promoted else f"Not promoted, donors order. {closed}{found.why}"
    )
    columns = ("benefit", "cases", "entitled", "auc", "donors", "source")
    figures = pl.col("auc", "donors").round(3).fill_nan(None)  # none where nobody, or everybody, is entitled
    shown = value.benefits.head(SHOWN).with_columns(figures).select(columns).rows()
    screen.table("Open answers and the truth", columns, shown, figures=columns[1:5], whole=("benefit",))
    screen.line(
        f"Against the truth, all benefits together: AUC {value.auc.value:.3f} ({value.auc.low:.3f} to "
        f"{value.auc.high:.3f}), donors alone {value.donors.value:.3f}; benefit by benefit see above."
    )
    show_queue(found.queue.rows, found.queue.scores, FIRST, f"Whom to reach first, {day}")
    shares = ", ".join(f"{name} {share:.1%}" for name, share in value.found.items())
    screen.line(
        f"Of {value.waiting:,} who wait, {value.entitled:,} are truly entitled. The first tenth of the queue finds, by "
        f"order: {shares}. Determinations are the same in each; {found.ordered:,} open cases stand in it too.\n"
    )
