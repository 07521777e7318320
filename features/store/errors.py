"""What can go wrong in the store of facts by purpose."""

from __future__ import annotations

from collections.abc import Iterable

from features.errors import FeaturesError

MINIMUM = "Personal Information Protection Law of the PRC, art. 6 (个人信息保护法第六条), the smallest scope"


class StoreError(FeaturesError):
    """The feature store cannot be built, filled or read as asked."""


class StoreUnreachableError(StoreError):
    """The server behind the online store does not answer. Its address may hold a password and is not shown."""

    def __init__(self) -> None:
        super().__init__(
            "The online store cannot be reached. What it lacks is noted: once its server runs again, "
            "`applyfree online fill`, or the next ingest, events or sweep, goes on from where it stood."
        )


class PurposeError(StoreError):
    """Somebody would fetch facts that the purpose does not need. `facts` are written `kind.fact`."""

    def __init__(self, purpose: str, facts: Iterable[str]) -> None:
        self.purpose, self.facts = purpose, tuple(sorted(facts))
        named = ", ".join(f"`{fact}`" for fact in self.facts)
        super().__init__(
            f"The feature service `{purpose}` would hold {named}, which `{purpose}` does not read: {MINIMUM}. "
            "Leave these facts out, or let the rule or the model read them."
        )


class UnknownPurposeError(StoreError):
    """Facts are asked for a purpose that nobody registered."""

    def __init__(self, purpose: str, known: Iterable[str]) -> None:
        self.purpose = purpose
        super().__init__(
            f"Nothing active reads facts as `{purpose}`. Facts are fetched for a purpose only: {MINIMUM}. "
            f"There are: {', '.join(sorted(known)) or 'none'}."
        )
