"""Feast's stores over a real history, on real databases."""
