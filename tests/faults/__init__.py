"""Faults brought about on purpose, by the number they have in the design."""
