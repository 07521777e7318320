"""Rows of `answer`: an answer without its subject and dates, kept once under the hash of its canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from serving.store.database import Session


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of a subject: everything of a determination that others may share with it.

    Amounts are decimal figures in text without needless zeros; None where there is no figure or no bound.
    """

    benefit: str
    version: str
    outcome: str
    amount: str | None
    amount_low: str | None
    amount_high: str | None
    per: str
    unit: str
    unmet: tuple[str, ...]
    missing: tuple[str, ...]

    def content(self) -> dict[str, object]:
        """Its columns by name. Written out: `asdict` took half of the time of a first chunk."""
        return {
            "benefit": self.benefit, "version": self.version, "outcome": self.outcome, "amount": self.amount,
            "amount_low": self.amount_low, "amount_high": self.amount_high, "per": self.per, "unit": self.unit,
            "unmet": self.unmet, "missing": self.missing,
        }  # fmt: skip

    def canonical(self) -> bytes:
        """The one way to write this answer: JSON, keys in order, no spaces."""
        return canonical_json(self.content())

    def digest(self) -> bytes:
        """The hash under which it is kept."""
        return hashlib.sha256(self.canonical()).digest()


def canonical_json(content: dict[str, object]) -> bytes:
    """JSON with keys in order and no spaces, in UTF-8. Figures are text, so there is nothing else to settle."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def plain_figure(amount: Decimal | None) -> str | None:
    """A figure without needless zeros: 200, 0.5, 1234.56."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def intern(session: Session, answers: Sequence[Answer]) -> list[int]:
    """The ids of answers; those that are new are added.

    In a transaction of its own, before that of the chunk: an answer that no row uses does no harm, and two workers
    never wait for each other longer than this takes. In order of the hash, so that they cannot wait in a circle.
    """
    own = [answer.digest() for answer in answers]
    by_digest = dict(zip(own, answers, strict=True))
    digests = sorted(by_digest)
    known = _ids(session, digests)
    lacking = [digest for digest in digests if digest not in known]
    if lacking:
        rows = [{"digest": digest.hex(), **by_digest[digest].content()} for digest in lacking]
        session.execute(
            """
            INSERT INTO answer (digest, benefit, version, outcome, amount, amount_low, amount_high, per, unit, unmet,
                                missing)
            SELECT decode(digest, 'hex'), benefit, version, outcome, amount, amount_low, amount_high, per, unit, unmet,
                   missing
            FROM jsonb_to_recordset(%s::jsonb) AS x(digest text, benefit text, version text, outcome text,
                 amount numeric, amount_low numeric, amount_high numeric, per text, unit text, unmet text[],
                 missing text[])
            ORDER BY decode(digest, 'hex')
            ON CONFLICT (digest) DO NOTHING
            """,
            (json.dumps(rows),),
        )
        known |= _ids(session, lacking)
    return [known[digest] for digest in own]


def spelled(session: Session, ids: Sequence[int]) -> dict[int, Answer]:
    """The answers of some ids."""
    rows = session.execute(
        "SELECT id, benefit, version, outcome, amount, amount_low, amount_high, per, unit, unmet, missing "
        "FROM answer WHERE id = ANY(%s)",
        (list(ids),),
    )
    found: dict[int, Answer] = {}
    for row in rows:
        number, benefit, version, outcome, amount, low, high, per, unit, unmet, missing = row
        figures = [plain_figure(cast(Decimal | None, figure)) for figure in (amount, low, high)]
        found[cast(int, number)] = Answer(
            str(benefit), str(version), str(outcome), figures[0], figures[1], figures[2], str(per), str(unit),
            tuple(cast(list[str], unmet)), tuple(cast(list[str], missing)),
        )  # fmt: skip
    return found


def _ids(session: Session, digests: Sequence[bytes]) -> dict[bytes, int]:
    rows = session.execute("SELECT digest, id FROM answer WHERE digest = ANY(%s)", (list(digests),))
    return {bytes(cast(bytes, digest)): cast(int, number) for digest, number in rows}
