"""Keys are replaced while everybody works: in small transactions, each of which leaves a state that is right.

Where the job stands is seen from the keys and fields themselves, so that it goes on wherever it was interrupted, and
two that run at once share the work. Rows that somebody else holds are left for the next round; the job never waits for
them for long, and it, not they, gives way.

- The **key-encryption key**: put `field-kek.2` beside `field-kek.1` on every machine, restart the processes, rotate,
  and take `field-kek.1` away when :func:`versions_needed` no longer names it.
- **Data keys**: each owner gets a new one, their fields are encrypted anew, and the old keys are destroyed once nothing
  was encrypted with them any more for as long as the longest transaction may last.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    Interval,
    Row,
    String,
    bindparam,
    column,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.exc import DBAPIError

from serving.security.errors import FieldTamperedError, KeyMissingError
from serving.security.fields.cipher import KEYS_LOCK, FieldCipher, Place, hold_version
from serving.security.fields.keyring import Owner, WrappedKey
from serving.store.tables.keys import EncryptedColumn, data_key, key_rotation

GRACE: Final = dt.timedelta(hours=1)
"""A transaction that read a field may ask for its key so much later; the server ends idle ones after a minute."""

_BATCH: Final = 200
_PAUSE_SECONDS: Final = 0.05
# Under PostgreSQL's deadlock_timeout of one second: of us and somebody who works, we are the one who gives way.
_LOCK_MILLISECONDS: Final = 500
_GAVE_WAY: Final = frozenset({"55P03", "40P01", "40001"})

Step = Callable[[Connection], int]
"""Does a batch in the caller's transaction; how many it did."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did.

    Attributes:
        keys: that were wrapped anew, or replaced.
        fields: that were encrypted anew.
        destroyed: old data keys.
        kept: old data keys that are still needed: their grace has not passed, or append-only rows hold to them.
    """

    keys: int
    fields: int = 0
    destroyed: int = 0
    kept: int = 0


def rotate_kek(engine: Engine, cipher: FieldCipher) -> Rotated:
    """Wrap every data key by the newest key-encryption key at hand. Fields are not touched.

    Raises:
        KeyMissingError: a version that wraps a key is not at hand; what was done is kept.
    """
    newest = cipher.ring.newest
    with engine.begin() as connection:
        # Whoever makes a key by the old version has committed before this is had, so the batches see it.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": KEYS_LOCK})
        told = connection.execute(select(func.max(key_rotation.c.kek))).scalar() or 0
        if told < newest:
            _close(connection, "kek")
            connection.execute(insert(key_rotation).values(what="kek", kek=newest))
        elif told > newest:
            raise KeyMissingError(told)
    done = _repeat(engine, lambda connection: _rewrap(connection, cipher, newest), lambda c: _wrapped_before(c, newest))
    with engine.begin() as connection:
        _close(connection, "kek")
    return Rotated(done)


def versions_needed(connection: Connection) -> list[int]:
    """The versions of the key-encryption key that wrap a data key: none of them may be taken away."""
    found = connection.execute(
        select(data_key.c.kek).where(data_key.c.wrapped.is_not(None)).distinct().order_by(data_key.c.kek)
    )
    return [int(version) for (version,) in found]


def rotate_data_keys(
    engine: Engine, cipher: FieldCipher, columns: Sequence[EncryptedColumn], grace: dt.timedelta = GRACE
) -> Rotated:
    """Give every owner a new data key and encrypt their fields with it.

    Goes on with a rotation that was interrupted. Run it again after the grace to destroy what it kept.

    Args:
        engine: as somebody who may update the columns.
        cipher: of the fields.
        columns: all encrypted ones (:func:`serving.store.tables.keys.encrypted_columns`).
        grace: how long a retired key is kept at least.
    """
    with engine.begin() as connection:
        began = connection.execute(
            select(key_rotation.c.started_at).where(key_rotation.c.what == "data", key_rotation.c.finished_at.is_(None))
        ).scalar()
        if began is None:
            began = connection.execute(
                insert(key_rotation).values(what="data").returning(key_rotation.c.started_at)
            ).scalar_one()
    keys = _repeat(engine, lambda c: _replace(c, cipher, began), lambda c: _current_before(c, began))
    fields = 0
    for one in columns:
        if not one.fixed:
            fields += _repeat(engine, _reencrypt_of(cipher, one), lambda c, one=one: _fields_left(c, one))  # type: ignore[misc]
    with engine.begin() as connection:
        destroyed = _destroy(connection, grace)
        kept = connection.execute(select(func.count()).select_from(data_key).where(*_READ_ONLY)).scalar_one()
        _close(connection, "data")
    return Rotated(keys, fields, destroyed, kept)


_READ_ONLY: Final = (data_key.c.retired_at.is_not(None), data_key.c.wrapped.is_not(None))


def _repeat(engine: Engine, step: Step, left: Callable[[Connection], int]) -> int:
    """Batches, each in a transaction, until none is left; a batch that would have waited too long is tried again."""
    done = 0
    while True:
        try:
            with engine.begin() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
                some = step(connection)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _GAVE_WAY:
                raise
            some = 0
        done += some
        if not some:
            with engine.begin() as connection:
                if not left(connection):
                    return done
            time.sleep(_PAUSE_SECONDS)


def _close(connection: Connection, what: str) -> None:
    connection.execute(
        update(key_rotation)
        .where(key_rotation.c.what == what, key_rotation.c.finished_at.is_(None))
        .values(finished_at=func.now())
    )


def _rewrap(connection: Connection, cipher: FieldCipher, newest: int) -> int:
    rows = connection.execute(
        select(data_key.c.id, data_key.c.kind, data_key.c.subject, data_key.c.kek, data_key.c.wrapped)
        .where(data_key.c.wrapped.is_not(None), data_key.c.kek < newest)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    made = [
        cipher.ring.rewrap(WrappedKey(row.id, Owner(row.kind, row.subject), row.kek, row.wrapped), newest)
        for row in rows
    ]
    if made:
        connection.execute(
            update(data_key).where(data_key.c.id == bindparam("of")).values(kek=newest, wrapped=bindparam("anew")),
            [{"of": key.id, "anew": key.wrapped} for key in made],
        )
    return len(made)


def _wrapped_before(connection: Connection, newest: int) -> int:
    query = select(func.count()).select_from(data_key).where(data_key.c.wrapped.is_not(None), data_key.c.kek < newest)
    return connection.execute(query).scalar_one()


def _replace(connection: Connection, cipher: FieldCipher, began: dt.datetime) -> int:
    """Replace keys from before the rotation.

    Writers hold a lock on the key they use: a key that somebody is writing with is left for the next round, so that
    nothing is encrypted any more with a key that is retired.
    """
    hold_version(connection)
    chosen = (
        select(data_key.c.id, data_key.c.kind, data_key.c.subject)
        .where(data_key.c.retired_at.is_(None), data_key.c.made_at < began)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(chosen).all()
    ids = [row.id for row in rows]
    connection.execute(update(data_key).where(data_key.c.id.in_(ids)).values(retired_at=func.now()))
    for row in rows:
        cipher.replace_key(connection, Owner(row.kind, row.subject))
    return len(rows)


def _current_before(connection: Connection, began: dt.datetime) -> int:
    query = (
        select(func.count()).select_from(data_key).where(data_key.c.retired_at.is_(None), data_key.c.made_at < began)
    )
    return connection.execute(query).scalar_one()


def _reencrypt_of(cipher: FieldCipher, one: EncryptedColumn) -> Step:
    """One batch of fields of a column from their retired keys to the current ones."""

    def step(connection: Connection) -> int:
        rows = connection.execute(_to_do(one).limit(_BATCH).with_for_update(of=one.table, skip_locked=True)).all()
        return sum(_reencrypt(connection, cipher, one, row) for row in rows)

    return step


def _to_do(one: EncryptedColumn) -> Any:  # noqa: ANN401 a select of as many columns as the row has
    key = func.field_key(one.column)
    chosen = [part.label(f"row_{position}") for position, part in enumerate(one.row)]
    return (
        select(
            one.column.label("stored"),
            data_key.c.kind.label("of_kind"),
            data_key.c.subject.label("of_subject"),
            *chosen,
        )
        .join_from(one.table, data_key, data_key.c.id == key)
        .where(*_READ_ONLY)
    )


def _reencrypt(connection: Connection, cipher: FieldCipher, one: EncryptedColumn, row: Row[*tuple[Any, ...]]) -> bool:
    """Encrypt one field with its owner's current key; False: that key is not to be had now."""
    values = tuple(row._mapping[f"row_{position}"] for position in range(len(one.row)))
    place = Place.of(one.column, {part.name: value for part, value in zip(one.row, values, strict=True)})
    anew = cipher.encrypt_anew(connection, Owner(row.of_kind, row.of_subject), place, row.stored)
    if anew is None:
        return False
    matches = [part == value for part, value in zip(one.row, values, strict=True)]
    done = connection.execute(update(one.table).where(*matches, one.column == row.stored).values({one.column: anew}))
    if done.rowcount != 1:
        # The columns that say which row it is are not unique together, or something else writes under our lock.
        raise FieldTamperedError(one.table.name, one.column.name)
    return True


def _fields_left(connection: Connection, one: EncryptedColumn) -> int:
    return int(connection.execute(select(func.count()).select_from(_to_do(one).subquery())).scalar_one())


def _destroy(connection: Connection, grace: dt.timedelta) -> int:
    """Destroy retired keys that no field of the whole database names: declared as encrypted or not, fixed or not."""
    fields = [
        select(func.field_key(literal_column(name)).label("key")).select_from(text(table))
        for table, name in _all_binary(connection)
    ]
    named = union_all(*fields).subquery()
    done = connection.execute(
        update(data_key)
        .where(*_READ_ONLY, data_key.c.retired_at <= func.now() - literal(grace, Interval))
        .where(data_key.c.id.not_in(select(named.c.key).where(named.c.key.is_not(None))))
        .values(wrapped=None, kek=None, destroyed_at=func.now(), destroyed_because="rotated")
    )
    return done.rowcount


def _all_binary(connection: Connection) -> list[tuple[str, str]]:
    """Every column that could hold a field, quoted; there are always some, of tables that are not encrypted."""
    found = connection.execute(
        select(
            (func.quote_ident(column("table_schema", String)) + "." + func.quote_ident(column("table_name", String))),
            func.quote_ident(column("column_name", String)),
        )
        .select_from(text("information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"))
        .where(text("table_type = 'BASE TABLE' AND table_schema = ANY (current_schemas(false))"))
        .where(text("data_type = 'bytea' AND table_name <> 'data_key'"))
    )
    return [(str(table), str(name)) for table, name in found]
