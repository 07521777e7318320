"""Whole columns of a file to columns of facts, with the meaning of `features.facts.reading.read_value`.

What cannot be read becomes null here; the caller compares with what was written, and asks `read_value` for the reason.
"""

from __future__ import annotations

import polars as pl

from features.facts.areas import Areas
from features.facts.dictionary import Fact
from features.facts.encoding import column_type
from features.facts.reading import MONEY_DECIMALS
from features.facts.units import FIRST_DAY, LAST_DAY, month_number

_NUMBER = r"\A-?[0-9]{1,15}(\.[0-9]{1,9})?\z"
_DATE = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_MONTHS = r"\A\s*[0-9]{4}-(0[1-9]|1[0-2])(\s*\.\.\s*[0-9]{4}-(0[1-9]|1[0-2]))?\s*\z"
_WORKING_DECIMALS = 9
_LONGEST_SPAN = 1200


def accepted_types(fact: Fact) -> str:
    """Which column types of a Parquet file can hold a fact, in words."""
    match fact.type.kind:
        case "boolean":
            return "boolean or text"
        case "integer" | "number" | "money":
            return "numbers or text"
        case "date":
            return "dates or text"
        case "months":
            return "text or lists of text"
        case "id":
            return "text or whole numbers"
    return "text"


def convert(raw: pl.Series, fact: Fact, areas: Areas) -> pl.Series | None:
    """The column of facts, null where a value is missing or cannot be read; None where the type of `raw` is wrong."""
    kind, dtype = fact.type.kind, raw.dtype
    if dtype == pl.Null:
        return raw.cast(column_type(fact, areas))
    if isinstance(dtype, pl.Categorical | pl.Enum):
        raw, dtype = raw.cast(pl.String), pl.String()
    if kind in ("integer", "number", "money"):
        return _numbers(raw, fact) if dtype.is_numeric() or dtype == pl.String else None
    if kind == "months" and isinstance(dtype, pl.List) and dtype.inner == pl.String:
        raw, dtype = raw.list.join(";"), pl.String()
    if kind == "boolean" and dtype == pl.Boolean:
        return raw
    if kind == "date" and (dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_zone is None)):
        return _dates(raw)
    if kind == "id":
        return convert_id(raw)
    return _from_text(raw, fact, areas) if dtype == pl.String else None


def convert_id(raw: pl.Series) -> pl.Series | None:
    """A column of ids or links as text; None where its type will not do."""
    if raw.dtype == pl.String or raw.dtype.is_integer() or isinstance(raw.dtype, pl.Null | pl.Categorical | pl.Enum):
        return raw.cast(pl.String)
    return None


def _from_text(raw: pl.Series, fact: Fact, areas: Areas) -> pl.Series:
    match fact.type.kind:
        case "boolean":
            lower = raw.str.to_lowercase()
            return _where(lower.is_in(["true", "false"]), lower == "true")
        case "date":
            text = _where(raw.str.contains(_DATE), raw)
            return _dates(text.str.to_date("%Y-%m-%d", strict=False))
        case "code" | "area":
            return raw.cast(column_type(fact, areas), strict=False)
        case "months":
            return _months(raw)
    return raw


def _dates(raw: pl.Series) -> pl.Series:
    days = raw.cast(pl.Date)
    possible = (days >= FIRST_DAY) & (days <= LAST_DAY)
    if raw.dtype == pl.Datetime:
        possible &= raw == days.cast(raw.dtype)
    return _where(possible, days)


def _numbers(raw: pl.Series, fact: Fact) -> pl.Series:
    """Int64 in units of the fact: minor units of money, 10^-decimals of a number."""
    spec = fact.type
    decimals = MONEY_DECIMALS if spec.kind == "money" else spec.decimals
    if raw.dtype.is_float():
        units = _from_floats(raw, decimals)
    elif raw.dtype.is_integer():
        whole = raw.cast(pl.Int64, strict=False)
        largest = 10 ** (18 - decimals)
        units = _where(whole.is_between(-largest, largest), whole) * 10**decimals
    else:
        units = _from_decimals(raw, decimals)
    scale = 1 if spec.kind == "money" else 10**spec.decimals
    least, most = -spec.capacity * scale, spec.capacity * scale
    least = least if spec.minimum is None else max(least, spec.minimum * scale)
    most = most if spec.maximum is None else min(most, spec.maximum * scale)
    return _where(units.is_between(int(least), int(most)), units)


def _from_floats(raw: pl.Series, decimals: int) -> pl.Series:
    """A float stands for the decimal it is nearest to; one that is nearest to no decimal of this length is null."""
    units = (raw.cast(pl.Float64) * 10**decimals).round()
    whole = units.cast(pl.Int64, strict=False)
    # NumPy divides; Polars multiplies by the reciprocal of a constant, which is not the nearest float (35 / 100).
    again = pl.Series(whole.cast(pl.Float64).to_numpy() / 10**decimals).cast(raw.dtype)
    return _where(again == raw, whole)


def _from_decimals(raw: pl.Series, decimals: int) -> pl.Series:
    """Exact, from text or from a decimal column."""
    if raw.dtype == pl.String:
        raw = _where(raw.str.contains(_NUMBER), raw)
    working = raw.cast(pl.Decimal(27, _WORKING_DECIMALS), strict=False)
    rest = pl.lit(10 ** (_WORKING_DECIMALS - decimals), dtype=pl.Int128)
    frame = pl.DataFrame({"raw": working.to_physical(), "exact": _is_same(raw, working)})
    whole = pl.col("raw") // rest
    return (
        frame.select(pl.when((whole * rest == pl.col("raw")) & pl.col("exact")).then(whole))
        .to_series()
        .cast(pl.Int64, strict=False)
    )


def _is_same(raw: pl.Series, working: pl.Series) -> pl.Series:
    """Did a decimal column lose nothing? Text cannot: its decimals are counted before."""
    if raw.dtype == pl.String:
        return working.is_not_null()
    return working.cast(raw.dtype, strict=False) == raw


def _where(good: pl.Series, values: pl.Series) -> pl.Series:
    """The values where they are good, null elsewhere."""
    return pl.select(pl.when(good).then(values)).to_series()


def _months(raw: pl.Series) -> pl.Series:
    """Sets of months: `2024-01..2024-06;2024-09`; each distinct text is read once."""
    texts = raw.drop_nulls().unique()
    parts = (
        pl.DataFrame({"text": texts})
        .with_columns(part=pl.col("text").str.split(";"))
        .explode("part")
        .filter(pl.col("part").str.strip_chars() != "")
        .with_columns(first=_month("first"), last=_month("last"))
        .with_columns(last=pl.coalesce("last", "first"))
    )
    span = pl.col("last") - pl.col("first")
    low, high = month_number(FIRST_DAY), month_number(LAST_DAY)
    good = (
        pl.col("part").str.contains(_MONTHS)
        & span.is_between(0, _LONGEST_SPAN)
        & (pl.col("first") >= low)
        & (pl.col("last") <= high)
    ).fill_null(value=False)
    months = (
        parts.with_columns(good=good.all().over("text"))
        .filter("good")
        .with_columns(months=pl.int_ranges("first", pl.col("last") + 1, dtype=pl.Int32))
        .explode("months")
        .group_by("text")
        .agg(pl.col("months").unique().sort())
    )
    empty = pl.DataFrame({"text": texts.filter(~texts.is_in(parts["text"].implode()))}).with_columns(
        months=pl.lit([], dtype=pl.List(pl.Int32))
    )
    known = pl.concat([months, empty])
    joined = pl.DataFrame({"text": raw}).join(known, on="text", how="left", maintain_order="left")
    return joined.get_column("months").alias(raw.name)


def _month(which: str) -> pl.Expr:
    """The month number of the first or last month of a part (null: it has no last one)."""
    pattern = r"\A\s*([0-9]{4})-([0-9]{2})" if which == "first" else r"\.\.\s*([0-9]{4})-([0-9]{2})\s*\z"
    year = pl.col("part").str.extract(pattern, 1).cast(pl.Int32)
    return year * 12 + pl.col("part").str.extract(pattern, 2).cast(pl.Int32) - 1
