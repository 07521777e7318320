"""Mirrors of `models`."""
