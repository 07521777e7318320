"""Alembic revisions: numbered SQL files, each with the few lines that Alembic asks for."""
