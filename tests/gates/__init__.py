"""What may never break: one gate each, by the number it has in the design."""
