"""One answer in full, for one audience: composed and shown in one step."""

from __future__ import annotations

import datetime as dt

from explain.audience import Audience
from explain.compose import Explainer
from explain.render import render
from explain.shown import Shown
from explain.wording import Language
from features.facts.population import Population, Subject
from rules.catalogue import Catalogue
from rules.rulebook import Rulebook


def explain_answer(
    catalogue: Catalogue,
    rulebook: Rulebook,
    population: Population,
    benefit: str,
    subject: Subject,
    on_date: dt.date,
    language: Language,
    audience: Audience = Audience.CASEWORKER,
    reader: str = "",
) -> Shown:
    """Explain one answer.

    Args:
        catalogue: where the benefit is written.
        rulebook: the same, compiled.
        population: the subject and everyone the rule may look at.
        benefit: its id.
        subject: of the kind that the benefit is for.
        on_date: the day of the question.
        language: of the texts.
        audience: who reads it.
        reader: the id of the citizen who reads; by default the person the answer is about.
    """
    explanation = Explainer(catalogue, rulebook).explain(population, benefit, subject, on_date)
    return render(explanation, audience, language, reader)
