"""What the modules of `features.history` promise."""
