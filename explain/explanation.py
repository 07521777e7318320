"""A composed answer: everything that can be said of one determination, in no language and for no audience yet.

Built once (`explain.compose`), kept as JSON (`explain.records`), and shown in as many ways as there are audiences
(`explain.render`). Texts that the law, the dictionary or a benefit bring along are kept in both languages.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from explain.contributions import Contributions
from features.documents import Wording
from features.facts.values import Value
from rules.determination import Outcome
from rules.kleene import Truth

FactKey = tuple[str, str, str]
"""Kind of subject, its id, fact id."""


@dataclass(frozen=True, slots=True)
class Source:
    """A register that says something, and the department that keeps it."""

    register: str
    name: Wording
    owner: Wording


@dataclass(frozen=True, slots=True)
class Said:
    """The last word of one register on a fact that is not known; `value` is None where the row could not be read."""

    by: Source
    value: Wording | None
    true_from: dt.date
    true_to: dt.date | None
    attested_on: dt.date
    learned_at: dt.datetime | None
    stale_on: dt.date | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact (or link) that a part of the answer rests on: whose it is, what it says, who says so and since when.

    Attributes:
        value: None where it is not known.
        gap: why it is not known.
        register: in which it is kept, whoever says so this time.
        source: the file or message, where that is known beyond the register.
        said_by: the registers that say so, the last to attest it first; empty where no records are kept (files).
        true_from: since when it is so.
        learned_at: when the first of `said_by` told us.
        stale_on: from which day it is too old.
        said: where it is not known, what each register said; nothing of what is withheld.
        ended_on: where nothing is held any more, the day on which the last of it ended.
    """

    kind: str
    kind_name: Wording
    id: str
    fact: str
    label: Wording
    value: Wording | None
    gap: str
    register: str
    register_name: Wording
    owner: Wording
    source: str
    true_from: dt.date | None
    learned_at: dt.datetime | None
    stale_on: dt.date | None
    sensitivity: int
    ask_citizen: bool
    said_by: tuple[Source, ...] = ()
    said: tuple[Said, ...] = ()
    ended_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the law. `met` is TRUE where it does not stand in the way (None: not for this audience)."""

    id: str
    met: Truth | None
    exception: bool
    says: Wording
    because: str
    test: str
    note: str
    facts: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class AmountTold:
    """What is owed: a figure, bounds of one (major units; None: no bound), or something in kind."""

    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    per: str
    unit: str
    in_kind: Wording | None


@dataclass(frozen=True, slots=True)
class MissingItem:
    """One of the facts that settle an open answer together: what it is and who holds it.

    `what` is `fact`, `link` (who belongs to whom) or `parameter` (a standard of the law that is not written down for
    this place and day). A parameter has no holder among the registers. `facts`: of whom it is not known and why, as far
    as the rule came to read it.
    """

    what: str
    name: str
    label: Wording
    kind: str
    register: str
    register_name: Wording | None
    owner: Wording | None
    ask_citizen: bool
    sensitivity: int
    gaps: tuple[str, ...]
    facts: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Turning:
    """A clause that comes out otherwise on a later day: `met` is how."""

    says: Wording
    exception: bool
    met: Truth


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The first day on which the answer can change by itself, and what it will be then, evaluated on that day."""

    on_date: dt.date
    in_force: bool
    outcome: Outcome
    amount: AmountTold
    turning: tuple[Turning, ...]
    """The clauses that come out otherwise on that day."""
    differs: bool
    """Whether outcome or amount are then others than today."""


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """One fact that would be otherwise.

    `way` is `lower`, `higher`, `earlier`, `later` (with `distance`), `becomes`, or for a fact that is not known `is`,
    `at_most`, `at_least`. `new` is the value to put in, as the fact's type has it.
    """

    kind: str
    kind_name: Wording
    id: str
    fact: str
    label: Wording
    way: str
    before: Wording | None
    after: Wording
    distance: Wording | None
    new: Value
    owner: Wording
    ask_citizen: bool
    sensitivity: int


@dataclass(frozen=True, slots=True)
class Change:
    """A smallest change of facts that alters the answer, with the answer that the evaluator gave when it was put in."""

    steps: tuple[ChangeStep, ...]
    outcome: Outcome
    amount: AmountTold


@dataclass(frozen=True, slots=True)
class LawCited:
    """The act that a version puts into effect."""

    title: str
    number: str
    article: str
    url: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One determination with everything that can be said of it.

    `known_at`: what was learned later does not count (None: files, which have no moments). `unmet`: the clauses because
    of which the answer is no. `high_by_law`: the amount's upper bound comes from the law, and not only from how large a
    fact that is not known may be.
    """

    benefit: str
    benefit_name: Wording
    kind: str
    kind_name: Wording
    id: str
    on_date: dt.date
    known_at: dt.datetime | None
    version: str
    rules_hash: str
    in_force: bool
    outcome: Outcome
    amount: AmountTold
    high_by_law: bool
    laws: tuple[LawCited, ...]
    to_confirm: tuple[Wording, ...]
    unmet: tuple[str, ...]
    clauses: tuple[Clause, ...]
    amount_because: tuple[str, ...]
    amount_facts: tuple[Evidence, ...]
    missing: tuple[MissingItem, ...]
    upcoming: Upcoming | None
    changes: tuple[Change, ...]
    contributions: Contributions | None = None
