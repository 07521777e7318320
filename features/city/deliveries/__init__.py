"""The city's registers as departments would send them: rows, planted faults, words, files."""
