"""`missing_evidence` for the benefits of a catalogue, learned from the history under the gaps it really has."""
