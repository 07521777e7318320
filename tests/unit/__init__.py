"""Mirrors of the packages: one module's promises each."""
