"""How benefits are declared to go together: in an order, without contradiction, and in rules that do what is said."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from features.documents import Finding
from rules import plan
from rules.benefits import ORDERED_RELATIONS, Benefit, BenefitRelation
from rules.catalogue import Catalogue
from rules.check import reading
from rules.rulebook import Rulebook

DESCRIBING_RELATIONS = ("passport", "counts_as_income_for", "top_up")
"""Relations that a rule must put into effect, since a relation alone changes no outcome."""

_WORDS_OF_MANY_BENEFITS = frozenset(
    re.findall(
        r"\w+",
        """aid allowance assistance basic benefit child children concession credit family grant income insurance living
        margin medical monthly of one payment pension person relief resident security service social standard status
        subsidy supplement support tax temporary time treatment and for the""",
    )
)


def find_relation_mistakes(catalogue: Catalogue) -> Iterator[Finding]:
    """A relation of a benefit with itself, one declared twice, and two that contradict each other."""
    benefits = {source.benefit.id: source.benefit for source in catalogue.sources.values()}
    declared: dict[tuple[str, str], BenefitRelation] = {}
    for benefit in benefits.values():
        for relation in benefit.relations:
            if relation.other == benefit.id:
                yield Finding(relation.place, f"`{benefit.id}` is related to itself.", "Name the other benefit.")
            elif (benefit.id, relation.other) in declared and relation.relation in ORDERED_RELATIONS:
                yield Finding(
                    relation.place,
                    f"`{benefit.id}` says twice how it goes together with `{relation.other}`.",
                    "Keep the line that the law says.",
                )
            else:
                declared[benefit.id, relation.other] = relation
    for (own, other), relation in declared.items():
        mirror = declared.get((other, own))
        if mirror is not None and own < other:
            yield from _contradictions(benefits[own], relation, benefits[other], mirror)
    yield from _circles(declared)


def _contradictions(
    first: Benefit, relation: BenefitRelation, second: Benefit, mirror: BenefitRelation
) -> Iterator[Finding]:
    exclusive = relation.relation in ORDERED_RELATIONS, mirror.relation in ORDERED_RELATIONS
    if exclusive == (True, True) and _preferred(first, second, relation) != _preferred(second, first, mirror):
        yield Finding(
            relation.place,
            f"`{first.id}` prefers {_preferred(first, second, relation)} to settle with `{second.id}`, "
            f"which prefers {_preferred(second, first, mirror)} ({mirror.place}).",
            "Give both lines the same order: `prefer: self` in one is `prefer: other` in the other.",
        )
    elif "stackable" in (relation.relation, mirror.relation) and True in exclusive:
        yield Finding(
            relation.place,
            f"`{first.id}` says `{relation.relation}` of `{second.id}`, "
            f"which says `{mirror.relation}` of it ({mirror.place}).",
            "Both cannot be: keep what the law says in both.",
        )


def _preferred(own: Benefit, other: Benefit, relation: BenefitRelation) -> str:
    """Which benefit a relation prefers."""
    return {"self": f"`{own.id}`", "other": f"`{other.id}`"}.get(relation.prefer or "", "the higher one")


def _circles(declared: dict[tuple[str, str], BenefitRelation]) -> Iterator[Finding]:
    """A before B before C before A: no order."""
    after: dict[str, set[str]] = defaultdict(set)
    for (own, other), relation in declared.items():
        if relation.relation in ORDERED_RELATIONS and relation.prefer in ("self", "other"):
            winner, loser = (own, other) if relation.prefer == "self" else (other, own)
            after[winner].add(loser)
    for (own, other), relation in sorted(declared.items()):
        if relation.relation not in ORDERED_RELATIONS or relation.prefer not in ("self", "other"):
            continue
        winner, loser = (own, other) if relation.prefer == "self" else (other, own)
        line = _line(after, loser, winner)
        if len(line) > 2 and winner == min(line):
            yield Finding(
                relation.place,
                f"The benefits prefer each other in a circle: {' → '.join([winner, *line])}.",
                "One of these relations must have the opposite order.",
            )


def _line(after: dict[str, set[str]], start: str, goal: str) -> list[str]:
    """The shortest line of preferences from one benefit to another; empty where there is none."""
    lines = [[start]]
    seen = {start}
    for line in lines:
        if line[-1] == goal:
            return line
        for following in sorted(after[line[-1]] - seen):
            seen.add(following)
            lines.append([*line, following])
    return []


def find_orders_without_measure(rulebook: Rulebook) -> Iterator[Finding]:
    """`prefer: higher` between benefits whose amounts cannot be compared: one is in kind, or counts something else."""
    for compiled in rulebook.benefits.values():
        for relation in compiled.benefit.relations:
            other = rulebook.benefits.get(relation.other)
            if relation.prefer != "higher" or other is None:
                continue
            types = compiled.amount_type, other.amount_type
            if types[0] is None or types[1] is None or types[0].kind != types[1].kind or types[0].unit != types[1].unit:
                yield Finding(
                    relation.place,
                    f"The higher of `{compiled.benefit.id}` ({types[0] or 'in kind'}) and `{relation.other}` "
                    f"({types[1] or 'in kind'}) cannot be told.",
                    "Write `prefer: self` or `prefer: other`.",
                )


def find_idle_relations(rulebook: Rulebook) -> Iterator[Finding]:
    """`passport`, `counts_as_income_for` and `top_up` between two benefits of which neither reads the other.

    Reading is `eligible(other)`, `amount(other)`, or a fact whose id bears a word of the other benefit's id
    (`receives_dibao` for `dibao`). A `note` on the relation that says how it takes effect silences the finding, and so
    does a benefit that is not in the catalogue.
    """
    for compiled in rulebook.benefits.values():
        for relation in compiled.benefit.relations:
            own, other = compiled.benefit.id, relation.other
            if relation.relation not in DESCRIBING_RELATIONS or relation.note or other not in rulebook.benefits:
                continue
            if not _reads(rulebook, own, other) and not _reads(rulebook, other, own):
                yield Finding(
                    relation.place,
                    f"`{own}` declares `{relation.relation}` with `{other}`, and neither rule reads the other benefit.",
                    f"A relation changes no answer: read `eligible({other})` or a receipt fact, "
                    "or say in a `note` here how it takes effect.",
                )


def _reads(rulebook: Rulebook, reader: str, other: str) -> bool:
    words = set(other.split("_")) - _WORDS_OF_MANY_BENEFITS
    for version in rulebook.benefits[reader].versions:
        for node in reading.nodes(reading.roots(version)):
            if isinstance(node, plan.EligibleFor | plan.AmountOf) and node.benefit == other:
                return True
        for fact in reading.facts(reading.roots(version)):
            if other in fact.id or words & set(fact.id.split("_")):
                return True
    return False
