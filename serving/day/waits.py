"""How long things wait: the operating terms and the law's public notice, as offers made here and `pass_time` read them.

A day of a public notice is a working day where the law says only "days": none ends before the law lets it.
"""

from __future__ import annotations

from rules.rulebook import Rulebook
from serving.casework.citizen.offering import Terms, Unanswered, Wait
from serving.casework.clocks import Clocks
from serving.casework.errors import NotAllowedError
from serving.delivery.terms import Programmes, silence_of


def wait_of(rulebook: Rulebook, programmes: Programmes, clocks: Clocks) -> Wait:
    """How long things wait of every benefit.

    What is offered is owed, so nothing is missing of it: silence means what the terms say.

    Raises:
        TermsMissingError: a benefit has no operating terms.
    """
    found = {
        name: Terms(
            unanswered=Unanswered(silence_of(programmes.of(name), (), rulebook.vocabulary).value),
            public_notice_days=plan.benefit.delivery.public_notice_days,
        )
        for name, plan in rulebook.benefits.items()
    }

    def terms(benefit: str) -> Terms:
        if benefit not in found:
            # Whoever runs what is due passes over it: delivered without its public notice, nobody could object to it.
            raise NotAllowedError(f"The catalogue has no benefit `{benefit}`: what is left of it is for a caseworker.")
        return found[benefit]

    return Wait(terms, clocks.days.zone, clocks.days)
