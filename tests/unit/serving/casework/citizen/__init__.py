"""What citizens say about what is theirs."""
