"""A promotion from beginning to end: fetch, verify, judge on the rows that were held out, and only then the alias."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelsError
from models.fitted import FittedModel
from models.lifecycle.candidate import Candidate, HeldOut, kept_rows
from models.lifecycle.limits import Limits
from models.lifecycle.loading import LocalModels
from models.lifecycle.promotion import Verdict, judge, require
from models.lifecycle.registry import CHALLENGER, CHAMPION, Recorded, Registry


@dataclass(frozen=True, slots=True)
class Promoted:
    """A challenger that became the champion, and what each gate said."""

    version: str
    sha256: str
    verdicts: tuple[Verdict, ...]


def promote(
    model: str,
    registry: Registry,
    local: LocalModels,
    kept: Path,
    limits: Limits,
    why_banned: Callable[[str], str | None],
    declared: Mapping[str, int],
) -> Promoted:
    """Promote the challenger, if every gate is open.

    Args:
        model: its name.
        registry: knows champion and challenger.
        local: keeps the new champion, verified.
        kept: where held-out rows stay.
        limits: as read from the file today.
        why_banned: why this model may not read a column.
        declared: the columns its file of inputs declares today, with their directions.

    Raises:
        RefusedPromotionError: names the gates; the champion stays.
        ModelsError: there is no challenger, or its rows or the champion's files cannot be trusted.
    """
    recorded = registry.find(model, CHALLENGER)
    if recorded is None:
        raise ModelsError(f"`{model}` has no challenger. Train one: `applyfree train {model}`.")
    with tempfile.TemporaryDirectory() as folder:
        files = registry.fetch(recorded, Path(folder) / CHALLENGER)
        candidate = candidate_of(recorded, files, declared)
        held_out = kept_rows(kept, recorded.rows_sha256)
        champion = _champion(model, registry, local, Path(folder) / CHAMPION, held_out)
        verdicts = judge(candidate, champion, held_out, limits, why_banned)
        if (earlier := _rows_of_champion(model, registry, kept, declared)) is not None:
            verdicts = stricter(verdicts, judge(candidate, champion, earlier, limits, why_banned))
        require(model, verdicts)
        local.take(model, recorded.sha256, files)
    registry.promote(recorded, {verdict.gate: verdict.says for verdict in verdicts})
    return Promoted(recorded.version, recorded.sha256, tuple(verdicts))


def stricter(own: list[Verdict], earlier: list[Verdict]) -> list[Verdict]:
    """Of each gate the verdict on the challenger's own rows, or the one on the champion's rows where only that refuses.

    A challenger whose rows were poisoned is measured on poisoned rows: its own figures look well. Nobody of the
    champion's held-out rows was trained on, for who is held out does not change from run to run.
    """
    before = {verdict.gate: verdict for verdict in earlier if not verdict.passed}
    return [
        Verdict(verdict.gate, False, f"On the champion's rows: {before[verdict.gate].says}")
        if verdict.passed and verdict.gate in before
        else verdict
        for verdict in own
    ]


def _rows_of_champion(model: str, registry: Registry, kept: Path, declared: Mapping[str, int]) -> HeldOut | None:
    """The rows on which the champion was measured; None where there are none here, or they lack a column of today's."""
    recorded = registry.find(model, CHAMPION)
    if recorded is None or not (kept / f"{recorded.rows_sha256}.parquet").is_file():
        return None
    rows = kept_rows(kept, recorded.rows_sha256)
    return rows if set(declared) <= set(rows.frame.columns) else None


def candidate_of(recorded: Recorded, files: Path, declared: Mapping[str, int]) -> Candidate:
    """What is judged. Its directions are those declared today, not what the registry says of it."""
    return Candidate(
        recorded.model, files, recorded.sha256, declared, recorded.limits_sha256, recorded.rows_sha256
    )  # fmt: skip


def _champion(
    model: str, registry: Registry, local: LocalModels, folder: Path, held_out: HeldOut
) -> FittedModel | None:
    """The champion to compare with; None where there is none, or where it reads columns that are no longer kept."""
    recorded = registry.find(model, CHAMPION)
    if recorded is None:
        return None
    place = local.place(model, recorded.sha256)
    files = place if place.is_dir() else registry.fetch(recorded, folder)
    champion = FittedModel.from_folder(files, recorded.sha256)
    return champion if set(champion.columns) <= set(held_out.frame.columns) else None
