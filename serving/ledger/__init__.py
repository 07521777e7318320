"""存证账本: what happened, in one order that nobody can change without its being seen."""
