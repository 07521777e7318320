"""Where the rows of subjects lie: one place that is read by many and changed by one at a time."""
