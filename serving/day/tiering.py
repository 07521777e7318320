"""The tier step: every determination of a sweep gets its tier and the reasons for it.

It looks at whoever got new answers, or of whom it became known that a fact is disputed, withheld or too old; at
everybody where what the law asks, the operating terms or the sweep's own check became different. Chunk by chunk, each
in one transaction: a step that was interrupted goes on where it stopped, and one that is done does nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from features.facts.encoding import ID
from features.facts.values import Gap
from rules.determination import Outcome
from rules.evaluate.columns.positions import Index
from rules.partitions import cut
from serving import log
from serving.day.doubts import Codes, Doubting, DoubtingHistory
from serving.delivery import rulings
from serving.delivery.errors import DeliveryError, NotSweptError
from serving.delivery.terms import Programmes, asks_of
from serving.delivery.tier import Amount, Asks, Evidence, Identity, Ruling, rule_on
from serving.store import answers, standings, sweeps
from serving.store.answers import Answer
from serving.store.database import Session
from serving.store.sweeps import Sweep
from serving.sweep.account import Account
from serving.sweep.errors import AutomaticStoppedError
from serving.sweep.planning import read_links, touched_by_news
from serving.sweep.review import grants_for_review
from serving.sweep.rulebooks import Contents, Pinned

CHUNK_SUBJECTS = 50_000
"""As in sweeps: large enough that columns pay, small enough to stay below 1 GB."""
_LOCK = 0x4146544C

Tell = Callable[[int, int], None]
"""Is told how many subjects are done, of how many."""


@dataclass(frozen=True, slots=True)
class Tiered:
    """What a run came to. `subjects` have new rows; `was_done`: there was nothing to do."""

    run: rulings.Run
    subjects: int
    was_done: bool


def tier_sweep(
    session: Session,
    pinned: Pinned,
    history: DoubtingHistory,
    programmes: Programmes,
    now: dt.datetime,
    *,
    chunk_subjects: int = CHUNK_SUBJECTS,
    tell: Tell = lambda _done, _total: None,
) -> Tiered:
    """Bring the tiers up to the last complete sweep.

    Args:
        session: of the database.
        pinned: the rulebook of that sweep.
        history: the facts that it read.
        programmes: the operating terms.
        now: the moment, for the record.
        chunk_subjects: about so many subjects at a time.
        tell: is told of progress.

    Raises:
        NotSweptError: there is no complete sweep.
        TermsMissingError: a benefit has no operating terms.
        DeliveryError: another process is at it, or the rulebook is not the sweep's.
    """
    sweep = sweeps.last_complete(session)
    if sweep is None:
        raise NotSweptError
    if pinned.rulebook.content_hash != sweep.rulebook:
        raise DeliveryError(f"Sweep {sweep.id} was made with another rulebook than the one that was given.")
    locked = session.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    if locked is None or locked[0] is not True:
        raise DeliveryError("Another process is computing the tiers. Nothing to do here: it goes on by itself.")
    try:
        return _Step(session, sweep, pinned, history, programmes).run(now, chunk_subjects, tell)
    finally:
        session.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


class _Step:
    """One run over one sweep."""

    def __init__(
        self, session: Session, sweep: Sweep, pinned: Pinned, history: DoubtingHistory, programmes: Programmes
    ) -> None:
        self.session, self.sweep, self.pinned, self.history, self.programmes = (
            session, sweep, pinned, history, programmes,
        )  # fmt: skip
        plans = pinned.rulebook.in_force(sweep.on_date)
        self.asks: dict[str, Asks] = {name: asks_of(plan, programmes.of(name)) for name, plan in plans.items()}
        self.check_passed = _passed(sweep)

    def run(self, now: dt.datetime, chunk_subjects: int, tell: Tell) -> Tiered:
        before = rulings.last_before(self.session, self.sweep.id)
        terms = self._terms()
        is_full = self.sweep.is_full or before is None or before.terms != terms
        run = rulings.begin(self.session, self.sweep.id, terms, now, is_full=is_full)
        if run.subjects is not None:
            return Tiered(run, run.subjects, was_done=True)
        links = read_links(self.history, self.pinned, self.sweep)
        base = None if run.is_full or before is None else sweeps.sweep_of(self.session, before.sweep)
        if base is None:
            chosen = {k: np.arange(links.tables.count(k), dtype=np.int64) for k in links.subjects.kinds}
        else:
            chosen = touched_by_news(self.sweep, base, self.pinned, self.history, links)
            for kind, ids in _answered_since(self.session, base.id, self.sweep.id):
                rows = np.flatnonzero(links.ids(kind).is_in(ids.implode()).to_numpy())
                chosen[kind] = np.union1d(chosen.get(kind, rows), rows)
        known = self.history.identities(self.sweep.on_date, self.sweep.known_at)
        doubting = Doubting(self.sweep, self.pinned, self.history, links, grants_for_review(self.session, known))
        ruler = _Ruler(self.session, self, doubting)
        total, done = sum(len(rows) for rows in chosen.values()), 0
        for part in cut(links, chosen, doubting.chains, chunk_subjects):
            part = {kind: rows for kind, rows in part.items() if self.pinned.benefits_of(kind)}
            self._tier(part, doubting, ruler)
            done += sum(len(rows) for rows in part.values())
            tell(done, total)
        subjects = rulings.complete(self.session, self.sweep.id, now)
        log.info("tiers_done", sweep=self.sweep.id, full=run.is_full, looked_at=done, written=subjects)
        return Tiered(run, subjects, was_done=False)

    def _terms(self) -> str:
        """What rulings rest on beside answers and facts, in a hash."""
        found: dict[str, object] = {"check_passed": self.check_passed, "code": _MEANING}
        for name, asks in sorted(self.asks.items()):
            found[name] = [asdict(asks), str(self.programmes.of(name).cap)]
        text = json.dumps(found, sort_keys=True, ensure_ascii=False, default=lambda one: one.value)
        return hashlib.sha256(text.encode()).hexdigest()

    def _tier(self, part: dict[str, Index], doubting: Doubting, ruler: _Ruler) -> None:
        """One chunk: those of it that have no row of this sweep yet."""
        left: dict[str, Index] = {}
        for kind, rows in part.items():
            ids = doubting.links.ids(kind).gather(rows)
            there = rulings.already(self.session, self.sweep.id, kind, ids)
            left[kind] = rows[~ids.is_in(there.implode()).to_numpy()]
        left = {kind: rows for kind, rows in left.items() if len(rows)}
        if not left:
            return
        codes = doubting.of(left)
        found = [
            (kind, *one)
            for kind, rows in left.items()
            for one in ruler.rule(kind, doubting.links.ids(kind).gather(rows), codes[kind])
        ]
        with self.session.transaction():
            for kind, ids, standing, matrix in found:
                rulings.write(self.session, self.sweep.id, kind, ids, standing, matrix)


class _Ruler:
    """Rules on subjects; each different pair of an answer and a doubt is ruled on once."""

    def __init__(self, session: Session, step: _Step, doubting: Doubting) -> None:
        self._session, self._step, self._doubting = session, step, doubting
        self._contents: dict[int, Contents] = sweeps.benefits_of_sweeps(session)
        self._words: dict[int, Answer] = {}
        self._known: dict[tuple[int, int], int] = {}

    def rule(self, kind: str, ids: pl.Series, codes: Codes) -> Iterator[tuple[pl.Series, int, rulings.Rulings]]:
        """The rulings of some subjects, by the sweep that wrote their answers: ids, that sweep, rulings."""
        place = pl.DataFrame({ID: ids}).with_row_index("place")
        column = {name: i for i, name in enumerate(self._step.pinned.benefits_of(kind))}
        for standing, found in standings.read(self._session, kind, ids, self._step.sweep.id + 1).items():
            at = found.ids.to_frame(ID).join(place, on=ID, how="left", maintain_order="left")["place"].to_numpy()
            names = [name for name, _ in self._contents[standing].get(kind, [])]
            doubts = np.zeros(found.answers.shape, dtype=np.int64)
            for i, name in enumerate(names):
                if name in column:
                    doubts[:, i] = codes[at, column[name]]
            yield found.ids, standing, self._ruled(found.answers, doubts)

    def _ruled(self, stood: standings.Codes, doubts: np.ndarray) -> rulings.Rulings:
        keys = (stood.astype(np.int64) << 32) | doubts
        distinct, inverse = np.unique(keys, return_inverse=True)
        pairs = [(int(key) >> 32, int(key) & 0xFFFFFFFF) for key in distinct]
        self._learn([pair for pair in pairs if pair[0] and pair not in self._known])
        numbers = np.array([self._known[pair] if pair[0] else 0 for pair in pairs], dtype=np.int32)
        return numbers[inverse].reshape(stood.shape)

    def _learn(self, pairs: list[tuple[int, int]]) -> None:
        unread = sorted({answer for answer, _ in pairs} - self._words.keys())
        self._words |= answers.spelled(self._session, unread)
        made = [self._ruling(self._words[answer], doubt) for answer, doubt in pairs]
        different = list(dict.fromkeys(made))
        ids = dict(zip(different, rulings.intern(self._session, different), strict=True))
        self._known |= {pair: ids[ruling] for pair, ruling in zip(pairs, made, strict=True)}

    def _ruling(self, answer: Answer, code: int) -> Ruling:
        asks = self._step.asks.get(answer.benefit, Asks())
        return rule_on(asks, self._evidence(answer, code))

    def _evidence(self, answer: Answer, code: int) -> Evidence:
        doubt = self._doubting.doubts.known[code]
        outcome = Outcome(answer.outcome)
        if outcome is Outcome.INELIGIBLE:  # nothing is delivered: there is one ruling for all of them
            retired = Identity.RETIRED if doubt.identity is Identity.RETIRED else Identity.CERTAIN
            return Evidence(outcome, identity=retired)
        gaps = dict(doubt.gaps)
        vocabulary = self._step.pinned.rulebook.vocabulary
        told = vocabulary.dictionary.facts.keys() | set(vocabulary.subjects.links)
        eligible = outcome is Outcome.ELIGIBLE
        return Evidence(
            outcome,
            missing=tuple((name, gaps.get(name, Gap.NOT_HELD)) for name in answer.missing if name in told),
            without_figure=tuple(name for name in answer.missing if name not in told),
            beside=tuple((name, gap) for name, gap in doubt.gaps if name not in answer.missing),
            amount=self._step.programmes.of(answer.benefit).amount_of(answer) if eligible else Amount.WITHIN_CAP,
            identity=doubt.identity,
            membership_in_doubt=doubt.membership and self._doubting.waits_for_members(answer.benefit, answer.missing),
            check_passed=self._step.check_passed,
        )


_MEANING = 1
"""To be raised when `rule_on` comes to rule otherwise on the same evidence: then everybody is ruled on anew."""


def _passed(sweep: Sweep) -> bool:
    """May answers of the sweep be of automatic grade, as far as its own check goes?"""
    try:
        Account.read(sweep.account).require_automatic()
    except AutomaticStoppedError:
        return False
    return True


def _answered_since(session: Session, base: int, until: int) -> Iterator[tuple[str, pl.Series]]:
    """Who got a new row of answers in the sweeps after one, by kind."""
    rows = session.execute(
        "SELECT kind, array_agg(DISTINCT id) FROM standing WHERE sweep > %s AND sweep <= %s GROUP BY kind",
        (base, until),
    )
    for kind, ids in rows:
        assert isinstance(ids, list)
        yield str(kind), pl.Series("id", ids, dtype=pl.String)


def count_tiers(session: Session) -> Counter[tuple[str, str]]:
    """How many determinations stand under each benefit and effective tier; those without a tier under ''."""
    rows = session.execute("SELECT benefit, coalesce(effective_tier, ''), count(*) FROM current_tier GROUP BY 1, 2")
    return Counter({(str(benefit), str(tier)): int(str(count)) for benefit, tier, count in rows})
