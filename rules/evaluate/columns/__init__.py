"""The batch evaluator's parts: each node of a plan for whole columns of subjects."""
