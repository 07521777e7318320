"""Mirrors of `serving.stops`."""
