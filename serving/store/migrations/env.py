"""What Alembic runs: the connection is handed in by :mod:`serving.store.migrate`, which also holds the lock."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
