"""A record that a person takes along: every fact held of them with its provenance, in the envelope of DCI messages.

Whoever moves is not asked again elsewhere for what is held here. What is withheld is not in it; what is not known is
named with its reason, so that the office that receives it knows what to ask and whom.

Source:
    Digital Convergence Initiative, registry core API 1.0.0: `SearchResponse`; the fields of a fact are our own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from features.facts.units import MINOR_UNITS, month_start
from features.facts.values import Gap, Value
from features.facts.vocabulary import Vocabulary
from features.history.records import Statement

RECORD_TYPE = "applyfree:portable-facts:1"


def portable_record(
    kind: str,
    subject: str,
    statements: Mapping[str, Sequence[Statement]],
    gaps: Mapping[str, Gap | None],
    vocabulary: Vocabulary,
    on_date: dt.date,
    known_at: dt.datetime,
    sender: str,
) -> dict[str, Any]:
    """The record of one subject as a message, which can be written as JSON.

    Args:
        kind: of the subject.
        subject: its id.
        statements: by fact what registers said.
        gaps: by fact why it is not known; None where it is.
        vocabulary: of the facts.
        on_date: the day of which it speaks.
        known_at: what was learned later is not in it.
        sender: who hands it over.
    """
    facts = [
        told
        for fact, said in sorted(statements.items())
        if gaps[fact] is not Gap.WITHHELD
        for told in _facts(fact, said, gaps[fact], vocabulary, on_date)
    ]
    unknown = [{"fact": fact, "reason": gap.value} for fact, gap in sorted(gaps.items()) if gap is not None]
    record = {
        "subject": {"kind": kind, "id": subject},
        "on_date": on_date.isoformat(),
        "facts": facts,
        "not_known": unknown,
    }
    moment = known_at.astimezone(dt.UTC).isoformat()
    content = json.dumps([sender, moment, record], sort_keys=True, ensure_ascii=False).encode()
    number = hashlib.sha256(content).hexdigest()
    return {
        "header": {
            "message_id": number,
            "message_ts": moment,
            "action": "on-search",
            "sender_id": sender,
            "total_count": 1,
        },
        "message": {
            "transaction_id": number,
            "search_response": [
                {
                    "reference_id": number,
                    "timestamp": moment,
                    "status": "succ",
                    "data": {"reg_record_type": RECORD_TYPE, "reg_records": [record]},
                }
            ],
        },
    }


def written(value: Value) -> str:
    """A value as files of facts write it; money is not among these, see :func:`written_fact`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, frozenset):
        return ";".join(month_start(month).isoformat()[:7] for month in sorted(value)) or ";"
    return (
        value.isoformat() if isinstance(value, dt.date) else f"{value:f}" if isinstance(value, Decimal) else str(value)
    )


def written_fact(fact: str, value: Value, vocabulary: Vocabulary) -> str:
    """The value of a fact as files of facts write it: money in major units."""
    known = vocabulary.dictionary.facts.get(fact)
    if known is not None and known.type.kind == "money" and isinstance(value, Decimal):
        return written(value / MINOR_UNITS)
    return written(value)


def _facts(
    fact: str, said: Sequence[Statement], gap: Gap | None, vocabulary: Vocabulary, on_date: dt.date
) -> Iterator[dict[str, Any]]:
    """Each statement that still holds; of a fact in dispute every one of them."""
    known = vocabulary.dictionary.facts.get(fact)
    for one in said:
        if one.value is not None and one.holds(on_date):
            register = vocabulary.dictionary.registers.get(one.register)
            yield {
                "fact": fact,
                "value": written_fact(fact, one.value, vocabulary),
                "settled": gap is None,
                "true_from": one.true_from.isoformat(),
                "true_to": one.true_to.isoformat() if one.true_to else None,
                "provenance": {
                    "register": one.register,
                    "owner": None if register is None else {"zh": register.owner.zh, "en": register.owner.en},
                    "table": one.view,
                    "attested_on": one.attested_on.isoformat(),
                    "learned_at": one.learned_at.astimezone(dt.UTC).isoformat(),
                    "good_until": one.stale_on.isoformat() if one.stale_on else None,
                    "legal_basis": None if known is None else known.legal_basis,
                },
            }
