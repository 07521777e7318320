"""What the rules of one day say of how benefits go together, looked up once for all households."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from features.facts.subjects import PERSON
from rules.benefits import ORDERED_RELATIONS, benefits_read
from rules.paths import paths_of
from rules.reads import reads_of
from rules.rulebook import BenefitPlan, Rulebook
from serving.delivery.bundles.footing import limited_benefits
from serving.delivery.bundles.model import Exclusion
from serving.delivery.bundles.receipts import SELF, Receipts, check_receipts, read_receipts

TOP_UP = "top_up"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rules, relations and receipts of one day.

    Attributes:
        rulebook: the rules.
        on_date: the day.
        plans: the benefits as they stand on it.
        receipts: which facts the receipt of a benefit changes.
        limited: benefits that are paid for a limited time.
        exclusions: by two benefits how they exclude each other.
        needs: by benefit what it is received beside, with the article: it tops up another whose result its rule asks.
        touches: by benefit whose answers its receipt may change, with the article.
        opening: pairs of a benefit whose receipt may open another that is not owed yet, and that other.
        spreading: pairs of which the first changes the second for other subjects too.
        facts_read: by benefit the facts that its rule reads.
        results_read: by benefit the others whose results its rule asks.
    """

    rulebook: Rulebook
    on_date: dt.date
    plans: Mapping[str, BenefitPlan]
    receipts: Receipts
    limited: frozenset[str]
    exclusions: Mapping[frozenset[str], Exclusion]
    needs: Mapping[str, Mapping[str, str]]
    touches: Mapping[str, Mapping[str, str]]
    opening: frozenset[tuple[str, str]]
    spreading: frozenset[tuple[str, str]]
    facts_read: Mapping[str, frozenset[str]]
    results_read: Mapping[str, frozenset[str]]

    def reached_by(self, benefit: str) -> frozenset[str]:
        """The benefits whose receipt changes what the rules say of this one, directly or through another's amount."""
        found: set[str] = set()
        waiting = [benefit]
        while waiting:
            reader = waiting.pop()
            for giver, touched in self.touches.items():
                if reader in touched and giver not in found:
                    found.add(giver)
                    waiting.append(giver)
        return frozenset(found)

    def is_plain(self, received: Collection[str], still_open: Collection[str] = ()) -> bool:
        """Does nothing tie the items of a household? Then each is accepted by itself, without looking further.

        Nothing is tied that is neither excluded by, nor touches, another one, needs none and opens nothing new.

        Args:
            received: the benefits that are owed or held, one entry for each item (two persons' same benefit: two).
            still_open: the benefits that may turn out to be owed.
        """
        distinct, maybe = set(received), set(still_open)
        if any(giver in distinct for giver, _ in self.opening) or distinct & self.needs.keys():
            return False
        several = len(received) > len(distinct)
        for benefit in distinct & self.touches.keys():
            others = maybe | (distinct if several else distinct - {benefit})
            if self.touches[benefit].keys() & others:
                return False
        return not any(pair & distinct and pair <= distinct | maybe for pair in self.exclusions)


def prepare(rulebook: Rulebook, on_date: dt.date, receipts: Receipts | None = None) -> Prepared:
    """Look up how the benefits of a rulebook go together on a day.

    Raises:
        ReceiptFileError, DocumentError: the files of this package do not fit the rulebook.
    """
    reads = reads_of(rulebook, on_date)
    receipts = receipts or read_receipts(rulebook.jurisdiction)
    check_receipts(receipts, rulebook, reads)
    facts_read = {benefit: frozenset(name for _, name in read) for benefit, read in reads.items()}
    plans = rulebook.in_force(on_date)
    touches: dict[str, dict[str, str]] = {}
    opening: set[tuple[str, str]] = set()
    spreading: set[tuple[str, str]] = set()
    for giver, effects in receipts.effects.items():
        for effect in effects:
            for reader in (benefit for benefit, facts in facts_read.items() if effect.fact in facts):
                touches.setdefault(giver, {}).setdefault(reader, effect.because)
                if not effect.only_reduces:
                    opening.add((giver, reader))
                if effect.of != SELF or _sees_other_persons(reader, plans):
                    spreading.add((giver, reader))
    return Prepared(
        rulebook,
        on_date,
        plans,
        receipts,
        limited_benefits(rulebook.jurisdiction),
        _exclusions(rulebook),
        _needs(rulebook),
        touches,
        frozenset(opening),
        frozenset(spreading),
        facts_read,
        {name: frozenset(benefits_read(plan.benefit)) for name, plan in rulebook.benefits.items()},
    )


def _sees_other_persons(benefit: str, plans: dict[str, BenefitPlan]) -> bool:
    return any(chain and chain[-1].arrives_at == PERSON for chain in paths_of(benefit, plans))


def _exclusions(rulebook: Rulebook) -> dict[frozenset[str], Exclusion]:
    """Declared by one side or by both; `rules.check.relations` sees to it that both sides say the same."""
    found: dict[frozenset[str], Exclusion] = {}
    for compiled in rulebook.benefits.values():
        benefit = compiled.benefit
        for relation in benefit.relations:
            pair = frozenset((benefit.id, relation.other))
            if relation.relation not in ORDERED_RELATIONS or pair in found or relation.other not in rulebook.benefits:
                continue
            preferred = {"self": benefit.id, "other": relation.other}.get(relation.prefer or "")
            found[pair] = Exclusion(relation.relation, preferred, relation.because)
    return found


def _needs(rulebook: Rulebook) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for compiled in rulebook.benefits.values():
        benefit = compiled.benefit
        asked = benefits_read(benefit)
        for relation in benefit.relations:
            if relation.relation == TOP_UP and relation.other in asked:
                found.setdefault(benefit.id, {})[relation.other] = relation.because
    return found
