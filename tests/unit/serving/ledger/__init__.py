"""Mirrors of `serving.ledger`."""
