"""What can go wrong in this package: every error that `models` raises on purpose."""


class ModelsError(Exception):
    """A model cannot be trained, loaded or trusted."""
