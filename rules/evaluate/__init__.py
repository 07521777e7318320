"""Evaluators: one obvious, one fast, one meaning."""
