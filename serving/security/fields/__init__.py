"""Fields that are encrypted one by one, each with a key of the person it is about."""
