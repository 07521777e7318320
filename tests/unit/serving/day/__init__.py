"""Tests of the daily run."""
