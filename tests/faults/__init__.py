"""Faults that are injected, and what must hold then."""
