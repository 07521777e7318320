"""Whom to reach first, and which one fact to ask for: an order of work, never an answer."""
