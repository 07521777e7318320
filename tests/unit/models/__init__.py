<<<<<<< HEAD
"""Models: inputs, order of outreach, fairness, lifecycle."""
=======
"""Mirrors of `models`."""
>>>>>>> evidence
