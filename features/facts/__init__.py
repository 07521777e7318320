"""The shared vocabulary: which facts exist, about whom, in which unit, from which register."""
