"""How a department writes what it knows: the rows of a table in the words and forms of its contract.

The inverse of taking in: what is written here is read back as the same rows.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl

from features.facts.encoding import ID
from features.facts.population import NONE
from features.facts.reading import MONEY_DECIMALS
from features.history.records import STATUS, TRUE_FROM, TRUE_TO, WITHDRAWN
from features.registers.contracts import DATE_FORMS, MONEY_UNITS, Column, Table
from features.registers.workbook_writing import write_workbook

VERSION = "1.0.0"
_MONTHS_IN_YEAR = 12


def as_written(table: Table, rows: pl.DataFrame, attested_on: dt.date) -> pl.DataFrame:
    """Rows as the department writes them: every cell text, an empty cell null.

    Args:
        table: its contract.
        rows: `id`, facts and links encoded; `true_from`, `true_to` and `status` where the contract has columns for
            them. A fact that is not a column is not said.
        attested_on: the day the delivery speaks for.
    """
    cells: dict[str, pl.Series] = {table.key: rows[ID]}
    for column in table.columns:
        if column.fact.id in rows.columns:
            cells[column.header] = written_cells(rows[column.fact.id], column)
    form = DATE_FORMS[table.dates]
    for header, name in ((table.true_from, TRUE_FROM), (table.true_to, TRUE_TO)):
        if header is not None and name in rows.columns and header not in cells:
            cells[header] = rows[name].dt.strftime(form)
    if table.attested_on is not None:
        cells[table.attested_on] = pl.repeat(attested_on.strftime(form), rows.height, eager=True)
    if table.status is not None:
        words = {WITHDRAWN: table.status.withdrawn}
        said = rows[STATUS].cast(pl.String) if STATUS in rows.columns else pl.repeat("", rows.height, eager=True)
        cells[table.status.header] = said.replace_strict(words, default=table.status.stated, return_dtype=pl.String)
    empty = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
    return pl.DataFrame({header: cells.get(header, empty) for header in table.headers})


def written_cells(values: pl.Series, column: Column) -> pl.Series:
    """The values of a fact as the column writes them."""
    fact = column.fact
    match fact.type.kind:
        case "boolean":
            words: dict[bool, str] = {True: column.yes[0], False: column.no[0]}
            return values.replace_strict(words, return_dtype=pl.String)
        case "code":
            first = {code: word for word, code in reversed(list(column.codes.items()))}
            return values.cast(pl.String).replace_strict(first, return_dtype=pl.String)
        case "date":
            return values.dt.strftime(DATE_FORMS[column.dates])
        case "money":
            return _decimal(values, MONEY_DECIMALS if MONEY_UNITS[column.money or "fen"] else 0)
        case "number":
            return _decimal(values, fact.type.decimals)
        case "months":
            return _months(values)
        case "id":
            return values.replace(NONE, column.nobody)
    return values.cast(pl.String)


def _decimal(units: pl.Series, decimals: int) -> pl.Series:
    """Whole units of 10^-decimals as a decimal number, exactly."""
    if not decimals:
        return units.cast(pl.String)
    value = pl.col("units")
    digits = value.abs().cast(pl.String).str.zfill(decimals + 1)
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    text = sign + digits.str.head(-decimals) + pl.lit(".") + digits.str.tail(decimals)
    return pl.DataFrame({"units": units}).select(text).to_series()


def _months(values: pl.Series) -> pl.Series:
    """Sets of months as spans, each distinct set once."""
    keys = values.cast(pl.List(pl.String)).list.join(",")
    distinct = keys.drop_nulls().unique().to_list()
    return keys.replace_strict(distinct, [_spans(key) for key in distinct], return_dtype=pl.String)


def _spans(key: str) -> str:
    months = [int(month) for month in key.split(",") if month]
    spans: list[tuple[int, int]] = []
    for month in months:
        if spans and spans[-1][1] == month - 1:
            spans[-1] = (spans[-1][0], month)
        else:
            spans.append((month, month))
    return ";".join(_month(a) if a == b else f"{_month(a)}..{_month(b)}" for a, b in spans) or ";"


def _month(number: int) -> str:
    return f"{number // _MONTHS_IN_YEAR:04}-{number % _MONTHS_IN_YEAR + 1:02}"


def write_delivery(table: Table, written: pl.DataFrame, path: Path) -> None:
    """Write cells to a file; its ending says in which of the contract's formats.

    A byte order mark, CRLF and the like are the department's own; nothing here adds them.
    """
    match path.suffix.lower():
        case ".csv" if table.encoding == "utf-8":
            written.write_csv(path)
        case ".csv":
            path.write_bytes(written.write_csv().encode(table.encoding))
        case ".parquet":
            written.write_parquet(path)
        case ".xlsx":
            write_workbook(path, [written.columns, *written.iter_rows()])
        case _:
            sent_at = dt.datetime.combine(table.date_in(path.name) or dt.date.min, dt.time(), dt.UTC)
            message = notification(table, written, f"{path.stem}-1", sent_at)
            path.write_text(json.dumps(message, ensure_ascii=False) + "\n", encoding="utf-8")


def notification(table: Table, written: pl.DataFrame, message_id: str, sent_at: dt.datetime) -> dict[str, object]:
    """One DCI-shaped notification that carries the rows; cells that say nothing are left out."""
    records = [{name: cell for name, cell in row.items() if cell is not None} for row in written.iter_rows(named=True)]
    event = {
        "reference_id": message_id,
        "timestamp": sent_at.isoformat(),
        "data": {"version": VERSION, "reg_type": table.register.id, "reg_event_type": table.name,
                 "reg_records": records},
    }  # fmt: skip
    return {
        "header": {
            "version": VERSION,
            "message_id": message_id,
            "message_ts": sent_at.isoformat(),
            "action": "notify",
            "sender_id": table.register.id,
            "total_count": len(records),
            "is_msg_encrypted": False,
        },
        "message": {"transaction_id": message_id, "notify_event": [event]},
    }
