"""What can go wrong with deliveries."""

from __future__ import annotations

from serving.errors import ServingError


class OutboxError(ServingError):
    """A delivery cannot be changed as asked."""


class NotInDoubtError(OutboxError):
    """Somebody settles what is settled already, or never was in doubt."""

    def __init__(self, delivery: int) -> None:
        self.delivery = delivery
        super().__init__(f"Delivery {delivery} is not waiting for somebody to settle it. Read it again.")
