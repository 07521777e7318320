"""Whom a sweep looks at: everybody, or those whose answers may differ from the last sweep's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.facts.subjects import PERSON
from rules.evaluate.columns.positions import Index
from rules.partitions import cut
from rules.paths import Chain, Links, chains_by_kind, paths_of, touched
from serving.store import sweeps
from serving.store.database import Session
from serving.store.sweeps import Sweep
from serving.sweep.asking import Asked
from serving.sweep.errors import CountIdentityError
from serving.sweep.facts import FactHistory
from serving.sweep.partitions import write_partition
from serving.sweep.rulebooks import Pinned, changed_benefits

CHUNK_SUBJECTS = 50_000
"""Subjects of a chunk: large enough that columns pay, small enough that two workers stay below 1 GB each."""

MOST_CHUNKS_IN_ONE = 4
"""So many times as many subjects at most, where each of them is asked for few benefits."""


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
    names = {kind: pinned.benefits_of(kind) for kind in links.subjects.kinds}
    population = Counter({kind: links.tables.count(kind) for kind in links.subjects.kinds})
    reasons: Counter[str] = Counter()
    doubtful = history.doubtful(sweep.on_date, sweep.known_at)
    if sweep.is_full:
        chosen = {k: Asked.everything(np.arange(n, dtype=np.int64), len(names[k])) for k, n in population.items()}
        reasons["full sweep"] = population.total()
    else:
        chosen = _incremental(session, sweep, pinned, history, links, doubtful, reasons)
    subjects = sum(len(asked.rows) for asked in chosen.values())
    rows_in_doubt = _rows_by_kind(links, _by_kind(doubtful))
    chains = chains_of_benefits(pinned, sweep)
    chunks: list[tuple[str, int]] = []
    size = _size(chosen, chunk_subjects)
    rows_chosen = {kind: some.rows for kind, some in chosen.items()}
    for number, part in enumerate(cut(links, rows_chosen, chains_of(pinned, sweep), size)):
        name = f"{number:06d}.parquet"
        asked = {kind: chosen[kind].at(rows) for kind, rows in part.items()}
        chunks.append((name, write_partition(folder / name, links, asked, names, chains, rows_in_doubt)))
    handed_over = sum(count for _, count in chunks)
    if handed_over != subjects:
        raise CountIdentityError(f"sweep {sweep.id}, chunks", subjects, handed_over, 0)
    sweeps.plan(session, sweep.id, subjects, population.total(), chunks)
    return Planned(subjects, population, reasons)


def _size(chosen: dict[str, Asked], chunk_subjects: int) -> int:
    """Subjects of a chunk: more of them where each is asked for few benefits; every chunk reads the history anew."""
    possible = sum(some.benefits.size for some in chosen.values())
    asked = sum(int(np.count_nonzero(some.benefits)) for some in chosen.values())
    return chunk_subjects * min(MOST_CHUNKS_IN_ONE, max(1, possible // max(asked, 1)))


def chains_of_benefits(pinned: Pinned, sweep: Sweep) -> dict[str, frozenset[Chain]]:
    """By benefit, every chain of relations that its rule follows."""
    plans = pinned.rulebook.in_force(sweep.on_date)
    return {benefit: paths_of(benefit, plans) for benefit in plans}


def chains_of(pinned: Pinned, sweep: Sweep) -> dict[str, frozenset[Chain]]:
    """By kind of subject, every chain of relations that its benefits follow."""
    return chains_by_kind(pinned.rulebook.in_force(sweep.on_date))


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


class _Choice:
    """Collects whom an incremental sweep looks at, for which benefits, and why."""

    def __init__(self, links: Links, pinned: Pinned, reasons: Counter[str]) -> None:
        self._links, self._reasons = links, reasons
        self.columns = {kind: {b: i for i, b in enumerate(pinned.benefits_of(kind))} for kind in links.subjects.kinds}
        counts = {kind: links.tables.count(kind) for kind in links.subjects.kinds}
        self._benefits = {kind: np.zeros((n, len(self.columns[kind])), np.bool_) for kind, n in counts.items()}
        self._looked = {kind: np.zeros(n, np.bool_) for kind, n in counts.items()}

    def add(self, reason: str, kind: str, rows: Index, benefits: Collection[str] | None = None) -> None:
        """Look at some subjects: for some benefits, or for all."""
        if len(rows) and kind in self._looked:
            self._reasons[reason] += int((~self._looked[kind][rows]).sum())
            self._looked[kind][rows] = True
            for name in self.columns[kind] if benefits is None else benefits:
                self._benefits[kind][rows, self.columns[kind][name]] = True

    def chosen(self) -> dict[str, Asked]:
        """Whom, by kind."""
        rows = {kind: np.flatnonzero(mask) for kind, mask in self._looked.items()}
        return {kind: Asked(some, self._benefits[kind][some]) for kind, some in rows.items() if len(some)}


def _incremental(
    session: Session,
    sweep: Sweep,
    pinned: Pinned,
    history: FactHistory,
    links: Links,
    doubtful: pl.DataFrame,
    reasons: Counter[str],
) -> dict[str, Asked]:
    base = sweeps.sweep_of(session, sweep.base or 0)
    assert base is not None, "an incremental sweep has a base: the database checks it"
    choice = _Choice(links, pinned, reasons)
    changed = _changed(sweep, base, history, links, doubtful)
    for kind, rows in changed.items():
        choice.add("facts changed", kind, rows)
    for kind, rows in _rows_by_kind(links, _by_kind(sweeps.dead_letters(session, base.id))).items():
        choice.add("could not be answered last time", kind, rows)
    before = _links_before(links, changed, history, base)
    for kind, benefits, chains in _looking_alike(pinned, sweep):
        for relations in (links, before):
            if relations is not None:
                choice.add("facts of others changed", kind, touched(relations, changed, kind, chains), benefits)
    contents = sweeps.benefits_of_sweeps(session)
    for kind, made_by, place, ids in sweeps.due(session, base.on_date, sweep.on_date):
        benefit = contents[made_by][kind][place][0]
        if benefit in choice.columns.get(kind, ()):
            choice.add("the day has come", kind, _rows_by_kind(links, {kind: ids})[kind], [benefit])
    for kind, differing in changed_benefits(contents[base.id], pinned.contents).items():
        if kind in choice.columns:
            everybody = np.arange(links.tables.count(kind), dtype=np.int64)
            choice.add("rules changed", kind, everybody, differing & choice.columns[kind].keys())
    return choice.chosen()


def touched_by_news(sweep: Sweep, base: Sweep, pinned: Pinned, history: FactHistory, links: Links) -> dict[str, Index]:
    """Whose facts, or those of whom their rules look at, may stand otherwise than at an earlier sweep: rows by kind.

    Also where the answers are the same: a fact that is disputed now changes no answer that never rested on it.
    """
    changed = _changed(sweep, base, history, links, history.doubtful(sweep.on_date, sweep.known_at))
    before = _links_before(links, changed, history, base)
    return {
        kind: np.unique(
            np.concatenate([touched(one, changed, kind, chains) for one in (links, before) if one is not None])
        )
        for kind, chains in chains_of(pinned, sweep).items()
    }


def _changed(sweep: Sweep, base: Sweep, history: FactHistory, links: Links, doubtful: pl.DataFrame) -> dict[str, Index]:
    """Of whom anything was learned, or turned, since an earlier sweep; or became certain or doubtful."""
    news = [
        history.changed(base.known_at, sweep.known_at).select("kind", ID),
        history.turned(base.on_date, sweep.on_date, sweep.known_at),
        _newly_certain_or_not(history.doubtful(base.on_date, base.known_at), doubtful),
    ]
    return _rows_by_kind(links, _by_kind(pl.concat(news)))


def _looking_alike(pinned: Pinned, sweep: Sweep) -> Iterator[tuple[str, list[str], frozenset[Chain]]]:
    """The benefits of each kind of subject that follow the same relations to others."""
    alike: dict[tuple[str, frozenset[Chain]], list[str]] = {}
    for benefit, chains in chains_of_benefits(pinned, sweep).items():
        alike.setdefault((pinned.rulebook.benefits[benefit].benefit.subject, chains), []).append(benefit)
    return ((kind, benefits, chains) for (kind, chains), benefits in alike.items() if chains != {()})


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


def _newly_certain_or_not(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Of whom it has become known, or doubtful, who belongs to them."""
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
