"""Benchmarks: one command each, ratios against a peer in the same run, results in docs/benchmarks.md."""
