"""What can go wrong in this package: every error that `serving` raises on purpose."""


class ServingError(Exception):
    """What was asked for cannot be done, and the message says what to do instead."""
