"""Mirrors of `rules`."""
