"""Everything that acts or talks to someone."""
