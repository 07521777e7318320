"""Blind samples: how often the machine is wrong, found out by people who do not know what it said."""
