"""The batch evaluator: every benefit for every subject, in columns. Must agree with `rules.evaluate.reference`.

Rows are taken in chunks that fit the processor's cache. Outcome and next change are computed for all of them, the
amount only where the outcome is not already no, and missing facts only where the answer is open.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from rules import plan
from rules.benefits import IN_AREA
from rules.evaluate.columns import figures, vectors
from rules.evaluate.columns.days import earliest, is_never, where_days
from rules.evaluate.columns.missing_facts import MissingFacts
from rules.evaluate.columns.needs import BatchNeeds
from rules.evaluate.columns.nodes import BatchValues
from rules.evaluate.columns.positions import Positions
from rules.evaluate.columns.results import Answered, take
from rules.evaluate.columns.rows import Rows, Tables
from rules.evaluate.columns.standstill import UNMOVED, turns, unmoved_until
from rules.evaluate.columns.truths import as_mask, unknown_mask
from rules.evaluate.columns.vectors import Bits, Days, Mask, Span, open_mask
from rules.rulebook import BenefitPlan, Rulebook

INELIGIBLE, UNDETERMINED, ELIGIBLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Full:
    """A benefit's answer for some rows with what goes beside it."""

    answered: Answered
    missing: Bits
    undecided: Mask
    unmoved: Days


class BatchEvaluator:
    """Answers every benefit of a rulebook on one date for whole tables."""

    def __init__(self, rulebook: Rulebook, on_date: dt.date) -> None:
        self.rulebook = rulebook
        self.on_date = on_date
        self.plans = rulebook.in_force(on_date)
        self.values = BatchValues(rulebook.vocabulary.areas, on_date, self)
        self._missing = {
            name: MissingFacts(benefit, BatchNeeds(benefit, self.values, self._missing_of))
            for name, benefit in self.plans.items()
        }
        self._kept = self._shared()

    def _shared(self) -> frozenset[tuple[str, int | str]]:
        """The memo keys worth keeping when a benefit is done: what other benefits read too."""
        seen: dict[int, plan.Node] = {}
        kept: set[tuple[str, int | str]] = set()
        for benefit in self.plans.values():
            own: dict[int, plan.Node] = {}
            for root in (benefit.outcome, benefit.amount):
                if root is not None:
                    _collect(root, own)
            for key, node in own.items():
                if key in seen:
                    kept |= {("condition", key), ("quantity", key), (UNMOVED, key)}
                if isinstance(node, plan.EligibleFor | plan.AmountOf):
                    kept.add(("answer", node.benefit))
            seen.update(own)
        return frozenset(kept)

    def clause_names(self, benefit_id: str) -> tuple[str, ...]:
        """What the bits of `unmet` stand for."""
        return self.plans[benefit_id].clause_names

    def evaluate(
        self,
        tables: dict[str, pl.DataFrame],
        benefits: Iterable[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, pl.DataFrame]:
        """Answer every benefit for every listed subject.

        Args:
            tables: by kind of subject, encoded (see `features.facts.files`).
            benefits: only these; all by default.
            progress: told how many determinations have been made, chunk by chunk.

        Returns:
            By benefit, one row per subject in table order: `outcome` (0 ineligible, 1 undetermined, 2 eligible),
            `amount_low`, `amount_high` (units of the plan; null: no bound), `unmet` (bits of :meth:`clause_names`),
            `missing` (bits of the plan's names), `next_change` (day number; at or after `plan.DAY_HIGH`: none),
            `version` (position of the variant; -1: none, or not known), `outside_until` (day number: whoever is outside
            of the benefit's area is so until then, if nothing is learned), `look_again` (day number: until then all of
            this stands, the reasons and `next_change` too; never later than `next_change`).
        """
        parts: dict[str, list[pl.DataFrame]] = {}
        for benefit_id, frame in self.stream(tables, benefits):
            parts.setdefault(benefit_id, []).append(frame)
            if progress is not None:
                progress(frame.height)
        return {benefit_id: pl.concat(frames) for benefit_id, frames in parts.items()}

    def stream(
        self, tables: dict[str, pl.DataFrame], benefits: Iterable[str] | None = None
    ) -> Iterator[tuple[str, pl.DataFrame]]:
        """As :meth:`evaluate`, chunk by chunk: (benefit, answers for the next rows), kind after kind."""
        prepared = Tables(tables, self.rulebook.vocabulary.subjects)
        wanted = list(self.plans) if benefits is None else list(benefits)
        for kind in self.rulebook.vocabulary.subjects.kinds:
            chosen = [b for b in wanted if self.plans[b].benefit.subject == kind]
            for rows in prepared.chunks(kind):
                for benefit_id in chosen:
                    yield benefit_id, self.frame(benefit_id, rows)
                    rows.forget(self._kept)
                    prepared.forget(self._kept)

    def stream_some(
        self, tables: dict[str, pl.DataFrame], chosen: Mapping[str, Mask]
    ) -> Iterator[tuple[str, pl.DataFrame]]:
        """As :meth:`stream`, but of each benefit only the chosen rows are answered, in table order.

        What relations lead to is read wherever it stands in the tables.

        Args:
            tables: by kind of subject, encoded.
            chosen: by benefit which rows of its kind's table; benefits with the same rows share what they read.
        """
        prepared = Tables(tables, self.rulebook.vocabulary.subjects)
        alike: dict[tuple[str, bytes], list[str]] = {}
        for benefit_id, mask in chosen.items():
            alike.setdefault((self.plans[benefit_id].benefit.subject, np.packbits(mask).tobytes()), []).append(
                benefit_id
            )
        for (kind, _), benefits in alike.items():
            mask = chosen[benefits[0]]
            for rows in prepared.chunks(kind):
                some = rows if mask.all() else rows.subset(mask[rows.index])
                for benefit_id in benefits:
                    yield benefit_id, self.frame(benefit_id, some)
                    some.forget(self._kept)
                    prepared.forget(self._kept)

    def frame(self, benefit_id: str, rows: Rows) -> pl.DataFrame:
        """One benefit's answers for rows as a table."""
        benefit = self.plans[benefit_id]
        full = self._full(benefit_id, rows)
        truth, span, until = full.answered
        unmet, version = self._unmet(benefit, rows, as_mask(truth, rows.n, wanted=False))
        outcome = np.where(as_mask(truth, rows.n, wanted=True), ELIGIBLE, full.undecided.astype(np.uint8))
        return pl.DataFrame(
            {
                "outcome": outcome.astype(np.uint8),
                "amount_low": vectors.column(span.low, rows.n),
                "amount_high": vectors.column(span.high, rows.n),
                "unmet": unmet.astype(np.uint64),
                "missing": full.missing,
                "next_change": np.broadcast_to(np.asarray(until, dtype=np.int32), (rows.n,)),
                "version": version,
                "look_again": np.broadcast_to(np.asarray(full.unmoved, dtype=np.int32), (rows.n,)),
                "outside_until": np.broadcast_to(
                    np.asarray(self._outside_until(benefit, rows), dtype=np.int32), (rows.n,)
                ),
            }
        )

    def _outside_until(self, benefit: BenefitPlan, rows: Rows) -> Days:
        """Until when whoever is outside stays so. `next_change` does not tell: the answer may be no for two reasons."""
        guards = [variant.guard for variant in benefit.variants if variant.guard is not None]
        guards += [node for variant in benefit.variants for name, node in variant.clauses if name == IN_AREA]
        return earliest(benefit.changes_on, *(self.values.judge(guard, rows).until for guard in guards))

    def answer(self, benefit: str, rows: Rows) -> Answered:
        """The answer of a benefit for rows of its kind."""
        return self._full(benefit, rows).answered

    def unmoved_until(self, benefit: str, rows: Rows) -> Days:
        """Until when everything that is said with a benefit's answer stands."""
        return self._full(benefit, rows).unmoved

    def _missing_of(self, benefit: str, rows: Rows) -> tuple[Bits, tuple[str, ...]]:
        return self._full(benefit, rows).missing, self.plans[benefit].names

    def _full(self, benefit_id: str, rows: Rows) -> _Full:
        key = ("answer", benefit_id)
        if key not in rows.memo:
            shared = rows.shared()
            if shared is None:
                rows.memo[key] = self._compute(self.plans[benefit_id], rows)
            else:
                rows.memo[key] = _for_some(self._full(benefit_id, shared[0]), shared[1])
        found: _Full = rows.memo[key]
        return found

    def _compute(self, benefit: BenefitPlan, rows: Rows) -> _Full:
        n = rows.n
        truth, until = self.values.judge(benefit.outcome, rows)
        until = earliest(until, benefit.changes_on)
        undecided = unknown_mask(truth, n)
        maybe = ~as_mask(truth, n, wanted=False)
        missing = np.zeros(n, dtype=np.uint64)
        span = Span(0, 0)
        unmoved = self._unmoved(benefit, rows, maybe)
        if maybe.any():
            some = rows.subset(maybe)
            span, until = self._amount(benefit, some, maybe, undecided, until, n)
            unsettled = undecided[maybe] | self._open_amounts(benefit, some)
            if unsettled.any():
                missing[np.flatnonzero(maybe)[unsettled]] = self._missing[benefit.benefit.id].of(some.subset(unsettled))
            if benefit.amount is not None:
                unmoved = earliest(unmoved, _spread(unmoved_until(benefit.amount, some, self.values), maybe, n))
        return _Full(Answered(truth, span, until), missing, undecided, earliest(unmoved, until))

    def _unmoved(self, benefit: BenefitPlan, rows: Rows, maybe: Mask) -> Days:
        """Until when outcome and reasons stand; the amount has its own day.

        Whoever is refused learns which clauses say no, and until when that is so. A clause that does not say no may
        come to be unknown, which changes neither; only what turns with time is watched.
        """
        found = earliest(benefit.changes_on)
        for variant in benefit.variants:
            if variant.guard is not None:
                found = earliest(found, unmoved_until(variant.guard, rows, self.values))
            for _, node in variant.clauses:
                until = unmoved_until(node, rows, self.values)
                if not is_never(until):
                    judged = self.values.judge(node, rows)
                    no = as_mask(judged.truth, rows.n, wanted=False)
                    watched = maybe | (no & (np.asarray(judged.until) != plan.NEVER)) | (~no & turns(node))
                    found = earliest(found, where_days(watched, until, plan.NEVER))
        return found

    def _open_amounts(self, benefit: BenefitPlan, some: Rows) -> Mask:
        if benefit.amount is None:
            return np.full(some.n, False)
        return open_mask(self.values.measure(benefit.amount, some).span, some.n)

    def _amount(
        self, benefit: BenefitPlan, some: Rows, maybe: Mask, undecided: Mask, until: Days, n: int
    ) -> tuple[Span, Days]:
        """The amount for all rows, computed for those that may be eligible; nothing is owed elsewhere."""
        if benefit.amount is None:
            return Span(0, 0), until
        amount, good = self.values.measure(benefit.amount, some)
        doubtful = undecided[maybe]
        low, high = amount.low, amount.high
        single = amount.single
        if doubtful.any():
            low_zero = figures.extreme(low, 0, some.n, smaller=True, null_wins=True)
            high_zero = figures.extreme(high, 0, some.n, smaller=False, null_wins=True)
            low = figures.choose(doubtful, low_zero, low, some.n)
            high = figures.choose(doubtful, high_zero, high, some.n)
            single = False
        everywhere = bool(maybe.all())
        low_all = low if everywhere else _scattered(low, maybe, n)
        high_all = low_all if single else (high if everywhere else _scattered(high, maybe, n))
        return Span(low_all, high_all), earliest(until, _spread(good, maybe, n))

    def _unmet(self, benefit: BenefitPlan, rows: Rows, refused: Mask) -> tuple[Bits, pl.Series]:
        n = rows.n
        names = self.clause_names(benefit.benefit.id)
        none = pl.Series([-1], dtype=pl.Int8).new_from_index(0, n)
        if not benefit.variants:
            return np.full(n, 1, dtype=np.uint8), none
        dtype: type[np.unsignedinteger[Any]] = (
            np.uint8 if len(names) <= 8 else np.uint16 if len(names) <= 16 else np.uint64
        )
        unmet = np.zeros(n, dtype=dtype)
        if len(benefit.variants) == 1:
            for index, (_, node) in enumerate(benefit.variants[0].clauses):
                truth = self.values.judge(node, rows).truth
                if truth is not True:
                    unmet |= as_mask(truth, n, wanted=False).astype(dtype) << dtype(index)
            unmet[~refused] = 0
            return unmet, pl.Series([0], dtype=pl.Int8).new_from_index(0, n)
        version = np.full(n, -1, dtype=np.int8)
        applying = np.zeros(n, dtype=np.int8)
        for position, variant in enumerate(benefit.variants):
            assert variant.guard is not None
            applies = ~as_mask(self.values.judge(variant.guard, rows).truth, n, wanted=False)
            version[applies] = position
            applying += applies
            for name, node in variant.clauses:
                failed = as_mask(self.values.judge(node, rows).truth, n, wanted=False) & applies
                unmet |= failed.astype(dtype) << dtype(names.index(name))
        version[applying != 1] = -1
        unmet[applying == 0] = dtype(1) << dtype(names.index(IN_AREA))
        unmet[~refused] = 0
        return unmet, pl.Series(version)


def _for_some(full: _Full, chosen: Positions) -> _Full:
    truth, span, until = full.answered
    answered = Answered(take(truth, chosen), take(span, chosen), take(until, chosen))
    return _Full(answered, full.missing[chosen.index], full.undecided[chosen.index], take(full.unmoved, chosen))


def _collect(node: plan.Node, found: dict[int, plan.Node]) -> None:
    if id(node) not in found:
        found[id(node)] = node
        for child in node.children():
            _collect(child, found)


def _spread(days: Days, maybe: Mask, n: int) -> Days:
    """Days of some rows among all rows: never elsewhere."""
    if is_never(days):
        return plan.NEVER
    spread = np.full(n, plan.NEVER, dtype=np.int32)
    spread[maybe] = days
    return spread


def _scattered(bound: vectors.Bound, maybe: Mask, n: int) -> vectors.Bound:
    """A bound of some rows among all rows: zero elsewhere."""
    if isinstance(bound, int) and bound == 0:
        return 0
    values = vectors.column(bound, int(maybe.sum()))
    positions = np.cumsum(maybe) - 1
    spread: pl.Series = values[pl.Series(np.maximum(positions, 0).astype(np.uint32))]
    return spread.zip_with(pl.Series(maybe), pl.Series([0], dtype=pl.Int64).new_from_index(0, n))
