"""Mirrors of `serving.delivery`."""
