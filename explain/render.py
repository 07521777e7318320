"""One explanation, shown to whom it concerns."""

from __future__ import annotations

from explain.audience import Audience, seen_by
from explain.explanation import Explanation
from explain.render_citizen import letter
from explain.render_record import record
from explain.shown import Shown
from explain.wording import Language, messages


def render(explanation: Explanation, audience: Audience, language: Language, reader: str = "") -> Shown:
    """Cut an explanation to what an audience may see, and put it into sentences.

    Args:
        explanation: in full.
        audience: who reads.
        language: of the sentences.
        reader: the id of the citizen who reads; by default the person the answer is about.
    """
    cut = seen_by(audience, explanation, reader)
    say = messages(language)
    return letter(cut, say) if audience is Audience.CITIZEN else record(cut, audience, say)
