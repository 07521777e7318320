"""How facts stand in Feast: the encoding of `features.facts.encoding`, in the few types that every store holds alike.

Codes and areas are text; dates are day numbers from 1970-01-01, because stores disagree on dates before it; the rest is
as in the encoded tables. Every row also says what kind of row it is and of which day its register attested it.
"""

from __future__ import annotations

import polars as pl

from features.facts.encoding import column_type
from features.facts.vocabulary import Vocabulary

EVENT, LEARNED = "event_timestamp", "created_timestamp"
ROW_STATUS, ROW_ATTESTED, ROW_TRUE_FROM, ROW_LEARNED = (
    "row_status",
    "row_attested_on",
    "row_true_from",
    "row_learned_at",
)
ROW_COLUMNS = {ROW_STATUS: pl.String(), ROW_ATTESTED: pl.Int32(), ROW_TRUE_FROM: pl.Int32(), ROW_LEARNED: pl.Int64()}
"""What each row says of itself: kind of row, day of attestation and first day (day numbers), moment (microseconds)."""

STATED, CLOSED, QUARANTINED = "stated", "closed", "quarantined"


def key_column(kind: str) -> str:
    """The column that names the subject; not `household_id`, which is a fact of a person."""
    return f"{kind}_key"


def fact_type(fact: str, vocabulary: Vocabulary) -> pl.DataType:
    """The encoded type of a fact or a link."""
    found = vocabulary.dictionary.facts.get(fact)
    return pl.String() if found is None else column_type(found, vocabulary.areas)


def stored_type(encoded: pl.DataType) -> pl.DataType:
    """The type in which a store holds an encoded column."""
    if isinstance(encoded, pl.Enum):
        return pl.String()
    return pl.Int32() if encoded == pl.Date else encoded


def to_stored(column: str, encoded: pl.DataType) -> pl.Expr:
    """An encoded column as a store holds it."""
    return pl.col(column).cast(stored_type(encoded))


def from_stored(column: str, encoded: pl.DataType) -> pl.Expr:
    """A store's column as an encoded one."""
    return pl.col(column).cast(encoded)
