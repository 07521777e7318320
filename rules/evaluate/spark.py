"""The batch evaluator on a Spark cluster: the same kernel, part by part, under `mapInArrow`.

The driver cuts the population (`rules.partitions`) and writes each part as Parquet to a workspace that every executor
reaches (a local folder, or shared storage). What travels through Spark are the numbers of the parts and the
determinations. The catalogue travels as its files; an executor compiles it once and checks that it came to the same
rulebook.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from features.facts.encoding import Tables
from rules.catalogue import Catalogue, load_catalogue
from rules.evaluate.cluster import SparkError, spark_session
from rules.evaluate.output import amount_decimals, batch_determinations, schema
from rules.evaluate.writing import arrow_schema
from rules.partitions import Part, parts_of
from rules.rulebook import Rulebook

SUBJECTS_IN_A_PART = 100_000
_DECIMAL_DIGITS = 38


@dataclass(frozen=True, slots=True)
class Parcel:
    """A catalogue as it travels: its files and its dictionary's, and the rulebook they must come to."""

    catalogue: tuple[tuple[str, bytes], ...]
    vocabulary: tuple[tuple[str, bytes], ...]
    content_hash: str


@dataclass(frozen=True, slots=True)
class Job:
    """What every executor is told."""

    parcel: Parcel
    workspace: str
    on_date: dt.date
    benefits: tuple[str, ...] | None


def spark_determinations(
    catalogue: Catalogue,
    on_date: dt.date,
    tables: Tables,
    asked: Mapping[str, int],
    benefits: Iterable[str] | None = None,
    *,
    workspace: Path | None = None,
    size: int = SUBJECTS_IN_A_PART,
) -> Iterator[pl.DataFrame]:
    """Answer with Spark; see :func:`rules.evaluate.output.batch_determinations` for what is yielded.

    Args:
        catalogue: without mistakes.
        on_date: the day of the question.
        tables: all subjects, by kind.
        asked: how many of the first rows of each table to answer for.
        benefits: only these; all by default.
        workspace: a folder that driver and executors share; a local temporary one by default.
        size: about how many subjects a part answers for.

    Raises:
        SparkError: Spark or Java is not installed, or an executor came to another rulebook.
    """
    assert catalogue.rulebook is not None
    with tempfile.TemporaryDirectory(dir=workspace) as folder:
        wanted = None if benefits is None else tuple(benefits)
        plans = catalogue.rulebook.in_force(on_date)
        chosen = plans if wanted is None else {name: plans[name] for name in wanted}
        parts = parts_of(tables, catalogue.rulebook.vocabulary.subjects, chosen, size, asked=asked)
        count = sum(1 for _ in _written(parts, Path(folder)))
        job = Job(_parcel(catalogue), folder, on_date, wanted)
        _run(job, count, catalogue.rulebook)
        yield from _collected(Path(folder), schema(amount_decimals(catalogue.rulebook, on_date)))


# -- on the driver ----------------------------------------------------------------------------------------------------


def _written(parts: Iterable[Part], folder: Path) -> Iterator[Path]:
    for number, part in enumerate(parts):
        place = folder / f"{number:06d}"
        place.mkdir()
        for kind, table in part.tables.items():
            table.write_parquet(place / f"{kind}.parquet", compression="lz4", statistics=False)
        asked = {"kind": list(part.asked), "rows": list(part.asked.values())}
        pl.DataFrame(asked, schema={"kind": pl.String, "rows": pl.Int64}).write_parquet(place / "asked.parquet")
        yield place


def _run(job: Job, parts: int, rulebook: Rulebook) -> None:
    """Every part on some executor; the determinations lie in the workspace afterwards."""
    with spark_session() as session:
        numbers = session.range(0, parts, 1, max(parts, 1))
        decimals = amount_decimals(rulebook, job.on_date)
        answers = numbers.mapInArrow(_answering(job), _spark_schema(decimals))
        try:
            answers.write.parquet(str(Path(job.workspace) / "answers"))
        except Exception as error:  # what a task says comes as whatever Java and Python make of it
            raise SparkError(f"Spark did not finish ({type(error).__name__}). Its own message stands above.") from error


def _answering(job: Job) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from answer_part(job, int(number))

    return answer


def _collected(workspace: Path, columns: dict[str, pl.DataType]) -> Iterator[pl.DataFrame]:
    for path in sorted((workspace / "answers").glob("*.parquet")):
        yield pl.read_parquet(path).select(pl.col(name).cast(dtype) for name, dtype in columns.items())


def _spark_schema(decimals: int) -> str:
    amount = f"decimal({_DECIMAL_DIGITS},{decimals})"
    return (
        "subject string, id string, benefit string, version string, outcome string, "
        f"amount {amount}, amount_low {amount}, amount_high {amount}, per string, unit string, "
        "unmet array<string>, missing array<string>, next_change date"
    )


def _parcel(catalogue: Catalogue) -> Parcel:
    assert catalogue.rulebook is not None
    return Parcel(_files(catalogue.folder), _files(catalogue.facts), catalogue.rulebook.content_hash)


def _files(folder: Path) -> tuple[tuple[str, bytes], ...]:
    return tuple((str(path.relative_to(folder)), path.read_bytes()) for path in sorted(folder.rglob("*.yaml")))


# -- on an executor ---------------------------------------------------------------------------------------------------


def answer_part(job: Job, number: int) -> Iterator[pa.RecordBatch]:
    """The determinations of one part."""
    rulebook = _compiled(job.parcel)
    place = Path(job.workspace) / f"{number:06d}"
    counts = pl.read_parquet(place / "asked.parquet")
    asked = dict(zip(counts.get_column("kind"), counts.get_column("rows"), strict=True))
    tables = {path.stem: pl.read_parquet(path) for path in place.glob("*.parquet") if path.stem != "asked"}
    types = arrow_schema(schema(amount_decimals(rulebook, job.on_date)))
    for rows in batch_determinations(rulebook, job.on_date, tables, asked, job.benefits):
        yield from rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(types).to_batches()


def _compiled(parcel: Parcel) -> Rulebook:
    if parcel.content_hash not in _COMPILED:
        _COMPILED[parcel.content_hash] = _compile(parcel)
    return _COMPILED[parcel.content_hash]


_COMPILED: dict[str, Rulebook] = {}
"""What this executor has compiled so far, by content hash."""


def _compile(parcel: Parcel) -> Rulebook:
    with tempfile.TemporaryDirectory() as folder:
        for name, files in (("catalogue", parcel.catalogue), ("facts", parcel.vocabulary)):
            for path, content in files:
                target = Path(folder) / name / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        rulebook = load_catalogue(Path(folder) / "catalogue", Path(folder) / "facts").rulebook
    if rulebook is None or rulebook.content_hash != parcel.content_hash:
        raise SparkError(
            "An executor compiled the catalogue to another rulebook than the driver. "
            "Install the same version of this package on all of them."
        )
    return rulebook
