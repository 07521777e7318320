"""Taking a delivery in: rows for the history, rows set aside, and a report; or a refusal that changes nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from features.documents import nearest_advice
from features.errors import FactProblem
from features.facts.encoding import ID
from features.facts.rowproblems import ROW as PROBLEM_ROW
from features.facts.vocabulary import Vocabulary
from features.history.records import Batch
from features.registers.contracts import DATE_MARK, ENDINGS, Table
from features.registers.csv_deliveries import read_csv
from features.registers.dci_messages import read_messages
from features.registers.deliveries import Delivery, refuse_no_header
from features.registers.errors import MOST_SHOWN, LoadRefusedError, UnreadableDeliveryError
from features.registers.forbidden import why_forbidden
from features.registers.parquet_deliveries import read_parquet
from features.registers.relations import read_relation
from features.registers.reports import LoadReport, count_reasons
from features.registers.rows import ReadRows, read_rows
from features.registers.workbooks import read_workbook
from features.senders import NOBODY_SIGNS, Senders

_EARLY = dt.timedelta(days=1)
"""A department's day may have begun before ours: moments are kept in UTC."""


@dataclass(frozen=True, slots=True)
class Intake:
    """A delivery that can be taken: what goes to the history, what was set aside, and what to tell people.

    `quarantine` holds file, row, column and reason of every mistake, never a value.
    """

    batch: Batch
    rows: pl.DataFrame
    quarantine: pl.DataFrame
    report: LoadReport


def take_in(
    table: Table,
    path: Path,
    learned_at: dt.datetime,
    vocabulary: Vocabulary,
    attested_on: dt.date | None = None,
    senders: Senders = NOBODY_SIGNS,
) -> Intake:
    """Take in a file.

    Args:
        table: its contract.
        path: the file; its ending tells its format.
        learned_at: the moment, with its time zone.
        vocabulary: what areas there are.
        attested_on: the day it speaks for, where neither its name nor a column says so.
        senders: whose messages must be signed.

    Raises:
        LoadRefusedError: it cannot be read, has other columns than agreed, or too many rows with mistakes.
    """
    try:
        delivery = _read_file(table, path, senders)
        day = attested_on or _day_in_name(table, path.name)
        return _take(table, delivery, learned_at, vocabulary, day)
    except UnreadableDeliveryError as error:
        raise _refusal(table, path.name, error) from error
    except OSError as error:
        reason = UnreadableDeliveryError(f"The file cannot be read ({error.strerror}).")
        raise _refusal(table, path.name, reason) from error


def take_in_relation(
    table: Table,
    connection_url: str,
    learned_at: dt.datetime,
    vocabulary: Vocabulary,
    attested_on: dt.date | None = None,
) -> Intake:
    """Take in a PostgreSQL table. See :func:`take_in`."""
    try:
        return _take(table, read_relation(connection_url, table), learned_at, vocabulary, attested_on)
    except UnreadableDeliveryError as error:
        raise _refusal(table, table.relation or table.name, error) from error


def _refusal(table: Table, source: str, error: UnreadableDeliveryError) -> LoadRefusedError:
    problem = FactProblem(source, error.row, error.column, error.reason)
    return LoadRefusedError(table, source, [problem], 1, "Ask the department to deliver it again.")


def _read_file(table: Table, path: Path, senders: Senders) -> Delivery:
    form = next((form for form in table.formats if ENDINGS[form] == path.suffix.lower() != ""), None)
    if form is None:
        agreed = ", ".join(ENDINGS[form] or "a PostgreSQL table" for form in table.formats)
        raise UnreadableDeliveryError(f"The file ends with `{path.suffix}`; agreed are {agreed}.")
    if form == "csv":
        return read_csv(path, table)
    if form == "xlsx":
        return read_workbook(path, table)
    return read_parquet(path) if form == "parquet" else read_messages(path, senders)


def _day_in_name(table: Table, name: str) -> dt.date | None:
    if table.attested_on is not None or DATE_MARK not in table.files:
        return None
    day = table.date_in(name)
    if day is None:
        raise UnreadableDeliveryError(f"The name does not say for which day it speaks: agreed is `{table.files}`.")
    return day


def _take(
    table: Table, delivery: Delivery, learned_at: dt.datetime, vocabulary: Vocabulary, day: dt.date | None
) -> Intake:
    _refuse_other_columns(table, delivery)
    moment = learned_at.astimezone(dt.UTC)
    read = read_rows(table, delivery, vocabulary, day or moment.date(), fixed=day is not None)
    if read.attested_on > moment.date() + _EARLY:
        raise UnreadableDeliveryError(
            f"It speaks for {read.attested_on}, a day that has not come.", None, table.attested_on
        )
    if table.full and not read.count:
        raise UnreadableDeliveryError("It lists nobody, though each delivery of this table lists everybody.")
    quarantine = read.problems.table
    set_aside = quarantine[PROBLEM_ROW].n_unique()
    if not table.allows(set_aside, read.count):
        raise _too_many(table, delivery, quarantine, set_aside, read.count)
    batch = Batch(table.id, delivery.content_hash, delivery.source, moment, read.attested_on)
    return Intake(batch, read.rows, quarantine, _report(table, delivery, batch, read, quarantine, set_aside))


def _refuse_other_columns(table: Table, delivery: Delivery) -> None:
    """Refuse columns that were not agreed, and the lack of those that were."""
    row = None if delivery.form in ("parquet", "postgres", "dci_json") else 1
    held = delivery.cells.columns
    needed = table.headers if delivery.form != "dci_json" else (table.key,) if held else ()
    missing = [header for header in needed if header not in held]
    if held:
        refuse_no_header(held, table, row)
    problems = []
    for name in held:
        if name in table.headers or name in table.ignored:
            continue
        reason = why_forbidden(name)
        told = f"This is a forbidden input: {reason}. No delivery may carry it."
        if reason is None:
            told = (
                f"The contract knows no such column. {nearest_advice(name, missing or table.headers, 'Agreed are: ')}"
            )
        problems.append(FactProblem(delivery.source, row, name[:60] or None, told))
    problems += [FactProblem(delivery.source, row, name, "The column is missing.") for name in missing]
    if problems:
        advice = "Ask the department to deliver it as agreed, or agree on another contract."
        raise LoadRefusedError(table, delivery.source, problems[:MOST_SHOWN], len(problems), advice)


def _too_many(
    table: Table, delivery: Delivery, quarantine: pl.DataFrame, set_aside: int, count: int
) -> LoadRefusedError:
    reasons = count_reasons(quarantine)
    problems = [
        FactProblem(delivery.source, each.first_row, each.column, f"{each.reason} ({each.rows:,} rows)")
        for each in reasons
    ]
    share = Decimal(set_aside) / count
    advice = (
        f"{set_aside:,} of {count:,} rows have mistakes ({share:.2%}; the contract allows {table.limit:.2%}, "
        f"or {table.limit_rows:,} rows that are not more than half). "
        "Ask the department to correct them."
    )
    refusal = LoadRefusedError(table, delivery.source, problems[:MOST_SHOWN], len(problems), advice)
    refusal.quarantine = quarantine
    return refusal


def refuse_cut_off(table: Table, intake: Intake, listed_before: int | None) -> None:
    """Refuse a list of everybody that leaves out far more than the last one: whom it leaves out it would close.

    Args:
        table: its contract.
        intake: the delivery.
        listed_before: how many subjects the last list before it named; None: there was none.

    Raises:
        LoadRefusedError: it looks cut off.
    """
    listed = intake.rows.get_column(ID).n_unique()
    if listed_before is None or not table.is_cut_off(listed, listed_before):
        return
    source = intake.batch.source
    reason = (
        f"It lists {listed:,} subjects, the list before it {listed_before:,}: {listed / listed_before:.1%}, and the "
        f"contract expects {table.least_share:.0%} at least. Everybody whom it leaves out would no longer be held."
    )
    advice = (
        "Ask the department whether the delivery is complete. If so many have really left, load it again with "
        "--accept-short-lists."
    )
    raise LoadRefusedError(table, source, [FactProblem(source, None, None, reason)], 1, advice)


def _report(
    table: Table, delivery: Delivery, batch: Batch, read: ReadRows, quarantine: pl.DataFrame, set_aside: int
) -> LoadReport:
    return LoadReport(
        register=table.register.id,
        owner_zh=table.register.owner.zh,
        owner_en=table.register.owner.en,
        table=table.id,
        table_zh=table.names.zh,
        table_en=table.names.en,
        source=delivery.source,
        form=delivery.form,
        content_hash=batch.content_hash,
        attested_on=batch.attested_on,
        learned_at=batch.learned_at,
        read=read.count,
        stated=read.stated,
        withdrawn=read.withdrawn,
        repeated=read.repeated,
        set_aside=set_aside,
        nameless=read.nameless,
        tidied=read.tidied,
        unchecked_messages=delivery.unchecked_messages,
        limit=str(table.limit),
        columns=read.columns,
        reasons=count_reasons(quarantine),
    )
