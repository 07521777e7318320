"""The gates: properties that never break."""
