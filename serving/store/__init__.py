"""The operational database: PostgreSQL, its schema and what is asked of it."""
