"""Whom rows name: of whom anything was ever said, and whose links were ever said to lead to somebody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import numpy as np
import polars as pl

from features.facts.subjects import PERSON
from features.history.deliveries import Deliveries
from features.history.partitions import ROWS, SUBJECT


def subjects_named(deliveries: Deliveries, kind: str, known_at: dt.datetime) -> pl.Series:
    """The ids of everybody of a kind of whom anything was ever said, in the order in which they were named."""
    numbering = deliveries.numbering[kind]
    named = np.zeros(numbering.count, dtype=np.bool_)
    for view in deliveries.views.values():
        if view.kind == kind:
            for part in deliveries.known(view, known_at):
                if part.new:
                    rows = deliveries.partitions.read(part.stem, ROWS, [SUBJECT])
                    named[rows.get_column(SUBJECT).to_numpy()] = True
    return numbering.ids.filter(pl.Series(named))


def persons_naming(
    deliveries: Deliveries, links: Collection[str], ids: Collection[str], known_at: dt.datetime
) -> list[str]:
    """Persons of whom any row ever said that one of these links leads to one of these subjects."""
    numbers: set[int] = set()
    for view in deliveries.views.values():
        for link in links if view.kind == PERSON else ():
            for part in deliveries.known(view, known_at) if link in view.facts else ():
                if part.new:
                    numbers |= deliveries.partitions.naming(part.stem, link, ids)
    return deliveries.numbering[PERSON].ids.gather(sorted(numbers)).to_list() if numbers else []
