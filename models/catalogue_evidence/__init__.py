"""`missing_evidence` for the benefits of a catalogue, learned from the history: the rules' answers under observed gaps."""
