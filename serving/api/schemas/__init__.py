"""What comes in and what goes out: pydantic models, those of requests apart from those of answers."""
