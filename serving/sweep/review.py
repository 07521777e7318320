"""Grants that no machine decides about: one person had a benefit under two ids, or an id was two persons'."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import polars as pl

from features.events.identity import Identities
from features.facts.encoding import ID
from rules.determination import Outcome
from serving.store import sweeps
from serving.store.database import Session

MERGED, SPLIT = "one person had it under several ids at once", "the id was two persons'"
_BENEFIT, _SWEEP = "benefit", "sweep"


@dataclass(frozen=True, slots=True)
class GrantForReview:
    """A benefit for which a person stood as eligible in a way that a human has to look at.

    Attributes:
        person: the id that stands for the person now.
        ids: the ids under which they stood so.
        benefit: which.
        why: `MERGED` or `SPLIT`.
    """

    person: str
    ids: tuple[str, ...]
    benefit: str
    why: str


def grants_for_review(session: Session, known: Identities) -> list[GrantForReview]:
    """Every such grant, by person and benefit.

    Args:
        session: of the database.
        known: who is who.
    """
    several = sorted({*known.kept, *known.kept.values()})
    stood = _stood(session, several) if several else pl.DataFrame(schema={ID: pl.String, _BENEFIT: pl.String})
    ids: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for person, benefit, one in known.doubled(stood).select("person", _BENEFIT, ID).iter_rows():
        ids[person, benefit][one] = None
    found = [GrantForReview(person, tuple(them), benefit, MERGED) for (person, benefit), them in ids.items()]
    for shared in sorted(known.shared):
        benefits = _stood(session, [shared]).get_column(_BENEFIT).unique().sort()
        found += [GrantForReview(shared, (shared,), benefit, SPLIT) for benefit in benefits]
    return sorted(found, key=lambda grant: (grant.person, grant.benefit, grant.why))


def _stood(session: Session, persons: list[str]) -> pl.DataFrame:
    """After which sweeps some persons stood as eligible: `id`, `benefit`, `sweep`, a row for each."""
    made = [sweep.id for sweep in sweeps.all_sweeps(session) if sweep.state == sweeps.COMPLETE]
    rows: list[tuple[str, str, int]] = []
    since: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for sweep, person, benefit, outcome in sweeps.outcomes_of(session, persons):
        since[person, benefit].append((sweep, outcome))
    for (person, benefit), outcomes in since.items():
        ends = [*(sweep for sweep, _ in outcomes[1:]), max(made, default=0) + 1]
        for (start, outcome), end in zip(outcomes, ends, strict=True):
            if outcome == Outcome.ELIGIBLE.value:
                rows += [(person, benefit, sweep) for sweep in made if start <= sweep < end]
    return pl.DataFrame(rows, schema={ID: pl.String, _BENEFIT: pl.String, _SWEEP: pl.Int64}, orient="row")
