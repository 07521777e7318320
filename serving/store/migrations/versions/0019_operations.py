"""Runs the SQL file of the same name."""

from __future__ import annotations

from serving.store.migrations import chain

revision = "0019"
down_revision = chain.before(revision)


def upgrade() -> None:
    """Expand only: what the release before needs stays."""
    chain.run(revision)
