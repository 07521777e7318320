"""The append-only log of life events: Parquet parts, and a manifest that says which of them count.

A part that the manifest does not name was never written: a load that was cut off leaves nothing behind. Nothing is ever
changed or removed; the manifest also says of which parts the rows have reached the history.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import polars as pl

from features.events.errors import BrokenLogError, LogInUseError
from features.events.messages import Event, event_of

PART, SOURCE, ID, VERSION, TARGET, SUBJECTS, HASH, TEXT = (
    "part", "source", "id", "version", "target", "subjects", "content_hash", "text",
)  # fmt: skip
SCHEMA: dict[str, pl.DataType] = {
    SOURCE: pl.String(),
    ID: pl.String(),
    VERSION: pl.Int32(),
    TARGET: pl.String(),
    SUBJECTS: pl.List(pl.String),
    HASH: pl.String(),
    TEXT: pl.String(),
}
_KEY = [SOURCE, ID]
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Part:
    """The new events of one load.

    Attributes:
        number: counted from 1.
        file: whose events they are; the name of the file that brought them, without its path.
        received_at: when they came (UTC, ISO 8601).
        events: how many.
        content_hash: SHA-256 over the hashes of its events.
        delivered: do the rows that follow from it stand in the history?
    """

    number: int
    file: str
    received_at: str
    events: int
    content_hash: str
    delivered: bool

    @property
    def moment(self) -> dt.datetime:
        """When its events came."""
        return dt.datetime.fromisoformat(self.received_at)


@dataclass(frozen=True, slots=True)
class Logged:
    """What became of the events of one load: new to the log, or already there.

    Of the new ones, `disputed` stand under an id and version that has another content too: both are kept.
    """

    part: Part | None
    new: int
    doubled: int
    disputed: int


class EventLog:
    """A folder of events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the log for writing.

        Raises:
            LogInUseError: somebody else does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LogInUseError(self.folder) from error
            yield

    @property
    def parts(self) -> list[Part]:
        """The parts that count, in the order in which they came."""
        path = self.folder / _MANIFEST
        if not path.exists():
            return []
        try:
            return [Part(**each) for each in json.loads(path.read_text("utf-8"))["parts"]]
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenLogError(path, "the manifest cannot be read") from error

    def append(self, events: Sequence[Event], file: str, received_at: dt.datetime) -> Logged:
        """Keep what is new. Hold the log with :meth:`writing`.

        An event is known by source, id and version; the same content again is doubled, whatever its envelope.
        """
        parts = self.parts
        index = self.index().select(*_KEY, VERSION, HASH)
        known = set(index.filter(pl.col(HASH).is_in([event.content_hash for event in events])).get_column(HASH))
        new: dict[str, Event] = {}
        for event in events:
            if event.content_hash not in known:
                new.setdefault(event.content_hash, event)
        doubled = len(events) - len(new)
        if not new:
            return Logged(None, 0, doubled, 0)
        table = _table(new)
        versions = pl.concat([index, table.select(*_KEY, VERSION, HASH)]).group_by(*_KEY, VERSION).len()
        disputed = table.join(versions.filter(pl.col("len") > 1), on=[*_KEY, VERSION], how="semi").height
        digest = hashlib.sha256("".join(sorted(new)).encode()).hexdigest()
        # Of two rows about one day the one learned last speaks: loads never share a moment, whatever the clock does.
        moment = max(
            [received_at.astimezone(dt.UTC), *(part.moment + dt.timedelta(microseconds=1) for part in parts[-1:])]
        )
        part = Part(len(parts) + 1, file, moment.isoformat(), len(new), digest, delivered=False)
        self._write(self._path(part), table)
        self._write_manifest([*parts, part])
        return Logged(part, len(new), doubled, disputed)

    def mark_delivered(self, part: Part) -> None:
        """The rows that follow from a part stand in the history."""
        self._write_manifest([replace(each, delivered=True) if each == part else each for each in self.parts])

    def index(self, until: int | None = None) -> pl.DataFrame:
        """All events up to a part, with the part that brought them."""
        tables = [pl.DataFrame(schema={**SCHEMA, PART: pl.Int32()})]
        for part in self.parts:
            if until is not None and part.number > until:
                break
            try:
                table = pl.read_parquet(self._path(part))
            except (OSError, pl.exceptions.PolarsError) as error:
                raise BrokenLogError(self._path(part), "a part that the manifest names cannot be read") from error
            if table.height != part.events:
                raise BrokenLogError(
                    self._path(part), f"{part.events:,} events were written, {table.height:,} are there"
                )
            tables.append(table.with_columns(pl.lit(part.number, dtype=pl.Int32).alias(PART)))
        return pl.concat(tables)

    def write_lineage(self, part: Part, lineage: pl.DataFrame) -> None:
        """Which events each row rests on that a part brought to the history."""
        self._write(self.folder / f"lineage-{part.number:06}.parquet", lineage)

    def lineage(self, content_hash: str, row: int) -> list[tuple[str, str]]:
        """The events (source and id) from which a row of the history follows; of a withdrawn one, followed before."""
        paths = sorted(self.folder.glob("lineage-*.parquet"))
        if not paths:
            return []
        found = pl.scan_parquet(paths).filter((pl.col("batch") == content_hash) & (pl.col("row") == row))
        return [(source, event) for source, event in found.select(*_KEY).collect().iter_rows()]

    def _path(self, part: Part) -> Path:
        return self.folder / f"part-{part.number:06}.parquet"

    def _write(self, path: Path, table: pl.DataFrame) -> None:
        beside = path.with_suffix(".tmp")
        table.write_parquet(beside)
        _settle(beside, path)

    def _write_manifest(self, parts: Sequence[Part]) -> None:
        path = self.folder / _MANIFEST
        beside = path.with_suffix(".tmp")
        beside.write_text(
            json.dumps({"parts": [asdict(part) for part in parts]}, ensure_ascii=False, indent=1), "utf-8"
        )
        _settle(beside, path)


def _settle(beside: Path, path: Path) -> None:
    """What stands beside takes its place at once or not at all, also where the power goes."""
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _table(events: dict[str, Event]) -> pl.DataFrame:
    rows = [
        (e.source, e.id, e.version, e.target, sorted(set(e.subjects.values())), name, e.text)
        for name, e in sorted(events.items(), key=lambda each: (each[1].key, each[1].version, each[0]))
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@dataclass(frozen=True, slots=True)
class Concerned:
    """All events that bear on some subjects.

    Attributes:
        subjects: the ids.
        before: the events that were there before a part.
        after: those and the part's.
    """

    subjects: frozenset[str]
    before: list[Event]
    after: list[Event]


def concerned(index: pl.DataFrame, part: int) -> Concerned:
    """The subjects whom a part may change, and every event from which what is said of them follows.

    A part may change whoever is named by its events or by an event of the same tree; what is said of them follows from
    the trees of all events that name them.
    """
    trees = _trees(index, index.filter(pl.col(PART) == part).select(_KEY).unique())
    subjects = _within(index, trees).select(pl.col(SUBJECTS).explode()).drop_nulls().unique()
    found = told_of(index, subjects.get_column(SUBJECTS), trees)
    return Concerned(
        frozenset(subjects.get_column(SUBJECTS)),
        [event for number, event in found if number < part],
        [event for _, event in found],
    )


def told_of(index: pl.DataFrame, subjects: pl.Series, trees: pl.DataFrame | None = None) -> list[tuple[int, Event]]:
    """Every event from which what is said of some subjects follows, each with the part that brought it.

    Args:
        index: of the log.
        subjects: their ids.
        trees: source and id of more events that are wanted.
    """
    wanted = pl.DataFrame({SUBJECTS: subjects.cast(pl.String)})
    naming = index.select(*_KEY, SUBJECTS).explode(SUBJECTS).join(wanted, on=SUBJECTS, how="semi").select(_KEY)
    keys = naming if trees is None else pl.concat([trees, naming])
    found = _within(index, _trees(index, keys.unique())).select(PART, TEXT)
    return [(number, event_of(text)) for number, text in found.iter_rows()]


def _within(index: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    return index.join(keys, on=_KEY, how="semi")


def _trees(index: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """The keys and all that hang together with them by `corrects` and `reverses`."""
    edges = index.select(*_KEY, TARGET).drop_nulls(TARGET).unique()
    while True:
        up = edges.join(keys, on=_KEY, how="semi").select(SOURCE, pl.col(TARGET).alias(ID))
        down = edges.join(keys, left_on=[SOURCE, TARGET], right_on=_KEY, how="semi").select(_KEY)
        grown = pl.concat([keys, up, down]).unique()
        if grown.height == keys.height:
            return keys
        keys = grown
