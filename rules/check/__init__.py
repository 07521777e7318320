"""What a program can find wrong with a catalogue beyond loading it: gaps, dead criteria, missing examples and texts."""
