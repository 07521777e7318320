"""Bundles: what a household is owed, settled for its good as one whole, and offered by life event."""
