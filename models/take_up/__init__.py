"""Entitled, and must act: would they without help? Used for the channel, a reminder or a visit, and nothing else."""
