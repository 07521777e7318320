"""Purpose limitation: which facts each benefit and model may fetch, and which columns of a register are kept at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from features.facts.grounds import FORBIDDEN, LEGAL_BASIS, OWNER
from features.facts.vocabulary import Vocabulary
from features.history.records import View
from features.store.errors import PurposeError, StoreError, UnknownPurposeError

Read = tuple[str, str]
"""A kind of subject, and a fact (or link) of it."""

PART = "__"
"""Stands between the parts of a name in Feast, which knows no dots: `benefit__dibao`, `tax__income`."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """Something active that reads facts: `benefit__<id>` or `model__<id>`."""

    name: str
    reads: frozenset[Read]

    def check(self, wanted: Iterable[Read]) -> None:
        """Refuse what the purpose does not read.

        Raises:
            PurposeError: names the facts and the article of law.
        """
        beyond = set(wanted) - self.reads
        if beyond:
            raise PurposeError(self.name, (f"{kind}.{fact}" for kind, fact in beyond))


@dataclass(frozen=True, slots=True)
class Purposes:
    """Everything active and what it reads."""

    by_name: dict[str, Purpose]

    @classmethod
    def of(cls, reads: Mapping[str, Iterable[Read]], vocabulary: Vocabulary) -> Purposes:
        """The purposes that the layers above hand in: name -> what it reads.

        Raises:
            StoreError: one reads a forbidden input, or a fact that the dictionary does not define for that kind.
        """
        for name, wanted in reads.items():
            for kind, fact in wanted:
                forbidden = next((why for pattern, why in FORBIDDEN.items() if re.search(pattern, fact)), None)
                if forbidden is not None:
                    raise StoreError(f"`{name}` reads `{fact}`, a forbidden input: {forbidden}. Nothing may read it.")
                found = vocabulary.dictionary.facts.get(fact)
                is_link = kind in vocabulary.subjects.kinds and fact in vocabulary.subjects.links
                if (found is None or found.subject != kind) and not is_link:
                    raise StoreError(
                        f"`{name}` reads `{fact}` of a {kind}, which the fact dictionary does not define. "
                        f"So it has no owner and no legal basis. {OWNER}. {LEGAL_BASIS}. "
                        "Add it to features/facts/dictionary."
                    )
        return cls({name: Purpose(name, frozenset(wanted)) for name, wanted in reads.items()})

    @property
    def reads(self) -> frozenset[Read]:
        """What anything active reads."""
        return frozenset(read for purpose in self.by_name.values() for read in purpose.reads)

    def get(self, name: str) -> Purpose:
        """A purpose by name.

        Raises:
            UnknownPurposeError: nothing active has that name.
        """
        if name not in self.by_name:
            raise UnknownPurposeError(name, self.by_name)
        return self.by_name[name]


def kept_views(views: Iterable[View], purposes: Purposes) -> tuple[View, ...]:
    """The views cut down to what something active reads; a view of which nothing is read is left out."""
    reads = purposes.reads
    cut = (replace(view, facts=tuple(f for f in view.facts if (view.kind, f) in reads)) for view in views)
    return tuple(view for view in cut if view.facts)


def feast_name(view: str) -> str:
    """The name of a view in Feast."""
    return view.replace(".", PART)
