"""Casework, on a real PostgreSQL."""
