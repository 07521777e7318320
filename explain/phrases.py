"""Parts of sentences that several renderings share: the amount, the facts of a clause, a change, what is missing."""

from __future__ import annotations

from collections.abc import Iterable

from explain.audience import OWN
from explain.explanation import AmountTold, Change, ChangeStep, Explanation, MissingItem, Turning
from explain.values import amount_text
from explain.wording import Messages
from features.facts.subjects import PERSON
from rules.determination import Outcome


def outcome_text(outcome: Outcome, in_force: bool, say: Messages, style: str = "") -> str:
    """The answer in words; `style` is the beginning of the sentences' keys."""
    return say.say(f"{style}{outcome.value}" if in_force else f"{style}ineligible_not_in_force")


def amount_sentence(amount: AmountTold, outcome: Outcome, say: Messages, style: str = "") -> str:
    """What is owed, in words."""
    if outcome is Outcome.INELIGIBLE:
        return say.say(f"{style}amount_none")
    if amount.in_kind is not None:
        return say.say(f"{style}in_kind", text=say.of(amount.in_kind))
    figures = {
        name: "" if value is None else amount_text(value, amount.unit, amount.per, say)
        for name, value in (("amount", amount.value), ("low", amount.low), ("high", amount.high))
    }
    if figures["amount"]:
        return say.say(f"{style}amount_exact", **figures)
    if outcome is Outcome.UNDETERMINED and figures["high"]:
        return say.say(f"{style}amount_up_to", **figures)
    if figures["low"] and figures["high"]:
        return say.say(f"{style}amount_between", **figures)
    return say.say(f"{style}amount_at_least" if amount.low else f"{style}amount_open", **figures)


def next_sentence(explanation: Explanation, say: Messages) -> str:
    """What comes when: the day, and the answer that was evaluated for it."""
    later = explanation.upcoming
    if later is None:
        return say.say("next_none")
    outcome = outcome_text(later.outcome, later.in_force, say)
    if later.outcome is not Outcome.INELIGIBLE:
        outcome = say.say(
            "outcome_with_amount", outcome=outcome, amount=amount_sentence(later.amount, later.outcome, say)
        )
    told = say.say("next_day", date=later.on_date, outcome=outcome)
    if not later.turning:
        return told
    clauses = join((_turning(clause, say) for clause in later.turning), say, "and_turning")
    return say.say("next_because", told=told, clauses=clauses)


def _turning(clause: Turning, say: Messages) -> str:
    mark = say.say(f"{'exception' if clause.exception else 'condition'}_{clause.met.name.lower()}")
    return say.say("turning", says=say.of(clause.says), mark=mark)


def change_sentence(change: Change, say: Messages, style: str = "") -> str:
    """If these facts were otherwise, the answer would be that one."""
    steps = join((step_phrase(step, say, style) for step in change.steps), say, "and_if")
    outcome = say.say(f"{style}then_{change.outcome.value}")
    # At the very limit of a figure the amount may be a cent: true, and of no use to who asks what would be.
    at_a_limit = style and any(step.way in ("lower", "higher") for step in change.steps)
    if change.outcome is Outcome.INELIGIBLE or at_a_limit:
        return say.say(f"{style}change", steps=steps, outcome=outcome)
    amount = amount_sentence(change.amount, change.outcome, say)
    return say.say(f"{style}change_with_amount", steps=steps, outcome=outcome, amount=amount)


def step_phrase(step: ChangeStep, say: Messages, style: str = "") -> str:
    """One fact that would be otherwise."""
    parts = {
        "label": say.of(step.label),
        "whose": whose(step.kind, say.of(step.kind_name), step.id, say),
        "before": "" if step.before is None else say.of(step.before),
        "after": say.of(step.after),
        "distance": "" if step.distance is None else say.of(step.distance),
    }
    return say.say(f"{style}step_{step.way}", **parts)


def missing_sentence(item: MissingItem, say: Messages, style: str = "") -> str:
    """What is missing, and who holds it."""
    label = say.of(item.label)
    if item.what == "other":
        return label
    if item.what == "parameter" or item.owner is None or item.register_name is None:
        return say.say(f"{style}missing_{item.what}", label=label, id=item.name)
    key = f"{style}missing_fact_or_ask" if item.ask_citizen else f"{style}missing_fact"
    owner, register = say.of(item.owner), say.of(item.register_name)
    return say.say(key, label=label, id=item.name, owner=owner, register=register)


def whose(kind: str, kind_name: str, subject: str, say: Messages) -> str:
    """Whose fact it is: an id where the audience sees ids, else one's own or somebody's."""
    if subject == OWN:
        return say.say("whose_you") if kind == PERSON else kind_name
    return f"{kind_name} {subject}" if subject else say.say("whose_member")


def join(parts: Iterable[str], say: Messages, key: str = "and") -> str:
    """Parts of a sentence in a row."""
    return say.say(key).join(parts)
