"""The whole machine: citizens, helpers, officers, senders, the bank, the clock and crashes, at random."""

from __future__ import annotations

from tests.at_random.citizens import Citizens
from tests.at_random.engine import TheEngine
from tests.at_random.officers import Officers


class Casework(TheEngine, Citizens, Officers):
    """One city, as long as an example lasts."""
