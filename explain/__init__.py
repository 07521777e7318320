"""Why, in words: every answer as its subject may read it."""
