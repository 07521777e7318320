"""`missing_evidence` over the recorded history: trained through Feast, and the queue of the latest sweep.

The scores made here are read by nothing that answers, stores or delivers; they order a queue.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.facts.encoding import ID, STALE_SUFFIX, Tables
from features.facts.subjects import PERSON
from features.history.history import History
from features.history.statements import LEARNED_AT
from features.store.purposes import Purposes
from features.store.settings import FILES, StoreSettings
from features.store.training import KNOWN_AT, ON_DATE, TrainingSets
from models.catalogue_evidence.cases import GROWTH, Cases, cases_of
from models.catalogue_evidence.gaps import observed_outages
from models.catalogue_evidence.inputs import CatalogueInputs
from models.catalogue_evidence.scores import score_open
from models.fitted import FittedModel
from models.inputs import check_moments
from models.lifecycle import training
from models.lifecycle.limits import load_limits
from models.lifecycle.loading import Standing, load_champion
from models.lifecycle.registry import Registry
from models.lifecycle.training import Trained
from models.missing_evidence.training import NAME
from models.outreach.objective import Objective
from models.outreach.queue import HOUSEHOLD
from models.outreach.reaching import reach
from serving.day.ordering import case_priorities, write_priorities
from serving.errors import ServingError
from serving.evaluation import sound_rulebook
from serving.model_life import held_out, place_of, verified
from serving.purposes import model_purpose
from serving.store.database import connect
from serving.store.engine import Role, open_engine
from serving.store.export import read_found_determinations
from serving.store.migrate import migrate
from serving.store.server import open_server
from serving.store.sweeps import last_complete
from serving.sweep.rulebooks import load_pinned
from serving.sweep.sources import recorded_facts, swept_catalogue
from serving.views import views_of

SAMPLED_HOUSEHOLDS = 6_000
"""Are learned from: some 11,000 persons. Feast's join costs by the row. Enterprises would bring all their staff along,
for benefits that nobody needs to be reached for first: donors speak there."""
SEED = 1
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Swept:
    """The latest complete sweep: what it was about, and everything it did not refuse."""

    on_date: dt.date
    known_at: dt.datetime
    inputs: CatalogueInputs
    determinations: pl.DataFrame


@dataclass(frozen=True)
class Queue:
    """Whom to reach first.

    Attributes:
        rows: of :func:`models.outreach.reaching.reach`.
        scores: of :func:`models.catalogue_evidence.scores.score_open`.
        standing: which model may be used, or why none.
        model: that ordered; None: donors stood in, for there is none, or it is of another catalogue.
        swept: the answers that are ordered.
        tables: what was known when they were made.
    """

    rows: pl.DataFrame
    scores: pl.DataFrame
    standing: Standing
    swept: Swept
    tables: Tables
    model: FittedModel | None = None


def latest_sweep(home: Path, database_url: str | None) -> Swept:
    """What the latest complete sweep says.

    Raises:
        ServingError: nothing was ever swept.
    """
    server = open_server(database_url, home)
    try:
        with connect(server.url) as session:
            sweep = last_complete(session)
            if sweep is None:
                raise ServingError(
                    "No sweep is complete: there is no open answer. Run `applyfree sweep`, or name files with "
                    "`--facts` and `--answers`."
                )
            found = read_found_determinations(session)
    finally:
        server.close()
    rulebook = load_pinned(home, sweep.rulebook).rulebook
    known_at = sweep.known_at.astimezone(dt.UTC)  # the server names the zone otherwise
    return Swept(sweep.on_date, known_at, CatalogueInputs(rulebook, sweep.on_date), found)


def train(home: Path, swept: Swept, on_date: dt.date, tell: Tell = lambda _: None) -> tuple[Trained, str, Cases]:
    """Train a challenger from the history and record its run: the run, the version's number, and what it learned from.

    Args:
        home: $APPLYFREE_HOME.
        swept: the sweep whose open answers show which gaps there are; its day and moment are those of the facts.
        on_date: written on the card.
        tell: is told of each phase.

    Raises:
        ModelsError: there is too little to learn from, an input leaks, or the registry is away.
        StoreError: the offline store cannot be used.
    """
    place = place_of(home)
    tell("fetching facts of the past through Feast")
    tables = training_tables(home, swept)
    tell("hiding records as registers leave them out")
    cases = cases_of(swept.inputs, tables, observed_outages(swept.determinations), SEED)
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as new:
        tell("training and measuring")
        trained = training.train(cases.rows, load_limits(), Path(new) / NAME, held_out(place), on_date, GROWTH)
        tell("recording the run")
        return trained, Registry(place).record(trained).version, cases


def train_latest(home: Path, database_url: str | None, on_date: dt.date, tell: Tell) -> tuple[Trained, str]:
    """As :func:`train`, of the latest sweep."""
    trained, version, _ = train(home, latest_sweep(home, database_url), on_date, tell)
    return trained, version


def training_tables(home: Path, swept: Swept, households: int = SAMPLED_HOUSEHOLDS) -> Tables:
    """Facts of a sample, as known at the sweep's moment, fetched by Feast for the model's purpose alone.

    Whole households are drawn, so that sums over persons are whole.

    Raises:
        LeakError: a statement was learned after the moment.
    """
    rulebook = swept.inputs.rulebook
    history = History(home / "history", rulebook.vocabulary, views_of(rulebook.vocabulary))
    purpose = model_purpose(NAME)
    purposes = Purposes.of({purpose: sorted(swept.inputs.model_reads)}, rulebook.vocabulary)
    spines = _sample(history, swept, households)
    settings = StoreSettings(home / "store", "unix:///", FILES)
    found: Tables = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Feast's own DuckDB store
        with TrainingSets(settings, history, rulebook.vocabulary, purposes).at(swept.known_at) as snapshot:
            for kind, ids in spines.items():
                spine = pl.DataFrame({ID: ids}).with_columns(pl.lit(swept.on_date).alias(ON_DATE))
                found[kind] = snapshot.read(purpose, kind, spine).drop(ON_DATE)
    _require_past(history, spines, swept)
    return found


def _sample(history: History, swept: Swept, households: int) -> dict[str, list[str]]:
    link = swept.inputs.rulebook.vocabulary.subjects.groups[HOUSEHOLD].link
    links = history.as_of(swept.on_date, swept.known_at, kinds=[PERSON], facts=[link])[PERSON]
    drawn = _some(history.subjects(HOUSEHOLD, swept.known_at), households)
    persons = links.filter(pl.col(link).is_in(drawn)).get_column(ID).sort().to_list()
    return {PERSON: persons, HOUSEHOLD: drawn}


def _some(ids: pl.Series, count: int) -> list[str]:
    ordered = ids.sort()
    return ordered.sample(min(count, len(ordered)), seed=SEED).sort().to_list()


def _require_past(history: History, spines: dict[str, list[str]], swept: Swept) -> None:
    """Refuse what was learned after the moment, on some of the subjects of each view."""
    for view in history.views.values():
        ids = spines.get(view.kind, [])[:200]
        if ids:
            rows = history.rows_stated(view.id, swept.known_at, ids).select(LEARNED_AT)
            check_moments(rows.with_columns(pl.lit(swept.known_at).alias(KNOWN_AT)), [LEARNED_AT], KNOWN_AT)


def champion_of(home: Path) -> Standing:
    """The model that may order queues today, or why none may."""
    return load_champion(NAME, Registry(place_of(home)), verified(place_of(home)))


def queue_of(
    home: Path, swept: Swept, objective: Objective, catalogue: Path | None = None, standing: Standing | None = None
) -> Queue:
    """The queue of a sweep's open answers, ordered with the champion's scores; without one, with the donors' alone."""
    standing = standing or champion_of(home)
    tables = known_tables(home, swept, catalogue)
    model = standing.model
    if model is not None and not set(model.columns) <= {i.name for i in swept.inputs.listed}:
        model = None  # a champion of another catalogue, or of survey households: donors stand in
    scores = score_open(swept.inputs, tables, swept.determinations, model)
    vocabulary = swept.inputs.rulebook.vocabulary
    rows = reach(swept.determinations, tables, vocabulary, objective, swept.on_date, probabilities=scores)
    return Queue(rows, scores, standing, swept, tables, model)


def order_cases(home: Path, database_url: str | None, queue: Queue, objective: Objective) -> int:
    """Put caseworkers' open cases in the order of the queue: how many have another place."""
    swept = queue.swept
    priorities = case_priorities(
        swept.determinations, queue.tables, swept.inputs.rulebook.vocabulary, objective, swept.on_date, queue.scores
    )
    server = open_server(database_url, home)
    try:
        with connect(server.url) as session:
            migrate(session)
        engine = open_engine(server.url, Role.ORDER)
        try:
            return write_priorities(engine, priorities)
        finally:
            engine.dispose()
    finally:
        server.close()


def known_tables(home: Path, swept: Swept, catalogue: Path | None = None) -> Tables:
    """What was known of everybody when the sweep was made, as it read it; what is too old is null."""
    rulebook = swept.inputs.rulebook
    found = swept_catalogue(catalogue)
    sound_rulebook(found)
    names = {fact for _, fact in swept.inputs.model_reads}
    history = recorded_facts(found, home).open(rulebook.vocabulary)
    tables = history.as_of(swept.on_date, swept.known_at, facts=names)
    return {kind: _in_date(table, swept.on_date) for kind, table in tables.items()}


def _in_date(table: pl.DataFrame, on_date: dt.date) -> pl.DataFrame:
    stale = [name for name in table.columns if name.endswith(STALE_SUFFIX)]
    return table.with_columns(
        pl.when((pl.col(name) <= on_date).fill_null(value=False)).then(None)
        .otherwise(pl.col(name.removesuffix(STALE_SUFFIX))).alias(name.removesuffix(STALE_SUFFIX))
        for name in stale
    ).drop(stale)  # fmt: skip
