"""Work that nobody waits for: periodic tasks on a queue in PostgreSQL."""
