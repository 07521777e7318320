"""Tests of what departments deliver."""
