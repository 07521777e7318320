"""Rating an engine's answers about the sample city against the answers of the rules on the true facts."""
