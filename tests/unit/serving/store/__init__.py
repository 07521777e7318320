"""Mirrors of `serving.store`."""
