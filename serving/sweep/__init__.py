"""Sweeps: one determination for every subject and applicable benefit, day after day, and their replay."""
