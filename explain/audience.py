"""Who sees what: the one place in which an explanation is cut to what its audience may see.

What is cut here is gone: renderings and JSON are made of what is left, so that none of them has to remember to hide it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

from explain.explanation import Change, ChangeStep, Clause, Evidence, Explanation, MissingItem
from explain.wording import in_both
from features import documents as doc
from features.facts.subjects import PERSON
from features.yaml_files import read_document

HIDDEN = "hidden"
"""What stands in the place of a gap's reason where the audience may not see whether there is one."""


OWN = "own"
"""What stands in the place of an id where the audience sees no ids, and the fact is the reader's own or shared."""


class Audience(enum.Enum):
    """Everybody for whom answers are explained."""

    CITIZEN = "citizen"
    CASEWORKER = "caseworker"
    POLICY = "policy"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one audience sees: up to which sensitivity class of own, shared and others' facts, and which parts."""

    own: int
    shared: int
    others: int
    hides_marks: bool
    most_steps: int
    parts: frozenset[str]


@cache
def sight_of(audience: Audience) -> Sight:
    """What an audience sees."""
    path = Path(str(resources.files("explain") / "audiences.yaml"))
    entry = doc.mapping_of(read_document(path).entries[audience.value], audience.value)
    entry.expect(
        ("own", "shared", "others", "hides_marks", "most_steps", "parts"), what=f"the audience `{audience.value}`"
    )
    get = entry.entries
    own, shared, others = (doc.integer_of(get[name], name) for name in ("own", "shared", "others"))
    return Sight(
        own,
        shared,
        others,
        doc.boolean_of(get["hides_marks"], "hides_marks"),
        doc.integer_of(get["most_steps"], "most_steps"),
        frozenset(doc.text_of(item, "parts") for item in doc.sequence_of(get["parts"], "parts")),
    )


def seen_by(audience: Audience, explanation: Explanation, reader: str = "") -> Explanation:
    """What is left of an explanation for an audience.

    Args:
        audience: who reads.
        explanation: in full.
        reader: the id of the person who reads, where a citizen does; by default the person the answer is about.
    """
    sight = sight_of(audience)
    reader = reader or (explanation.id if explanation.kind == PERSON else "")
    return _Cut(sight, explanation, reader).cut()


class _Cut:
    def __init__(self, sight: Sight, explanation: Explanation, reader: str) -> None:
        self.sight, self.whole, self.reader = sight, explanation, reader

    def cut(self) -> Explanation:
        whole, parts = self.whole, self.sight.parts
        later = whole.upcoming
        clauses = tuple(self._clause(clause) for clause in whole.clauses)
        untold = {clause.id for clause in clauses if clause.met is None}
        return replace(
            whole,
            id=whole.id if "ids" in parts else "",
            rules_hash=whole.rules_hash if "hashes" in parts else "",
            amount=whole.amount if "values" in parts else replace(whole.amount, value=None, low=None, high=None),
            unmet=tuple(name for name in whole.unmet if name not in untold),
            clauses=clauses,
            amount_facts=tuple(self._evidence(fact) for fact in whole.amount_facts),
            missing=tuple(self._missing(item) for item in whole.missing) if "missing" in parts else (),
            upcoming=later if "values" in parts else None,
            changes=tuple(map(self._change, filter(self._may_tell, whole.changes))) if "changes" in parts else (),
            contributions=whole.contributions if "model" in parts else None,
        )

    def _sees(self, kind: str, subject: str, sensitivity: int) -> bool:
        if kind == PERSON:
            limit = self.sight.own if subject == self.reader else self.sight.others
        else:
            limit = self.sight.shared if (kind, subject) == (self.whole.kind, self.whole.id) else self.sight.others
            limit = max(limit, self.sight.shared) if self.whole.kind == PERSON else limit
        return sensitivity <= limit

    def _clause(self, clause: Clause) -> Clause:
        facts = tuple(self._evidence(fact) for fact in clause.facts)
        untold = self.sight.hides_marks and any(fact.gap == HIDDEN for fact in facts)
        parts = self.sight.parts
        return replace(
            clause,
            met=None if untold else clause.met,
            facts=facts,
            note=clause.note if "notes" in parts else "",
            test=clause.test if "tests" in parts else "",
        )

    def _evidence(self, fact: Evidence) -> Evidence:
        shown = fact if "ids" in self.sight.parts else replace(fact, id=_role(fact, self.reader))
        if "sources" not in self.sight.parts:
            said = tuple(replace(one, learned_at=None) for one in fact.said)
            shown = replace(shown, source="", learned_at=None, said=said)
        if self._sees(fact.kind, fact.id, fact.sensitivity):
            return shown
        if "values" not in self.sight.parts:
            shown = replace(shown, id="")
        return replace(
            shown, value=None, gap=HIDDEN, true_from=None, learned_at=None, stale_on=None, source="", said_by=(),
            said=(), ended_on=None,
        )  # fmt: skip

    def _missing(self, item: MissingItem) -> MissingItem:
        """What is missing of somebody else would tell that there is something to ask about."""
        sight = self.sight
        if "values" not in sight.parts:
            return replace(item, facts=())
        seen = [self._sees(fact.kind, fact.id, fact.sensitivity) for fact in item.facts]
        facts = tuple(map(self._evidence, item.facts))
        if item.register and sight.hides_marks and not all(seen):
            label = in_both(lambda say: say.say("missing_of_another"))
            return replace(item, what="other", name="", label=label, gaps=(), facts=(), ask_citizen=False)
        if not sight.hides_marks:
            return replace(item, facts=facts)
        facts = tuple(fact for fact in facts if fact.gap != HIDDEN)
        return replace(item, facts=facts, gaps=tuple(dict.fromkeys(fact.gap for fact in facts)))

    def _may_tell(self, change: Change) -> bool:
        """A citizen is told of few facts at once, and of what is not known only where asking is of use."""
        if len(change.steps) > self.sight.most_steps:
            return False
        if self.sight.hides_marks and any(step.before is None and not step.ask_citizen for step in change.steps):
            return False
        return all(self._sees(step.kind, step.id, step.sensitivity) for step in change.steps)

    def _change(self, change: Change) -> Change:
        if "ids" in self.sight.parts:
            return change
        return replace(change, steps=tuple(replace(step, id=_role(step, self.reader)) for step in change.steps))


def _role(fact: Evidence | ChangeStep, reader: str) -> str:
    """In place of an id: whether it is the reader's own fact."""
    return OWN if fact.kind != PERSON or fact.id == reader else ""
