"""What citizens do with what is theirs: say yes or no, object, ask for a person, let somebody else speak."""
