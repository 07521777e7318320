"""What can go wrong in this package: every error that `rules` raises on purpose."""


class RulesError(Exception):
    """A rule, or a question put to the rules, cannot be used as it stands."""
