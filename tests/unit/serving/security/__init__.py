"""Mirrors of `serving.security`."""
