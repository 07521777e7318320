"""Feast, and nothing else of ours imports it: facts by purpose, for training as known then, for a page as known now."""
