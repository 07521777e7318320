"""Mirrors of `serving.background`."""
