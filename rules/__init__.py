"""Who qualifies, and for how much: the law, executable."""
