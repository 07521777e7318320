"""Whom a sweep looks at: everybody, or those whose answers may differ from the last sweep's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.facts.subjects import PERSON
from rules.evaluate.columns.positions import Index
from rules.paths import Chain, Links, paths_of, touched
from serving.store import sweeps
from serving.store.database import Session
from serving.store.sweeps import Sweep
from serving.sweep.errors import CountIdentityError
from serving.sweep.facts import FactHistory
from serving.sweep.partitions import cut, write_partition
from serving.sweep.rulebooks import Pinned, changed_benefits

CHUNK_SUBJECTS = 50_000
"""Subjects of a chunk: large enough that columns pay, small enough that two workers stay below 1 GB each."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Whom a sweep looks at, and why; a subject may count under several reasons."""

    subjects: int
    population: Counter[str]
    reasons: Counter[str]


def plan_sweep(
    session: Session, sweep: Sweep, pinned: Pinned, history: FactHistory, folder: Path, chunk_subjects: int
) -> Planned:
    """Choose the subjects, write the chunks' files, note the chunks. Repeatable until the last step, which is one.

    Args:
        session: of the database.
        sweep: in state `planning`.
        pinned: its rulebook.
        history: the facts.
        folder: where the chunks' files go.
        chunk_subjects: about so many subjects in each.
    """
    links = read_links(history, pinned, sweep)
    chains = chains_of(pinned, sweep)
    population = Counter({kind: links.tables.count(kind) for kind in links.subjects.kinds})
    reasons: Counter[str] = Counter()
    if sweep.is_full:
        chosen = {kind: np.arange(count, dtype=np.int64) for kind, count in population.items()}
        reasons["full sweep"] = population.total()
    else:
        chosen = _incremental(session, sweep, pinned, history, links, reasons)
    subjects = sum(len(rows) for rows in chosen.values())
    doubtful = doubtful_rows(history, sweep, links)
    chunks: list[tuple[str, int]] = []
    for number, asked in enumerate(cut(links, chosen, chunk_subjects)):
        name = f"{number:06d}.parquet"
        chunks.append((name, write_partition(folder / name, links, asked, chains, doubtful)))
    handed_over = sum(count for _, count in chunks)
    if handed_over != subjects:
        raise CountIdentityError(f"sweep {sweep.id}, chunks", subjects, handed_over, 0)
    sweeps.plan(session, sweep.id, subjects, population.total(), chunks)
    return Planned(subjects, population, reasons)


def chains_of(pinned: Pinned, sweep: Sweep) -> dict[str, frozenset[Chain]]:
    """By kind of subject, every chain of relations that its benefits follow."""
    plans = pinned.rulebook.in_force(sweep.on_date)
    chains: dict[str, frozenset[Chain]] = {}
    for benefit_id, plan in plans.items():
        kind = plan.benefit.subject
        chains[kind] = chains.get(kind, frozenset([()])) | paths_of(benefit_id, plans)
    return chains


def read_links(history: FactHistory, pinned: Pinned, sweep: Sweep) -> Links:
    """Everybody who is known, with every link."""
    subjects = pinned.rulebook.vocabulary.subjects
    tables = history.as_of(sweep.on_date, sweep.known_at, kinds=subjects.kinds, facts=subjects.links)
    return Links({kind: _only_links(table, subjects.links) for kind, table in tables.items()}, subjects)


def doubtful_rows(history: FactHistory, sweep: Sweep, links: Links) -> dict[str, Index]:
    """Of whom it is not known who belongs to them."""
    return _rows_by_kind(links, _by_kind(history.doubtful(sweep.on_date, sweep.known_at)))


def _only_links(table: pl.DataFrame, links: tuple[str, ...]) -> pl.DataFrame:
    return table.select(ID, *(name for name in links if name in table.columns))


# -- incremental -------------------------------------------------------------------------------------------------


def _incremental(
    session: Session, sweep: Sweep, pinned: Pinned, history: FactHistory, links: Links, reasons: Counter[str]
) -> dict[str, Index]:
    base = sweeps.sweep_of(session, sweep.base or 0)
    assert base is not None, "an incremental sweep has a base: the database checks it"
    kinds = links.subjects.kinds
    chosen: dict[str, list[Index]] = {kind: [] for kind in kinds}

    def choose(reason: str, found: dict[str, Index]) -> None:
        reasons[reason] += sum(len(rows) for rows in found.values())
        for kind, rows in found.items():
            chosen[kind].append(rows)

    news = [
        history.changed(base.known_at, sweep.known_at).select("kind", ID),
        history.turned(base.on_date, sweep.on_date, sweep.known_at),
        _newly_certain_or_not(history, base, sweep),
    ]
    changed = _rows_by_kind(links, _by_kind(pl.concat(news)))
    choose("facts changed", changed)
    reached = _reached(links, changed, pinned, sweep)
    before = _links_before(links, changed, history, base)
    if before is not None:
        again = _reached(before, changed, pinned, sweep)
        reached = {kind: np.union1d(reached[kind], again[kind]) for kind in kinds}
    choose("facts of others changed", {k: np.setdiff1d(reached[k], changed.get(k, reached[k][:0])) for k in kinds})
    choose("the day has come", _rows_by_kind(links, _by_kind(sweeps.due(session, base.on_date, sweep.on_date))))
    choose("could not be answered last time", _rows_by_kind(links, _by_kind(sweeps.dead_letters(session, base.id))))
    old = sweeps.benefits_of_sweeps(session)[base.id]
    for kind in changed_benefits(old, pinned.contents):
        if kind in kinds:
            choose("rules changed", {kind: np.arange(links.tables.count(kind), dtype=np.int64)})
    return {kind: np.unique(np.concatenate(parts)) for kind, parts in chosen.items() if parts}


def _reached(links: Links, changed: dict[str, Index], pinned: Pinned, sweep: Sweep) -> dict[str, Index]:
    """Whose answers the changes may touch, by the relations that rules follow."""
    chains = chains_of(pinned, sweep)
    return {kind: touched(links, changed, kind, chains.get(kind, frozenset([()]))) for kind in links.subjects.kinds}


def _links_before(links: Links, changed: dict[str, Index], history: FactHistory, base: Sweep) -> Links | None:
    """The relations as the last sweep saw them; None where they are the same.

    Whoever a person is no longer linked to loses something too: the household that a child has left, the parent who
    is not one any more. Only links of changed persons can differ.
    """
    rows = changed.get(PERSON)
    people = links.tables.frames[PERSON]
    names = [name for name in people.columns if name != ID]
    if rows is None or not len(rows) or not names:
        return None
    ids = links.ids(PERSON).gather(rows)
    found = history.as_of(base.on_date, base.known_at, kinds=[PERSON], facts=names, ids={PERSON: ids.to_list()})
    if PERSON not in found or found[PERSON].is_empty():
        return None
    old = _only_links(found[PERSON], tuple(names))
    old = old.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in old.columns)
    now = old.select(ID).join(people, on=ID, how="left", maintain_order="left")
    differs = pl.any_horizontal(pl.Series(old[name].cast(pl.String).ne_missing(now[name])) for name in names)
    moved = old.select(ID, *names).filter(pl.select(differs).to_series())
    if moved.is_empty():
        return None
    merged = people.update(moved, on=ID, how="left", include_nulls=True)
    return Links({**links.tables.frames, PERSON: merged}, links.subjects)


def _newly_certain_or_not(history: FactHistory, base: Sweep, sweep: Sweep) -> pl.DataFrame:
    """Of whom it has become known, or doubtful, who belongs to them."""
    before = history.doubtful(base.on_date, base.known_at)
    now = history.doubtful(sweep.on_date, sweep.known_at)
    columns = ["kind", ID]
    return pl.concat([now.join(before, on=columns, how="anti"), before.join(now, on=columns, how="anti")])


def _by_kind(rows: pl.DataFrame) -> dict[str, pl.Series]:
    return {str(kind): part.get_column(ID) for (kind,), part in rows.partition_by("kind", as_dict=True).items()}


def _rows_by_kind(links: Links, ids: dict[str, pl.Series]) -> dict[str, Index]:
    """The rows of some subjects; of whom nothing is known any longer, or not yet, there is nothing to answer."""
    found: dict[str, Index] = {}
    for kind, wanted in ids.items():
        is_wanted = links.ids(kind).is_in(wanted.unique().implode())
        found[kind] = np.flatnonzero(is_wanted.to_numpy())
    return found
