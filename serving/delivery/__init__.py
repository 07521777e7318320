"""How a determination reaches whom it is about: its tier, and which registers may be relied on for it."""
