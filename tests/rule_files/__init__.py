"""Good and broken rule files, and the messages that the broken ones must give."""
