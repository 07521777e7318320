"""Real servers behind the online store."""

from __future__ import annotations

from tests.online_servers import online, postgres, redis

__all__ = ["online", "postgres", "redis"]
