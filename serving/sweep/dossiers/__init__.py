"""Dossiers: what explanations of one sweep's answers are made of, a row per subject, read in a millisecond."""
