"""What can go wrong in this package: every error that `explain` raises on purpose."""


class ExplainError(Exception):
    """An answer cannot be put into words."""
