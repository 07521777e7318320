"""Models: inputs, order of outreach, fairness, lifecycle."""
