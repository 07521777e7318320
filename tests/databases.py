"""Real databases that are there at once: each server is a copy of one that was made and migrated once.

A database that a test has used is emptied of its rows and keeps its tables; where a test has changed the schema too,
it is migrated anew.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from serving.store.database import Session, connect
from serving.store.migrate import migrate
from serving.store.server import EmbeddedServer


def a_database() -> Iterator[EmbeddedServer]:
    """A real server of its own over a new folder; its database is migrated and without rows."""
    yield from _served(migrated())


def an_unmigrated_database() -> Iterator[EmbeddedServer]:
    """A real server that has nothing in common with any other one, and nothing in its database."""
    yield from _served(None)


def _served(copied: Path | None) -> Iterator[EmbeddedServer]:
    # Not below pytest's folder: other runs of pytest close that to the user as whom PostgreSQL runs.
    with tempfile.TemporaryDirectory(prefix="applyfree-") as folder:
        data = Path(folder) / "postgres"
        if copied is not None:
            copy_folder(copied, data)
        with EmbeddedServer(data) as server:
            yield server


def copy_folder(folder: Path, to: Path) -> None:
    """A copy of a folder with a database in which nothing runs: its files keep their owners, as shutil's do not."""
    subprocess.run(["cp", "-a", str(folder), str(to)], check=True)


@functools.cache
def migrated() -> Path:
    """The folder of a server that was migrated and stopped: made once for each process of tests, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="applyfree-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with EmbeddedServer(folder / "postgres") as server, connect(server.url) as session:
        renew(session)
    return folder / "postgres"


def renew(session: Session) -> None:
    """The database as if nothing had ever been done in it."""
    row = session.execute("SELECT to_regclass('renewal.change') IS NOT NULL").fetchone()
    if row == (True,) and session.execute("SELECT count(*) FROM renewal.change").fetchone() == (0,):
        session.execute("SELECT renewal.empty()")
        return
    for schema in ("renewal", "public"):
        session.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    session.execute("CREATE SCHEMA public")
    migrate(session)
    session.execute(_PREPARE)


_PREPARE = """
CREATE SCHEMA renewal;
CREATE TABLE renewal.change (at timestamptz NOT NULL DEFAULT now());
CREATE TABLE renewal.kept (name regclass PRIMARY KEY, columns text NOT NULL);
CREATE TABLE renewal.number AS
    SELECT format('%I.%I', schemaname, sequencename)::regclass AS name, start_value, last_value
    FROM pg_sequences WHERE schemaname = 'public';

-- What the migrations have filled in.
DO $$ DECLARE one record; found boolean; BEGIN
    FOR one IN SELECT c.oid::regclass AS name, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
               FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
               WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                 AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
               GROUP BY c.oid LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one.name) INTO found;
        IF found THEN
            INSERT INTO renewal.kept VALUES (one.name, one.columns);
            EXECUTE format('CREATE TABLE renewal.%I AS TABLE %s', 'rows_of_' || one.name::text, one.name);
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION renewal.empty() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
DECLARE one record; found boolean;
BEGIN
    FOR one IN SELECT oid::regclass AS name FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one.name) INTO found;
        IF found THEN EXECUTE format('DELETE FROM %s', one.name); END IF;
    END LOOP;
    FOR one IN SELECT * FROM renewal.kept LOOP
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM renewal.%I',
                       one.name, one.columns, one.columns, 'rows_of_' || one.name::text);
    END LOOP;
    PERFORM setval(name, coalesce(last_value, start_value), last_value IS NOT NULL) FROM renewal.number;
END $$;

-- A test that changes the schema is noticed, whoever it is; what it takes back was none.
CREATE FUNCTION renewal.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO renewal.change DEFAULT VALUES;
END $$;
CREATE EVENT TRIGGER renewal_ended ON ddl_command_end EXECUTE FUNCTION renewal.note();
"""
