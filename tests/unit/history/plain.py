"""What the history means, said plainly: a list of deliveries read from the beginning for every single question."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from features.facts.dictionary import Authority
from features.facts.values import Gap
from features.facts.vocabulary import Vocabulary
from features.history.merging import add_months
from features.history.records import STATUS_TYPE, Batch, View

FOREVER = dt.date.max


@dataclass(frozen=True)
class Line:
    """One row of a delivery."""

    id: str
    true_from: dt.date
    true_to: dt.date | None
    status: str
    cells: tuple[object, ...]
    """In the order of the view's facts."""


@dataclass(frozen=True)
class Delivery:
    """A batch with its lines."""

    batch: Batch
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Word:
    """What one view says of one fact of one subject."""

    register: str
    value: object
    readable: bool
    true_from: dt.date
    attested: dt.date
    stale_on: dt.date | None


@dataclass(frozen=True)
class Answer:
    """A value with its register and the day it grows too old, or a gap."""

    value: object
    gap: Gap | None
    stale_on: dt.date | None = None


def frame_of(view: View, lines: Sequence[Line], types: dict[str, pl.DataType]) -> pl.DataFrame:
    """Lines as the history takes them."""
    columns = {
        "id": pl.Series([line.id for line in lines], dtype=pl.String),
        "true_from": pl.Series([line.true_from for line in lines], dtype=pl.Date),
        "true_to": pl.Series([line.true_to for line in lines], dtype=pl.Date),
        "status": pl.Series([line.status for line in lines], dtype=STATUS_TYPE),
        "row": pl.Series(range(1, len(lines) + 1), dtype=pl.UInt32),
    }
    for position, fact in enumerate(view.facts):
        columns[fact] = pl.Series([line.cells[position] for line in lines], dtype=types[fact])
    return pl.DataFrame(columns)


def answer(
    vocabulary: Vocabulary,
    views: Sequence[View],
    deliveries: Sequence[Delivery],
    subject: str,
    fact_id: str,
    on_date: dt.date,
    known_at: dt.datetime,
) -> Answer:
    """What is known of one fact of one person."""
    fact = vocabulary.dictionary.facts[fact_id]
    words: list[Word] = []
    for view in views:
        if fact_id not in view.facts:
            continue
        found = _speaking(view, deliveries, subject, on_date, known_at)
        if found is None:
            continue
        line, attested = found
        cell = line.cells[view.facts.index(fact_id)]
        is_link = fact_id in vocabulary.subjects.links
        readable = line.status == "stated" or (is_link and cell is not None)
        if readable and cell is None:
            continue
        months = fact.maximum_age_months
        stale = None if months is None else add_months(attested, months)
        words.append(Word(view.register, cell if readable else None, readable, line.true_from, attested, stale))
    return _together(words, on_date, fact.authority)


def _speaking(
    view: View, deliveries: Sequence[Delivery], subject: str, on_date: dt.date, known_at: dt.datetime
) -> tuple[Line, dt.date] | None:
    """The line that holds, and the day it was last attested."""
    known = [d for d in deliveries if d.batch.view == view.id and d.batch.learned_at <= known_at]
    statements = _of_lists(known, subject) if view.full else _of_messages(known, subject)
    said: dict[dt.date, tuple[Line, dt.date]] = {}
    for line, attested in statements:
        said[line.true_from] = (line, attested)
    begun = [start for start, (line, _) in said.items() if line.status != "withdrawn" and start <= on_date]
    if not begun:
        return None
    line, attested = said[max(begun)]
    return None if line.true_to is not None and line.true_to <= on_date else (line, attested)


def _of_messages(known: Sequence[Delivery], subject: str) -> list[tuple[Line, dt.date]]:
    ordered = sorted(known, key=lambda d: (d.batch.learned_at, d.batch.attested_on, d.batch.content_hash))
    return [
        (line, max(d.batch.attested_on, min(line.true_from, d.batch.learned_at.date())))
        for d in ordered
        for line in d.lines
        if line.id == subject
    ]


def _of_lists(known: Sequence[Delivery], subject: str) -> list[tuple[Line, dt.date]]:
    lists = [
        d
        for d in known
        if not any(o.batch.attested_on > d.batch.attested_on and o.batch.learned_at < d.batch.learned_at for o in known)
    ]
    lists.sort(key=lambda d: (d.batch.attested_on, d.batch.learned_at, d.batch.content_hash))
    said: dict[dt.date, Line] = {}
    before: dict[dt.date, Line] = {}
    attested: dt.date | None = None
    for delivery in lists:
        day = delivery.batch.attested_on
        now = {line.true_from: line for line in delivery.lines if line.id == subject}
        if now and before and all(line.true_from == day for line in delivery.lines):
            (line,) = now.values()
            last = before[max(before)]
            if (line.status, line.true_to, line.cells) == (last.status, last.true_to, last.cells):
                now = {last.true_from: last}
        if now:
            said = {start: line for start, line in said.items() if start < min(now)} | now
            attested = day
        elif before:
            said = {start: replace(line, true_to=min(line.true_to or FOREVER, day)) for start, line in said.items()}
        before = now
    return [(line, attested) for line in said.values()] if attested is not None else []


def _together(words: Sequence[Word], on_date: dt.date, authority: Authority | None) -> Answer:
    if not words:
        return Answer(None, Gap.NOT_HELD)
    heard = [
        word
        for word in words
        if not any(
            other is not word
            and other.register == word.register
            and other.true_from > max(word.attested, word.true_from)
            for other in words
        )
    ]
    fresh = [word for word in heard if word.stale_on is None or word.stale_on > on_date]
    heard = fresh or heard
    if authority is not None:
        ranks = [authority.order.index(w.register) if w.register in authority.order else 99 for w in heard]
        heard = [word for word, rank in zip(heard, ranks, strict=True) if rank == min(ranks)]
    if not all(word.readable for word in heard):
        return Answer(None, Gap.QUARANTINED)
    if any(word.value != heard[0].value for word in heard):
        return Answer(None, Gap.CONFLICTING)
    stale_on = None if heard[0].stale_on is None else max(word.stale_on for word in heard if word.stale_on is not None)
    if stale_on is not None and stale_on <= on_date:
        return Answer(heard[0].value, Gap.STALE, stale_on)
    return Answer(heard[0].value, None, stale_on)
