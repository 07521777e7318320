"""A model's life: trained in a recorded run, described by a card, promoted through gates, loaded by hash, watched."""
