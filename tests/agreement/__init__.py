"""Random rules and random people: the batch evaluator must give the reference's answers."""
