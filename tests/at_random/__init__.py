"""Casework driven at random, and what must hold after every step of it."""
