"""Mirrors of `features`."""
