"""What sweeps found, as counts: kept with each chunk, added up with each sweep, so that nobody has to count again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rules.answers import IN_KIND
from rules.determination import Outcome
from serving.store.answers import Answer, plain_figure
from serving.summary import MOST_MISSING_OVERALL, PER, PERIODS, PLURALS, Summary, Tally
from serving.sweep.errors import AutomaticStoppedError


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at before a sweep's answers may be of automatic grade, and what was found.

    Attributes:
        passed: where it is false, nothing of the sweep may be delivered without a person.
        said: the findings in words; never a value of a person.
        facts: the facts that were not what they should be, where it can be said which.
    """

    passed: bool
    said: tuple[str, ...]
    facts: tuple[str, ...] = ()

    def stored(self) -> dict[str, object]:
        """As JSON."""
        return {"passed": self.passed, "said": list(self.said), "facts": list(self.facts)}

    @staticmethod
    def read(stored: Mapping[str, Any]) -> Check:
        """A check from JSON; those of earlier releases name no facts."""
        return Check(stored["passed"], tuple(stored["said"]), tuple(stored.get("facts", ())))


@dataclass(slots=True)
class Account:
    """How subjects stand: a tally per benefit, and how many subjects of each kind are eligible for anything.

    An incremental sweep's chunk counts what came minus what went; added to the account of the sweep before, it says
    how everybody stands now.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    eligible: Counter[str] = field(default_factory=Counter)
    subjects: Counter[str] = field(default_factory=Counter)
    check: Check | None = None
    """Of a whole sweep: may its answers be of automatic grade? None: nothing had to be looked at."""

    def count(self, kind: str, answer: Answer, times: int) -> None:
        """Count an answer so many times more (or fewer)."""
        tally = self.tallies.setdefault(answer.benefit, Tally(answer.benefit, kind))
        if answer.per:
            tally.per, tally.unit = answer.per, answer.unit
        tally.outcomes[answer.outcome] += times
        for name in answer.missing:
            tally.missing[name] += times
        if answer.outcome == Outcome.ELIGIBLE.value:
            tally.money += Decimal(answer.amount_low or 0) * times
            if answer.unit != IN_KIND and answer.amount_low is None:
                tally.open += times

    def add(self, other: Account) -> None:
        """Add the counts of another account. Its check is its own: each sweep looks for itself."""
        for benefit, theirs in other.tallies.items():
            ours = self.tallies.setdefault(benefit, Tally(benefit, theirs.subject))
            ours.per, ours.unit = theirs.per or ours.per, theirs.unit or ours.unit
            ours.outcomes = _sum(ours.outcomes, theirs.outcomes)
            ours.missing = _sum(ours.missing, theirs.missing)
            ours.money += theirs.money
            ours.open += theirs.open
        self.eligible = _sum(self.eligible, other.eligible)
        self.subjects = _sum(self.subjects, other.subjects)

    def stored(self) -> dict[str, object]:
        """As JSON: money is text."""
        return {
            "benefits": {
                benefit: {
                    "subject": tally.subject, "per": tally.per, "unit": tally.unit, "outcomes": dict(tally.outcomes),
                    "money": plain_figure(tally.money), "open": tally.open, "missing": dict(tally.missing),
                }
                for benefit, tally in self.tallies.items()
            },
            "eligible": dict(self.eligible),
            "subjects": dict(self.subjects),
            "check": None if self.check is None else self.check.stored(),
        }  # fmt: skip

    @staticmethod
    def read(stored: Mapping[str, Any] | None) -> Account:
        """An account from JSON; an empty one from nothing."""
        account = Account()
        if stored is None:
            return account
        for benefit, t in stored["benefits"].items():
            account.tallies[benefit] = Tally(
                benefit, t["subject"], t["per"], t["unit"], Counter(t["outcomes"]), Decimal(t["money"]), t["open"],
                Counter(t["missing"]),
            )  # fmt: skip
        account.eligible, account.subjects = Counter(stored["eligible"]), Counter(stored["subjects"])
        check = stored.get("check")  # accounts of sweeps before there were checks have none
        account.check = None if check is None else Check.read(check)
        return account

    def require_automatic(self) -> None:
        """To be called before anything of the sweep is delivered without a person.

        Raises:
            AutomaticStoppedError: its check did not pass.
        """
        if self.check is not None and not self.check.passed:
            raise AutomaticStoppedError(self.check.said)

    def summary(self) -> Summary:
        """The tallies as a table that can be shown."""
        summary = Summary()
        summary.tallies = {b: t for b, t in sorted(self.tallies.items()) if any(t.outcomes.values())}
        return summary

    def sentences(self) -> Iterator[str]:
        """What was found, what is owed, what is undetermined and for want of which facts."""
        who = [
            f"{self.eligible[kind]:,} of {count:,} {PLURALS.get(kind, kind)}" for kind, count in self.subjects.items()
        ]
        yield f"Entitled to at least one benefit: {', '.join(who) or 'nobody'}."
        summary = self.summary()
        money = sorted(summary.money().items(), key=lambda item: (*PERIODS, item[0][0]).index(item[0][0]))
        owed = [f"{amount:,.2f} {unit} {PER.get(per, per)}" for (per, unit), amount in money]
        yield f"Owed for certain: {'; '.join(owed) or 'nothing'}."
        answers = sum(tally.outcomes.total() for tally in self.tallies.values())
        unsettled = sum(tally.outcomes[Outcome.UNDETERMINED.value] for tally in self.tallies.values())
        ranked = sorted(summary.missing().items(), key=lambda item: (-item[1], item[0]))[:MOST_MISSING_OVERALL]
        missing = ", ".join(f"{name} ({count:,})" for name, count in ranked)
        yield f"Undetermined: {unsettled:,} of {answers:,} answers. Most often missing: {missing or 'nothing'}."

        if self.check is not None:
            what = "nothing stands in its way" if self.check.passed else "STOPPED for all answers of this sweep"
            yield f"Automatic grade: {what}. {' '.join(self.check.said)}"


def _sum(ours: Counter[str], theirs: Counter[str]) -> Counter[str]:
    """Counts added up, negative ones too; zeros fall away."""
    total = Counter(ours)
    total.update(theirs)
    return Counter({name: count for name, count in total.items() if count})
