"""Whom to reach first. Never who qualifies."""
