"""What is to be handed to a provider: one row per delivery, one effect per row."""
