"""What is judged at a promotion: a model as its files are, what it declares, and rows it has never seen."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from models.errors import ModelsError
from models.fitted import FittedModel
from models.intervals import Clusters
from models.measures import Floats, Labels

LABEL, WEIGHT, PATTERN, CLUSTER, GROUP = "label", "weight", "pattern", "cluster", "group:"
CARD_FILE, TWINS = "card.json", "twins"


@dataclass(frozen=True)
class HeldOut:
    """Rows no part of training has seen, about nobody of the training rows, and without any name.

    Attributes:
        frame: the inputs.
        labels: 1 or 0.
        weights: what each row counts.
        groups: one column for each axis of fairness; read by no model.
        patterns: which records are missing, where the model has several calibrations.
        clusters: a number for whom each row is about, where several rows are about the same.
    """

    frame: pl.DataFrame
    labels: Labels
    weights: Floats
    groups: pl.DataFrame
    patterns: tuple[str, ...] | None = None
    clusters: Clusters | None = None

    def score(self, model: FittedModel, frame: pl.DataFrame | None = None) -> Floats:
        """A model's probabilities for these rows (or for altered ones in the same order)."""
        return model.score(self.frame if frame is None else frame, self.patterns)

    def table(self) -> pl.DataFrame:
        """All of it in one table."""
        columns = [pl.Series(LABEL, self.labels, dtype=pl.Int8), pl.Series(WEIGHT, self.weights, dtype=pl.Float64)]
        if self.patterns is not None:
            columns.append(pl.Series(PATTERN, list(self.patterns), dtype=pl.String))
        if self.clusters is not None:
            columns.append(pl.Series(CLUSTER, self.clusters, dtype=pl.Int64))
        groups = self.groups.rename({axis: GROUP + axis for axis in self.groups.columns})
        return pl.concat([self.frame, groups, pl.DataFrame(columns)], how="horizontal")

    @classmethod
    def of_table(cls, table: pl.DataFrame) -> HeldOut:
        """Read back what :meth:`table` gives."""
        own = {LABEL, WEIGHT, PATTERN, CLUSTER}
        axes = [name for name in table.columns if name.startswith(GROUP)]
        patterns = tuple(table.get_column(PATTERN).to_list()) if PATTERN in table.columns else None
        return cls(
            table.select(name for name in table.columns if name not in own and name not in axes),
            table.get_column(LABEL).to_numpy().astype(np.int8),
            table.get_column(WEIGHT).to_numpy().astype(np.float64),
            table.select(pl.col(axis).alias(axis.removeprefix(GROUP)) for axis in axes),
            patterns,
            table.get_column(CLUSTER).to_numpy().astype(np.intp) if CLUSTER in table.columns else None,
        )


def keep_rows(held_out: HeldOut, folder: Path) -> str:
    """Keep held-out rows in a folder under their hash, and return it. They leave this machine in no run."""
    buffer = io.BytesIO()
    held_out.table().write_parquet(buffer, compression="zstd")
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{digest}.parquet").write_bytes(content)
    return digest


def kept_rows(folder: Path, digest: str) -> HeldOut:
    """Read the held-out rows of a hash.

    Raises:
        ModelsError: they are not here, or were changed.
    """
    file = folder / f"{digest}.parquet"
    if not file.is_file():
        raise ModelsError(f"The held-out rows {digest[:12]}… are not on this machine. Train again: `applyfree train`.")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelsError(f"{file}: the held-out rows were changed after the run. Train again: `applyfree train`.")
    return HeldOut.of_table(pl.read_parquet(io.BytesIO(content)))


@dataclass(frozen=True)
class Candidate:
    """A model that asks to be promoted, as recorded by its run.

    Attributes:
        name: of the model.
        folder: its files.
        sha256: the hash that the run recorded.
        needs: column -> direction, as its file of inputs declares (not as the model says of itself).
        limits_sha256: of the limits that the run read.
        rows_sha256: of the held-out rows.
    """

    name: str
    folder: Path
    sha256: str
    needs: Mapping[str, int]
    limits_sha256: str
    rows_sha256: str

    def load(self) -> FittedModel:
        """The model.

        Raises:
            TamperedModelError: its files are not those that the run recorded.
        """
        return FittedModel.from_folder(self.folder, self.sha256)

    def twins(self) -> list[FittedModel]:
        """The same training with other seeds; their hashes stand in the card.

        Raises:
            TamperedModelError: a file differs.
        """
        card = json.loads((self.folder / CARD_FILE).read_text(encoding="utf-8"))
        return [FittedModel.from_folder(self.folder / TWINS / sha256, sha256) for sha256 in card["twins"]]
