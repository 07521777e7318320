"""The API over a real database."""
