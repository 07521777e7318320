"""Tests of tiers, registers and demotions."""
