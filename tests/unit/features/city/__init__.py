"""The sample city."""
