"""Mirrors of `serving.outbox`."""
