"""Ids of subjects as departments type them: spaces, full-width digits and a small x do not make another person."""

from __future__ import annotations

import polars as pl

from features.facts.population import NONE

LONGEST = 64
_PLAIN = r"\A[0-9A-WYZa-wyz_.:-]{1,64}\z"
"""Ids of these signs, without an x or X, are as they should be."""
_GOOD = r"\A[\p{L}\p{N}_.:/#()-]{1,64}\z"
_CUT_FLOAT = r"\A[0-9](\.[0-9]+)?[eE]\+?[0-9]+\z"
_FULL_WIDTH = [chr(code) for code in range(0xFF01, 0xFF5F)]
_HALF_WIDTH = [chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)]
WHY_NOT = (
    f"The id is no id: {LONGEST} letters, digits and signs at most, written as text (a spreadsheet turns long numbers "
    "into 4.4E+17)."
)


def half_width(text: pl.Expr) -> pl.Expr:
    """The text without spaces of any kind, and with full-width signs as plain ones."""
    return text.str.replace_all(r"[\s\u{3000}\u{a0}\u{200b}-\u{200f}\u{feff}\p{Cc}]+", "").str.replace_many(
        _FULL_WIDTH, _HALF_WIDTH
    )


def read_ids(raw: pl.Series) -> pl.Series | None:
    """The ids of a column; null where there is none or it cannot be one. None where the column cannot hold ids.

    An id is text. In a column of floats the end of long ids is lost already, so such a column holds none.
    """
    if raw.dtype.is_integer():
        return raw.cast(pl.String)
    if isinstance(raw.dtype, pl.Categorical | pl.Enum | pl.Null):
        raw = raw.cast(pl.String)
    if raw.dtype != pl.String:
        return None
    ids = raw
    plain = raw.str.contains(_PLAIN).fill_null(value=True)
    if not plain.all():
        text = pl.col("raw")
        clean = half_width(text)
        resident = clean.str.contains(r"\A[0-9]{17}x\z")
        clean = pl.when(resident).then(clean.str.to_uppercase()).otherwise(clean)
        tidied = pl.when(pl.col("plain")).then(text).when(clean.str.contains(_GOOD)).then(clean)
        ids = pl.DataFrame({"raw": raw, "plain": plain}).select(tidied).to_series()
    wrong = (ids == NONE) | ids.str.contains(_CUT_FLOAT)
    return pl.select(pl.when(~wrong).then(ids).alias(raw.name)).to_series()
