"""The order of a queue: by need, money and deadline. It moves people; it never touches what is said of them."""

from __future__ import annotations

import datetime as dt

import polars as pl

from features.facts.encoding import ID, Tables
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary
from models.outreach.objective import PERCENT, Need, Objective
from models.outreach.worth import KEY, MOST_MINOR

HOUSEHOLD = "household"
HOUSEHOLD_LINK = "household_id"
_NEEDS = {"subject": pl.String(), ID: pl.String(), "need_percent": pl.Int64()}


def needs_of(tables: Tables, objective: Objective, vocabulary: Vocabulary) -> pl.DataFrame:
    """How much need each subject has, in hundredths.

    A person has the needs of the household they belong to; a household those of its neediest person. What is not known
    counts as if it held: missing records must not put a person behind.

    Returns:
        `subject`, `id`, `need_percent`.
    """
    needs = objective.needs_of(vocabulary)
    own = {kind: _own(table, [need for need in needs if need.subject == kind]) for kind, table in tables.items()}
    if PERSON in own and HOUSEHOLD in own and HOUSEHOLD_LINK in tables[PERSON].columns:
        link = tables[PERSON].select(ID, HOUSEHOLD_LINK)
        persons = own[PERSON].join(link, on=ID, how="left", maintain_order="left")
        neediest = persons.group_by(HOUSEHOLD_LINK).agg(pl.col("need_percent").max().alias("of_persons"))
        homes = own[HOUSEHOLD].rename({ID: HOUSEHOLD_LINK, "need_percent": "of_home"})
        both = persons.join(homes, on=HOUSEHOLD_LINK, how="left", maintain_order="left")
        added = pl.col("need_percent") + pl.col("of_home").fill_null(_every(needs, HOUSEHOLD))
        people = neediest.rename({HOUSEHOLD_LINK: ID})
        together = own[HOUSEHOLD].join(people, on=ID, how="left", maintain_order="left")
        own[PERSON] = both.select(ID, added)
        of_both = pl.col("need_percent") + pl.col("of_persons").fill_null(_every(needs, PERSON))
        own[HOUSEHOLD] = together.select(ID, of_both)
    parts = [found.select(pl.lit(kind).alias("subject"), ID, "need_percent") for kind, found in own.items()]
    return pl.concat([pl.DataFrame(schema=_NEEDS), *parts])


def _every(needs: tuple[Need, ...], kind: str) -> int:
    """What all needs of a kind add together: whoever is not known is not put behind."""
    return sum(need.adds_percent for need in needs if need.subject == kind)


def _own(table: pl.DataFrame, needs: list[Need]) -> pl.DataFrame:
    shares = [
        pl.when(pl.col(need.fact).fill_null(True)).then(need.adds_percent).otherwise(0)
        if need.fact in table.columns
        else pl.lit(need.adds_percent)
        for need in needs
    ]
    total = pl.sum_horizontal(shares).cast(pl.Int64) if shares else pl.lit(0, dtype=pl.Int64)
    return table.select(ID, total.alias("need_percent"))


def in_order(waiting: pl.DataFrame, needs: pl.DataFrame, objective: Objective, on_date: dt.date) -> pl.DataFrame:
    """The rows of a queue, first to be reached first.

    Args:
        waiting: `subject`, `id`, `expected_minor`, `deadline` (null: none), and whatever else a row carries along.
        needs: of :func:`needs_of`; a subject without a row has every need, for nothing is known of them.
        objective: the only thing that decides.
        on_date: deadlines are counted from here; one that has passed counts like one of today.

    Returns:
        Exactly the rows that came in, reordered, with `need_percent` and `priority`. Ties go by deadline, then by id.
    """
    most = needs.get_column("need_percent").max() if needs.height else 0
    rows = waiting.join(needs, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("need_percent").fill_null(pl.lit(most, dtype=pl.Int64))
    )
    times = pl.lit(PERCENT)
    days = (pl.col("deadline") - pl.lit(on_date)).dt.total_days()
    for deadline in reversed(objective.deadlines):
        times = pl.when(days <= deadline.within_days).then(deadline.times_percent).otherwise(times)
    money = pl.col("expected_minor").clip(0, MOST_MINOR).cast(pl.Int128)
    priority = money * (PERCENT + pl.col("need_percent")) * times
    keyed = rows.with_columns(priority.alias("priority"))
    return keyed.sort("priority", "deadline", *KEY, descending=[True, False, False, False], nulls_last=True)
