"""From settled households to what becomes of each of their items, with the reasons in words, and the record of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from features.documents import Wording
from rules.rulebook import Rulebook
from serving.day.entitling import Becomes, Change
from serving.delivery.bundles.choice import Settled, Verdict
from serving.delivery.bundles.model import Item, SubjectKey
from serving.delivery.bundles.wording import cliff_said, reason_said

Knots = Sequence[tuple[SubjectKey, int, Settled]]
"""Whose, the number among theirs, and how it was settled."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """What is needed to say it: the benefits' names, and the currency."""

    rulebook: Rulebook

    def names(self) -> dict[str, Wording]:
        """Of every benefit."""
        return {name: plan.benefit.names for name, plan in self.rulebook.benefits.items()}

    def cliffs(self, settled: Settled) -> list[dict[str, object]]:
        """What is lost by accepting something, each with both items and both languages."""
        names, currency = self.names(), self.rulebook.currency
        return [
            {"code": "cliff", "accept": cliff.accept.benefit, "lose": cliff.lose.benefit, "kind": cliff.kind.value,
             "certain": cliff.certain, **_both(cliff_said(cliff, names, currency))}
            for cliff in settled.cliffs
        ]  # fmt: skip


def changes_of(knots: Knots, owed: Collection[Item], speaking: Speaking) -> Iterator[Change]:
    """What becomes of each item that is tied to another one.

    Args:
        knots: of all households of which something is tied.
        owed: what is owed for certain; what is open is nobody's to set aside.
        speaking: what is needed to say why.
    """
    for _, _, settled in knots:
        if len(settled.items) == 1 and settled.verdict is Verdict.SETTLED and not settled.cliffs:
            continue
        cliffs = speaking.cliffs(settled)
        said = tuple({"code": f"bundle_{reason.value}", **_both(reason_said(reason))} for reason in settled.reasons)
        for item in settled.items:
            own = tuple(cliff for cliff in cliffs if cliff["accept"] == item.benefit)
            yield Change(item, _becomes(item, settled, item in owed), (*said, *own))


def _becomes(item: Item, settled: Settled, owed: bool) -> Becomes | None:
    if not owed:
        return None
    if settled.verdict is not Verdict.SETTLED:
        return Becomes.REVIEW
    best = settled.proposals[0]
    if item not in best.received.items:
        return Becomes.ASIDE
    return Becomes.CONFIRM if best.gives_up or len(settled.proposals) > 1 else None


def keep_knots(connection: Connection, sweep: int, knots: Knots, owed: Collection[Item], speaking: Speaking) -> int:
    """Keep how households were settled of which something was to be weighed; told to whoever asks why.

    Returns:
        How many knots.
    """
    rows = [
        {
            "kind": home[0], "subject": home[1], "number": number, "verdict": settled.verdict.value,
            "reasons": [reason.value for reason in settled.reasons],
            "items": [_item(item, settled) for item in settled.items], "cliffs": speaking.cliffs(settled),
        }
        for home, number, settled in knots
        if settled.cliffs or settled.verdict is not Verdict.SETTLED or _sets_aside(settled, owed)
    ]  # fmt: skip
    connection.execute(text(_KEEP), {"sweep": sweep, "rows": json.dumps(rows, ensure_ascii=False)})
    return len(rows)


def _sets_aside(settled: Settled, owed: Collection[Item]) -> bool:
    return any(_becomes(item, settled, item in owed) is Becomes.ASIDE for item in settled.items)


def _item(item: Item, settled: Settled) -> dict[str, object]:
    best = settled.proposals[0]
    return {
        "benefit": item.benefit, "kind": item.kind, "subject": item.subject, "proposed": item in best.accept,
        "given_up": item in best.gives_up, "rival": item in settled.rivals,
    }  # fmt: skip


def _both(wording: Wording) -> dict[str, object]:
    return {"zh": wording.zh, "en": wording.en}


_KEEP = """
INSERT INTO knot (sweep, kind, subject, number, verdict, reasons, items, cliffs)
SELECT :sweep, x.kind, x.subject, x.number, x.verdict, x.reasons, x.items, x.cliffs
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
     AS x(kind text, subject text, number integer, verdict text, reasons jsonb, items jsonb, cliffs jsonb)
ON CONFLICT DO NOTHING
"""
