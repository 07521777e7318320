"""Cuts a population into parts that can be answered apart from one another: on several processes, or several machines.

A part answers for some subjects and holds beside them everybody whose facts their rules read (`rules.paths` finds them
in the rules themselves), so no relation that a rule follows is cut. Somebody may be read in several parts; each is
answered for in one. Any rulebook can be cut; what it costs is what its rules read: where a person's rule runs over all
colleagues, a part holds the colleagues of all its persons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from features.facts.encoding import Tables
from features.facts.subjects import PERSON, Subjects
from rules.evaluate.columns.positions import Index
from rules.paths import Chain, Links, Step, chains_by_kind, needed
from rules.rulebook import BenefitPlan

_NOBODY: Index = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Part:
    """Subjects to answer for, first in each table, and behind them those whose facts they read.

    Attributes:
        tables: encoded tables by kind of subject.
        asked: how many of the first rows of each table are answered for.
    """

    tables: Tables
    asked: dict[str, int]


def parts_of(
    tables: Tables,
    subjects: Subjects,
    plans: dict[str, BenefitPlan],
    size: int,
    *,
    asked: Mapping[str, int] | None = None,
) -> Iterator[Part]:
    """Cut a population that is held in memory.

    Args:
        tables: the whole population, encoded.
        subjects: the kinds and relations there are.
        plans: the benefits that will be asked for; kinds of subject without any are only read.
        size: about how many subjects a part answers for; see :func:`cut`.
        asked: how many of the first rows of each table are to be answered for; all by default.
    """
    links, chains = Links(tables, subjects), chains_by_kind(plans)
    counts = {kind: table.height if asked is None else asked.get(kind, 0) for kind, table in tables.items()}
    wanted = {kind: np.arange(count, dtype=np.int64) for kind, count in counts.items() if kind in chains}
    for chosen in cut(links, wanted, chains, size):
        reach = needed(links, chosen, chains)
        beside = {kind: np.setdiff1d(rows, chosen.get(kind, _NOBODY)) for kind, rows in reach.items()}
        yield Part(
            {
                kind: table[np.concatenate([chosen.get(kind, _NOBODY), beside.get(kind, _NOBODY)])]
                for kind, table in tables.items()
            },
            {kind: len(rows) for kind, rows in chosen.items()},
        )


def cut(
    links: Links, asked: dict[str, Index], chains: dict[str, frozenset[Chain]], size: int
) -> Iterator[dict[str, Index]]:
    """Some subjects in chunks: persons beside the rest of their household, groups without one last.

    Args:
        links: of the whole population.
        asked: rows, by kind of subject.
        chains: by kind of subject, the chains of its benefits.
        size: subjects of a chunk, about. A group that is not a household and whose rules run over its persons
            (an enterprise) counts with them: they are read for its sake.

    Yields:
        Rows by kind of subject, in the order of the tables; each is in one chunk.
    """
    kinds = [kind for kind in links.subjects.kinds if len(asked.get(kind, ()))]
    if not kinds:
        return
    owners = np.repeat(np.arange(len(kinds)), [len(asked[kind]) for kind in kinds])
    rows = np.concatenate([asked[kind] for kind in kinds])
    order = np.argsort(np.concatenate([_keys(links, kind, asked[kind]) for kind in kinds]), kind="stable")
    weights = np.concatenate([_weights(links, kind, asked[kind], chains) for kind in kinds])[order]
    number = (np.cumsum(weights) - weights) // max(size, 1)
    for chosen in np.split(order, np.flatnonzero(np.diff(number)) + 1):
        parts = {kind: np.sort(rows[chosen[owners[chosen] == position]]) for position, kind in enumerate(kinds)}
        yield {kind: part for kind, part in parts.items() if len(part)}


def _keys(links: Links, kind: str, rows: Index) -> Index:
    """What to order subjects by, so that those who read one another stand together."""
    home = next(iter(links.subjects.groups), None)
    if kind == home:
        return rows
    if kind == PERSON and home is not None:
        group = links.tables.positions(home, links.subjects.groups[home].link)[rows]
        return np.where(group >= 0, group, links.tables.named(home) + rows)
    return (1 << 40) * (links.subjects.kinds.index(kind) + 1) + rows


def _weights(links: Links, kind: str, rows: Index, chains: dict[str, frozenset[Chain]]) -> Index:
    """How much of a chunk each subject fills."""
    ones = np.ones(len(rows), dtype=np.int64)
    is_home = kind == next(iter(links.subjects.groups), None)
    if is_home or (Step("members", kind),) not in chains.get(kind, frozenset()):
        return ones
    _, starts = links.tables.members(kind)
    return ones + np.where(rows + 1 < len(starts), np.diff(starts, append=starts[-1:])[rows], 0)
