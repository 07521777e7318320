"""The full record of an answer, for those who work with it: caseworker, policy staff, auditor.

What each of them may see has been cut before (`explain.audience`); the order is one: the answer, the clauses that stand
in the way, those that are open, those that hold, the amount, what is missing, what would alter it, what comes when, and
last what a model has to do with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from explain.audience import Audience
from explain.explanation import Clause, Explanation
from explain.fact_lines import FactLines
from explain.phrases import (
    amount_sentence,
    change_sentence,
    missing_sentence,
    next_sentence,
    outcome_text,
)
from explain.shown import Line, Section, Shown
from explain.waterfall import contribution_lines
from explain.wording import Messages
from rules.kleene import Truth

_ORDER = {Truth.FALSE: 0, Truth.UNKNOWN: 1, None: 1, Truth.TRUE: 2}


def record(explanation: Explanation, audience: Audience, say: Messages) -> Shown:
    """An explanation, already cut for its audience, as a full record."""
    answer = explanation
    parts = {
        "benefit": say.of(answer.benefit_name),
        "subject": say.of(answer.kind_name),
        "id": answer.id,
        "on_date": answer.on_date,
    }
    heading = say.say("heading" if answer.id else "heading_of_nobody", **parts)
    if answer.known_at is not None:
        heading = say.say("as_known", heading=heading, known_at=f"{answer.known_at:%Y-%m-%d %H:%M}")
    return Shown(
        audience=audience,
        language=say.language,
        heading=heading,
        outcome=answer.outcome,
        outcome_text=outcome_text(answer.outcome, answer.in_force, say),
        sections=tuple(section for section in _sections(answer, audience, say) if section.lines),
    )


def _sections(answer: Explanation, audience: Audience, say: Messages) -> Iterator[Section]:
    facts = FactLines(say)
    yield Section("answer", "", tuple(Line(text) for text in _answer(answer, audience, say)))
    clauses = sorted(answer.clauses, key=lambda clause: _ORDER[clause.met])
    yield Section("conditions", say.say("conditions"), tuple(_clause(clause, facts, say) for clause in clauses))
    amount_facts = tuple(Line(text) for text in facts.lines(answer.amount_facts))
    yield Section("amount_facts", say.say("amount_facts"), amount_facts)
    missing = tuple(Line(missing_sentence(item, say), details=facts.why_not(item.facts)) for item in answer.missing)
    yield Section("missing", say.say("missing"), missing)
    changes = tuple(Line(change_sentence(change, say)) for change in answer.changes)
    yield Section("changes", say.say("changes"), changes)
    if audience is not Audience.POLICY:
        yield Section("next", say.say("next"), (Line(next_sentence(answer, say)),))
    if answer.contributions is not None:
        lines = (say.say("model_says"), *contribution_lines(answer.contributions, say))
        yield Section("model", say.say("model"), tuple(Line(text) for text in lines))


def _answer(answer: Explanation, audience: Audience, say: Messages) -> Iterator[str]:
    if audience is not Audience.POLICY:
        yield amount_sentence(answer.amount, answer.outcome, say)
    for law in answer.laws:
        yield say.say("law", law=" ".join(filter(None, (law.title, law.number, law.article, law.url))))
    yield say.say("version", version=answer.version) if answer.version else say.say("version_unknown")
    if answer.rules_hash:
        yield say.say("rules_hash", hash=answer.rules_hash)
    for text in answer.to_confirm:
        yield say.say("confirm", text=say.of(text))


def _clause(clause: Clause, facts: FactLines, say: Messages) -> Line:
    kind = "exception" if clause.exception else "condition"
    mark = say.say("mark_hidden") if clause.met is None else say.say(f"{kind}_{clause.met.name.lower()}")
    details = list(facts.lines(clause.facts))
    if clause.test:
        details.append(say.say("test", test=" ".join(clause.test.split())))
    if clause.note:
        details.append(say.say("note", note=clause.note))
    text = say.say("clause", says=say.of(clause.says), id=clause.id, mark=mark, because=clause.because)
    return Line(text, clause.met, tuple(map(Line, details)))
