"""Similar past cases: groups of people whose facts, as far as the benefit reads them, are nearest. Never a person.

Figures are put into fifths of what is found among past cases, dates into spans of years; people who then look the same
are one group. A group of fewer than five is not shown, so that nobody can be made out, and no id enters at all. The
most sensitive facts (class 4) are left out.

Source:
    Gower, A general coefficient of similarity, Biometrics 27 (1971), on the groups.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from explain.limits import limits_of
from explain.shown import Line, Section
from explain.values import value_text
from explain.wording import Messages, in_both
from features.documents import Wording
from features.facts.dictionary import Fact
from features.facts.encoding import decode, encode
from features.facts.values import Value
from features.facts.vocabulary import Vocabulary
from rules.determination import Outcome

SMALLEST_GROUP = 5
MOST_SENSITIVE = 4
BANDS = 5
SHOWN_PER_OUTCOME = 3
_FIGURES = ("integer", "number", "money", "date")
_COUNT = "count"
OUTCOME = "outcome"
"""The column that says how each past case was decided, by a person."""


@dataclass(frozen=True, slots=True)
class SimilarGroup:
    """People who look alike: what is shared of each fact, how many they are, and how far they are (0 to 1)."""

    facts: tuple[tuple[Wording, Wording], ...]
    outcome: Outcome
    people: int
    distance: float


@dataclass(frozen=True, slots=True)
class SimilarCases:
    """The nearest groups with the same answer, and with another."""

    same: tuple[SimilarGroup, ...]
    other: tuple[SimilarGroup, ...]


class PastCases:
    """Past cases of one benefit, grouped once."""

    def __init__(self, past: pl.DataFrame, facts: Sequence[Fact], vocabulary: Vocabulary, currency: str) -> None:
        """Group past cases.

        Args:
            past: one row a case: encoded columns of facts, and `outcome` (`eligible`, `ineligible`, `undetermined`).
                Columns of ids are not read.
            facts: what the benefit reads of its subject; the most sensitive are left out.
            vocabulary: of the jurisdiction.
            currency: of its money.
        """
        self.vocabulary, self.currency = vocabulary, currency
        self.facts = [f for f in facts if f.sensitivity < MOST_SENSITIVE and f.type.kind not in ("id", "months")]
        self.edges = {fact.id: _edges(past[fact.id]) for fact in self.facts if fact.type.kind in _FIGURES}
        bands = past.select(OUTCOME, *(self._band(fact).alias(fact.id) for fact in self.facts))
        names = [fact.id for fact in self.facts]
        counted = bands.group_by(OUTCOME, *names).len(_COUNT)
        self.groups = counted.filter(pl.col(_COUNT) >= SMALLEST_GROUP).sort(
            _COUNT, *names, descending=True, nulls_last=True
        )

    def nearest(self, held: Mapping[str, Value | None], outcome: Outcome) -> SimilarCases:
        """The groups nearest to somebody.

        Args:
            held: values by fact; None or left out where they are not known.
            outcome: of the case at hand.
        """
        own = {fact.id: self._own_band(fact, held.get(fact.id)) for fact in self.facts}
        found = [self._group(row, own) for row in self.groups.iter_rows(named=True)]
        found.sort(key=lambda group: group.distance)
        same = [group for group in found if group.outcome is outcome]
        other = [group for group in found if group.outcome is not outcome]
        return SimilarCases(tuple(same[:SHOWN_PER_OUTCOME]), tuple(other[:SHOWN_PER_OUTCOME]))

    def _group(self, row: Mapping[str, str | int | None], own: Mapping[str, str | int | None]) -> SimilarGroup:
        apart = [self._apart(fact, row[fact.id], own[fact.id]) for fact in self.facts]
        told = tuple((fact.names, self._words(fact, row[fact.id])) for fact in self.facts)
        people = row[_COUNT]
        assert isinstance(people, int)
        return SimilarGroup(told, Outcome(row[OUTCOME]), people, sum(apart) / max(1, len(apart)))

    def _apart(self, fact: Fact, one: str | int | None, other: str | int | None) -> float:
        if one == other:
            return 0.0
        if fact.id in self.edges and isinstance(one, int) and isinstance(other, int):
            return abs(one - other) / BANDS
        return 1.0

    def _band(self, fact: Fact) -> pl.Expr:
        column = pl.col(fact.id)
        if fact.id not in self.edges:
            return column.cast(pl.String)
        physical = column.to_physical().cast(pl.Int64)
        inside = sum((physical > edge).cast(pl.Int64) for edge in self.edges[fact.id][1:-1])
        return pl.when(column.is_null()).then(None).otherwise(pl.lit(0, dtype=pl.Int64) + inside)

    def _own_band(self, fact: Fact, value: Value | None) -> str | int | None:
        if value is None:
            return None
        if fact.id not in self.edges:
            return str(value).lower() if isinstance(value, bool) else str(encode(fact, value))
        number = limits_of(fact, dt.date(2000, 1, 1)).number(value)
        return sum(number > edge for edge in self.edges[fact.id][1:-1])

    def _words(self, fact: Fact, band: str | int | None) -> Wording:
        if band is None:
            return in_both(lambda say: say.say("similar_unknown"))
        if isinstance(band, int):
            low, high = self.edges[fact.id][band], self.edges[fact.id][band + 1]
            ends = [limits_of(fact, dt.date(2000, 1, 1)).value(number) for number in (low, high)]
            return in_both(lambda say: self._span(fact, ends[0], ends[1], say))
        value: Value = band == "true" if fact.type.kind == "boolean" else decode(fact, band)
        return in_both(lambda say: value_text(fact, value, self.vocabulary, self.currency, say))

    def _span(self, fact: Fact, low: Value, high: Value, say: Messages) -> str:
        if isinstance(low, dt.date) and isinstance(high, dt.date):
            return say.say("similar_between", low=str(low.year), high=str(high.year))
        first, last = (value_text(fact, value, self.vocabulary, self.currency, say) for value in (low, high))
        return say.say("similar_between", low=first, high=last)


def similar_sections(found: SimilarCases, say: Messages) -> tuple[Section, ...]:
    """Both lists for a page. A caseworker sees them after the own decision only: the page sees to that."""
    return tuple(
        Section(key, say.say("similar_title", title=say.say("similar"), which=say.say(key)), tuple(map(Line, lines)))
        for key, lines in (
            ("similar_same", similar_lines(found.same, say)),
            ("similar_other", similar_lines(found.other, say)),
        )
    )


def similar_lines(groups: Sequence[SimilarGroup], say: Messages) -> tuple[str, ...]:
    """Each group as a sentence; where there is none, that there are too few people to show."""
    if not groups:
        return (say.say("similar_few"),)
    told: list[str] = []
    for group in groups:
        facts = (say.say("similar_fact", label=say.of(label), value=say.of(value)) for label, value in group.facts)
        told.append(say.say("similar_case", facts=say.say("and").join(facts), count=group.people))
    return tuple(told)


def _edges(column: pl.Series) -> list[int]:
    """The ends of the fifths of a column, rounded to two digits, so that no end is somebody's own figure."""
    numbers = column.drop_nulls().to_physical().cast(pl.Int64)
    if numbers.is_empty():
        return [0] * (BANDS + 1)
    found = [numbers.quantile(part / BANDS, interpolation="nearest") or 0 for part in range(BANDS + 1)]
    if column.dtype == pl.Date:
        return [int(edge) for edge in found]
    return [_rounded(int(edge)) for edge in found]


def _rounded(number: int) -> int:
    digits = len(str(abs(number))) - 2
    return round(number, -digits) if digits > 0 else number
