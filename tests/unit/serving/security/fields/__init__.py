"""Mirrors of `serving.security.fields`."""
