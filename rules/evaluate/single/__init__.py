"""The reference evaluator's parts: what each node of a plan means for one subject."""
