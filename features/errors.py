"""What can go wrong in this package: every error that `features` raises on purpose."""


class FeaturesError(Exception):
    """A fact, a register or a definition of one cannot be used as it stands."""
