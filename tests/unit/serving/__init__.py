"""Mirrors of `serving`."""
