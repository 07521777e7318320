"""Life events: read strictly, kept for ever, and folded into rows of the history whatever the order they came in."""
