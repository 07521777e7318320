"""Eligible by the rules: is a fact probably wrong? Used to pick cases for a blind second look, never to refuse."""
