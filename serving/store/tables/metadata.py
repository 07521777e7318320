"""The one collection of tables. Names of constraints are those that PostgreSQL gives."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
