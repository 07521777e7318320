"""What the history is made of: views of registers, batches of rows, and the columns every row has."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from features.facts.values import Value

TRUE_FROM, TRUE_TO, STATUS, ROW = "true_from", "true_to", "status", "row"
STATED, WITHDRAWN, QUARANTINED = "stated", "withdrawn", "quarantined"
STATUS_TYPE = pl.Enum([STATED, WITHDRAWN, QUARANTINED])
"""`stated`: the register says so. `withdrawn`: it takes back what it said of this subject from `true_from` on.
`quarantined`: it said something that could not be read; the subject is known, its facts are not."""


@dataclass(frozen=True, slots=True)
class View:
    """One table of a register: facts about one kind of subject.

    Attributes:
        id: `<register>.<table>`, as contracts name it.
        register: the register of the fact dictionary whose table this is.
        kind: the kind of subject each row is about.
        facts: the facts (and links) that its rows carry, in the order of its columns.
        full: does each delivery list everybody, so that who is missing from it has left the register?
        ends_with: the fact that names the last day of what a row is about, like a certificate's: the row ends with it.
    """

    id: str
    register: str
    kind: str
    facts: tuple[str, ...]
    full: bool
    ends_with: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One delivery of a view.

    Attributes:
        view: id of the view.
        content_hash: SHA-256 of what was delivered, in hexadecimal. The same content is taken in once.
        source: the name of the file, table or feed, without its path.
        learned_at: when we learned it (UTC, microseconds).
        attested_on: the day of which the register says: this is how things are. Facts age from then.
    """

    view: str
    content_hash: str
    source: str
    learned_at: dt.datetime
    attested_on: dt.date


@dataclass(frozen=True, slots=True)
class Statement:
    """The last that one view said of one fact of a subject from on or before a day.

    `value` is None where the row could not be read. A statement whose `true_to` has come says nothing any more: a
    certificate that has expired. `learned_at` is when the row came; a list that repeats it later renews `attested_on`.
    """

    view: str
    register: str
    value: Value | None
    true_from: dt.date
    true_to: dt.date | None
    attested_on: dt.date
    learned_at: dt.datetime
    stale_on: dt.date | None

    def holds(self, on_date: dt.date) -> bool:
        """Has it not ended by that day?"""
        return self.true_to is None or self.true_to > on_date
