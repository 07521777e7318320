"""Subjects drawn fact by fact from the dictionary: any jurisdiction, any number, deterministic, fast.

What most rules read first (age, area, money) has plausible marginals; every other fact is drawn by its type, and a
share of all cells is unknown. Nothing is coherent between facts. For measuring and for tests that want variety, not
truth.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from features.facts.dictionary import Fact
from features.facts.encoding import column_type
from features.facts.population import NONE
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary

PERSONS_PER_HOUSEHOLD = 2.6
PERSONS_PER_ENTERPRISE = 20
SHARE_UNKNOWN = 0.03
SHARE_TRUE = 0.04
EPOCH = dt.date(1970, 1, 1)
TODAY = dt.date(2026, 3, 1)
MONEY_MEAN_MINOR = 250_000
HOME_SHARES = {
    "440100": 0.55,
    "440112": 0.1,
    "440113": 0.1,
    "440300": 0.1,
    "110000": 0.1,
    "310000": 0.03,
    "440000": 0.02,
}
"""Where people live, as far as the jurisdiction has these areas; else anywhere."""


def tables_by_type(
    vocabulary: Vocabulary,
    persons: int,
    seed: tuple[int, ...],
    *,
    share_unknown: float = SHARE_UNKNOWN,
    share_true: float = SHARE_TRUE,
    first_id: int = 0,
) -> dict[str, pl.DataFrame]:
    """Encoded tables of so many persons with their groups.

    Args:
        vocabulary: of the jurisdiction.
        persons: how many.
        seed: the same seed gives the same tables.
        share_unknown: of all cells of facts.
        share_true: of boolean facts.
        first_id: ids count from here, so that partitions can be joined.
    """
    rng = np.random.default_rng(list(seed))
    groups = {name: _group_count(name, persons) for name in vocabulary.subjects.groups}
    frames: dict[str, pl.DataFrame] = {}
    for kind, n in {PERSON: persons, **groups}.items():
        columns = {"id": pl.Series(np.arange(n) + first_id).cast(pl.String)}
        if kind == PERSON:
            for name, positions in _links(vocabulary, groups, persons, rng).items():
                text = pl.Series(positions + first_id).cast(pl.String)
                nobody = pl.Series([NONE]).new_from_index(0, n)
                columns[name] = text.zip_with(pl.Series(positions >= 0), nobody)
        for fact in vocabulary.dictionary.of_subject(kind):
            if fact.type.kind != "id":
                values = _values(fact, n, rng, vocabulary, share_true)
                unknown = pl.Series(rng.random(n) < share_unknown)
                columns[fact.id] = values.zip_with(~unknown, pl.Series([None], dtype=values.dtype).new_from_index(0, n))
        frames[kind] = pl.DataFrame(columns)
    return frames


def _group_count(name: str, persons: int) -> int:
    return max(1, persons // PERSONS_PER_ENTERPRISE if name == "enterprise" else int(persons / PERSONS_PER_HOUSEHOLD))


def _links(
    vocabulary: Vocabulary, groups: dict[str, int], persons: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """For every link column the position of what each person's names; -1 for nobody."""
    links: dict[str, np.ndarray] = {}
    for group in vocabulary.subjects.groups.values():
        drawn = rng.integers(0, groups[group.name], persons)
        links[group.link] = (
            np.where(rng.random(persons) < 0.5, drawn, -1) if group.name == "enterprise" else np.sort(drawn)
        )
    for link in vocabulary.subjects.links:
        if link == "spouse_id":
            order = np.arange(persons)
            partner = np.where(order % 2 == 0, order + 1, order - 1)
            wed = np.repeat(rng.random((persons + 1) // 2) < 0.5, 2)[:persons] & (partner < persons)
            links[link] = np.where(wed, partner, -1)
        elif link not in links:
            links[link] = np.where(rng.random(persons) < 0.3, rng.integers(0, persons, persons), -1)
    return links


def _values(fact: Fact, n: int, rng: np.random.Generator, vocabulary: Vocabulary, share_true: float) -> pl.Series:
    kind, t = fact.type.kind, fact.type
    dtype = column_type(fact, vocabulary.areas)
    if fact.id == "birth_date":
        ages = rng.gamma(4.0, 10.0, n).clip(0, 104) * 365.25
        values = pl.Series((TODAY - EPOCH).days - ages.astype(np.int32)).cast(pl.Int32).cast(pl.Date)
    elif kind == "boolean":
        values = pl.Series(rng.random(n) < share_true)
    elif kind == "date":
        days = (TODAY - EPOCH).days + rng.integers(-3650, 730, n)
        values = pl.Series(days.astype(np.int32)).cast(pl.Date)
    elif kind == "area":
        known = [area for area in HOME_SHARES if area in vocabulary.areas] or sorted(vocabulary.areas.by_code)
        shares = np.array([HOME_SHARES.get(area, 1.0) for area in known])
        drawn = rng.choice(len(known), n, p=shares / shares.sum())
        values = pl.Series(known).gather(pl.Series(drawn.astype(np.uint32))).cast(dtype)
    elif kind == "code":
        drawn = rng.integers(0, len(t.codes), n)
        values = pl.Series(list(t.codes)).gather(pl.Series(drawn.astype(np.uint32))).cast(dtype)
    elif kind == "months":
        first = 2026 * 12 - rng.integers(1, 60, n)
        lists = pl.DataFrame({"a": first, "b": first + rng.integers(1, 30, n)})
        values = lists.select(pl.int_ranges("a", "b").cast(pl.List(pl.Int32))).to_series()
    elif kind == "money":
        values = pl.Series(rng.exponential(MONEY_MEAN_MINOR, n).astype(np.int64) // 100 * 100)
    else:
        low = int((t.minimum or 0) * 10**t.decimals)
        high = int(t.maximum * 10**t.decimals) if t.maximum is not None else low + 12 * 10**t.decimals
        values = pl.Series(rng.integers(low, min(high, low + 60 * 10**t.decimals) + 1, n))
    return values
