"""Tables as SQLAlchemy sees them; the migrations make them, and a test compares the two."""
