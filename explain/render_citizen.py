"""An answer as its subject reads it: short sentences, the answer first, what to do second, the law last.

No ids, no names of rules, no model: what a person of 82 can read aloud and act upon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from explain.audience import HIDDEN, OWN, Audience
from explain.explanation import Clause, Evidence, Explanation, MissingItem, Upcoming
from explain.phrases import amount_sentence, change_sentence, join, missing_sentence, outcome_text, whose
from explain.shown import Line, Section, Shown
from explain.wording import Language, Messages
from features.facts.subjects import PERSON
from features.facts.values import Gap
from rules.determination import Outcome
from rules.kleene import Truth

_STYLE = "you_"
_ISO_DAY = {
    Language.ZH: re.compile(r" ?(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d) ?"),
    Language.EN: re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)"),
}
"""Chinese sets no blanks around a date."""
_ORDER = {Truth.FALSE: 0, Truth.UNKNOWN: 1, None: 2, Truth.TRUE: 3}


def letter(explanation: Explanation, say: Messages) -> Shown:
    """An explanation, already cut for the citizen, in plain words."""
    answer = explanation if explanation.high_by_law else _without_high(explanation)
    return Shown(
        audience=Audience.CITIZEN,
        language=say.language,
        heading=say.of(answer.benefit_name),
        outcome=answer.outcome,
        outcome_text=outcome_text(answer.outcome, answer.in_force, say, _STYLE),
        sections=tuple(
            replace(section, lines=tuple(_with_days(line, say) for line in section.lines))
            for section in _sections(answer, say)
            if section.lines
        ),
    )


def _without_high(answer: Explanation) -> Explanation:
    """Nobody is told of an upper bound that says only how large a fact may be."""
    later = answer.upcoming
    return replace(
        answer,
        amount=replace(answer.amount, high=None),
        upcoming=None if later is None else replace(later, amount=replace(later.amount, high=None)),
        changes=tuple(replace(change, amount=replace(change.amount, high=None)) for change in answer.changes),
    )


def _with_days(line: Line, say: Messages) -> Line:
    """Dates as people write them in this language, also those that stand inside of values."""

    def day(found: re.Match[str]) -> str:
        return say.say("you_day", year=int(found[1]), month=int(found[2]), day=int(found[3]))

    text = _ISO_DAY[say.language].sub(day, line.text)
    return Line(text, line.met, tuple(_with_days(under, say) for under in line.details))


def _sections(answer: Explanation, say: Messages) -> Iterator[Section]:
    amount = amount_sentence(answer.amount, answer.outcome, say, _STYLE)
    yield Section("answer", "", (Line(amount), Line(say.say("you_as_of", date=answer.on_date))))
    missing = tuple(_missing(item, say) for item in answer.missing)
    yield Section("missing", say.say("you_missing"), missing)
    yield Section("conditions", say.say("you_conditions"), tuple(_clauses(answer, say)))
    changes = [Line(change_sentence(change, say, _STYLE)) for change in answer.changes]
    if changes:
        changes.append(Line(say.say("you_changes_note")))
    yield Section("changes", say.say("you_changes"), tuple(changes))
    if answer.upcoming is not None:
        yield Section("next", say.say("you_next"), (Line(_next(answer.upcoming, say)),))
    yield Section("law", say.say("you_law"), tuple(_laws(answer, say)))
    yield Section("help", say.say("you_help"), (Line(say.say("you_help_says")), Line(say.say("you_correct_says"))))


def _missing(item: MissingItem, say: Messages) -> Line:
    """What is missing, and where more is known than that it is not held, why."""
    known_of = (fact for fact in item.facts if fact.gap != HIDDEN and (fact.said or fact.gap != Gap.NOT_HELD.value))
    reasons = dict.fromkeys(_not_known(fact, say) for fact in known_of)
    return Line(missing_sentence(item, say, _STYLE), details=tuple(map(Line, reasons)))


def _clauses(answer: Explanation, say: Messages) -> Iterator[Line]:
    """What stands in the way first; exceptions that do not apply ("has died") are one sentence; no fact comes twice.

    Where it is not known which place's law applies, clauses of several laws that read the same are one.
    """
    shown: set[tuple[str, str]] = set()
    told: set[str] = set()
    missing = {item.name for item in answer.missing}
    for clause in sorted(answer.clauses, key=lambda clause: _ORDER[clause.met]):
        if clause.exception and clause.met is Truth.TRUE:
            continue
        new = tuple(
            fact
            for fact in clause.facts
            if (fact.id, fact.fact) not in shown and (fact.value is not None or fact.fact not in missing)
        )
        shown |= {(fact.id, fact.fact) for fact in new}
        line = _clause(replace(clause, facts=new), say)
        if line.text not in told or line.details:
            yield line
        told.add(line.text)
    if any(clause.exception and clause.met is Truth.TRUE for clause in answer.clauses):
        yield Line(say.say("you_no_exception"), Truth.TRUE)


def _clause(clause: Clause, say: Messages) -> Line:
    kind = "exception" if clause.exception else "condition"
    mark = say.say("you_mark_hidden") if clause.met is None else say.say(f"you_{kind}_{clause.met.name.lower()}")
    text = say.say("you_clause", says=say.of(clause.says), mark=mark)
    shown = [fact for fact in clause.facts if fact.gap != HIDDEN]
    names = dict.fromkeys(fact.fact for fact in shown)
    told = (line for name in names for line in _facts([fact for fact in shown if fact.fact == name], say))
    return Line(text, clause.met, tuple(map(Line, dict.fromkeys(told))))


def _facts(facts: list[Evidence], say: Messages) -> Iterator[str]:
    """Everyone's value of one fact, and why somebody's is not known."""
    known = [fact for fact in facts if fact.value is not None]
    if known:
        values = join(dict.fromkeys(_value(fact, say) for fact in known), say)
        dates = sorted({fact.true_from for fact in known if fact.true_from is not None})
        parts = {"label": say.of(known[0].label), "values": values, "owner": _owners(known, say)}
        yield say.say("you_fact_dated", **parts, date=dates[0]) if dates else say.say("you_fact", **parts)
    for fact in facts:
        if fact.value is None:
            yield _not_known(fact, say)


def _owners(facts: list[Evidence], say: Messages) -> str:
    """The departments that say so."""
    said_by = dict.fromkeys(say.of(by.owner) for fact in facts for by in fact.said_by)
    return join(said_by, say) or say.of(facts[0].owner)


def _not_known(fact: Evidence, say: Messages) -> str:
    gap = "ended" if fact.ended_on is not None else fact.gap
    said = (say.say("you_said", owner=say.of(one.by.owner), value=say.of(one.value)) for one in fact.said if one.value)
    mistaken = dict.fromkeys(say.of(one.by.owner) for one in fact.said if one.value is None)
    parts = {
        "label": say.of(fact.label),
        "owner": say.of(fact.owner),
        "date": fact.ended_on,
        "said": join(said, say),
        "said_by": join(mistaken, say) or say.of(fact.owner),
    }
    return say.say(f"you_gap_{gap}", **parts)


def _value(fact: Evidence, say: Messages) -> str:
    value = "" if fact.value is None else say.of(fact.value)
    if fact.kind != PERSON or fact.id == OWN:
        return value
    return say.say("value_of", value=value, whose=whose(fact.kind, say.of(fact.kind_name), fact.id, say))


def _next(later: Upcoming, say: Messages) -> str:
    if not later.differs:
        return say.say("you_next_same", date=later.on_date)
    if later.outcome is Outcome.UNDETERMINED or not later.in_force:
        return say.say("you_next_open", date=later.on_date)
    if later.outcome is Outcome.INELIGIBLE:
        return say.say("you_next_ineligible", date=later.on_date)
    amount = amount_sentence(later.amount, later.outcome, say, _STYLE)
    return say.say("you_next_eligible", date=later.on_date, amount=amount)


def _laws(answer: Explanation, say: Messages) -> Iterator[Line]:
    """The act with its articles; only the acts where it is not known which of them applies."""
    titles = {law.title for law in answer.laws}
    between = say.say("you_law_and")
    cited = (part for c in answer.clauses if c.because not in titles for part in c.because.split(between))
    articles = between.join(dict.fromkeys(cited))
    if len(answer.laws) > 1:
        yield Line(say.say("you_law_open"))
    for law in answer.laws:
        act = say.say("you_law_numbered", title=law.title, number=law.number) if law.number else law.title
        only_act = len(answer.laws) > 1 or not articles
        yield Line(
            say.say("you_law_act", act=act) if only_act else say.say("you_law_cited", act=act, articles=articles)
        )
