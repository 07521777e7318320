"""What is settled: items a household may receive, what each is worth, and how they depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rules.determination import Outcome

SubjectKey = tuple[str, str]
"""A kind of subject and its id."""


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One benefit of one subject: what may be accepted, kept, or given up."""

    benefit: str
    kind: str
    subject: str

    @property
    def of(self) -> SubjectKey:
        """Whose it is."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Worth:
    """What an item brings within the next 12 months, in minor units (see `footing`).

    `high` None: no bound is known. `lasting`: it goes on after those months. `in_kind`: no figure measures it, so
    `low` and `high` are 0 and it is compared with nothing but itself.
    """

    low: int
    high: int | None
    lasting: bool = False
    in_kind: bool = False

    @property
    def exact(self) -> bool:
        """Is it one figure?"""
        return self.low == self.high and not self.in_kind


NOTHING = Worth(0, 0)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the rules say of an item, others being received beside it."""

    outcome: Outcome
    worth: Worth


Settle = Callable[[frozenset[Item]], Mapping[Item, Answered]]
"""Executes the rules again as if exactly these items were received, and answers each of them.

An item is answered as its receipt *beside the others* leaves it: its own receipt changes nothing for it. What is held
and not among them is given up.
"""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Two items that cannot both be received.

    `relation` as the catalogue declares it: `excludes`, `choose_one` or `higher_of`. `preferred` is the benefit that
    the law puts first (None: the higher). `across`: one is a group's and the other of one of its several persons, who
    would leave the unit on which the group's benefit is computed.
    """

    relation: str
    preferred: str | None
    because: str
    across: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One household's items and all that ties them.

    Attributes:
        options: what may be accepted.
        held: what is received already, and what it brings.
        exclusions: pairs that exclude each other (frozensets of two).
        needs: an item that is received only beside others, with the article.
        touches: an item whose receipt may change what the rules say of others, with the article. Complete: what is not
            listed is not changed.
        pending: items of which the rules cannot say yet whether they are owed, with their bounds; never offered.
    """

    options: frozenset[Item]
    held: Mapping[Item, Worth] = field(default_factory=dict)
    exclusions: Mapping[frozenset[Item], Exclusion] = field(default_factory=dict)
    needs: Mapping[Item, Mapping[Item, str]] = field(default_factory=dict)
    touches: Mapping[Item, Mapping[Item, str]] = field(default_factory=dict)
    pending: Mapping[Item, Worth] = field(default_factory=dict)

    def excluded(self, one: Item, other: Item) -> Exclusion | None:
        """How two items exclude each other; two that are both held already are left as they are."""
        if one in self.held and other in self.held:
            return None
        return self.exclusions.get(frozenset((one, other)))
