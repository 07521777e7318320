"""Mirrors of `serving.sweep`."""
