"""What can go wrong between a determination and its delivery."""

from __future__ import annotations

from collections.abc import Iterable

from serving.errors import ServingError


class DeliveryError(ServingError):
    """Something cannot be delivered, or it cannot be told how."""


class TermsMissingError(DeliveryError):
    """Benefits are in force for which nobody has stated operating terms: nothing of them may be delivered."""

    def __init__(self, benefits: Iterable[str], where: str) -> None:
        self.benefits = tuple(sorted(benefits))
        named = ", ".join(f"`{benefit}`" for benefit in self.benefits)
        super().__init__(f"{where} states no terms for {named}. Add an entry for each: cap, reversibility, silence.")


class NotSweptError(DeliveryError):
    """Tiers are computed of determinations, and there are none yet."""

    def __init__(self) -> None:
        super().__init__("There is no complete sweep yet. Run `applyfree sweep` first.")
