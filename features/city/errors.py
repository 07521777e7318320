"""What can go wrong while the sample city is made."""

from __future__ import annotations

from features.errors import FeaturesError


class CityError(FeaturesError):
    """The sample city cannot be made or read as asked."""
