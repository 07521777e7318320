"""Rows of `ruling`, interned like answers, and of `tiering`: which rulings each subject has."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl

from serving.delivery.tier import Ruling
from serving.store.answers import canonical_json
from serving.store.database import Session

Rulings = npt.NDArray[np.int32]
"""Ids of rulings, shape (subjects, benefits); 0: the benefit does not apply."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the tier step: over which sweep, under which terms, and whether everybody was ruled on.

    `subjects` is None until it is complete.
    """

    sweep: int
    terms: str
    is_full: bool
    subjects: int | None


def canonical(ruling: Ruling) -> bytes:
    """The one way to write a ruling."""
    return canonical_json({"tier": ruling.tier.value, "reasons": [given.content() for given in ruling.reasons]})


def intern(session: Session, rulings: Sequence[Ruling]) -> list[int]:
    """The ids of rulings; new ones are added, in order of the hash, so that two writers never wait in a circle."""
    own = [hashlib.sha256(canonical(ruling)).digest() for ruling in rulings]
    by_digest = dict(zip(own, rulings, strict=True))
    known = _ids(session, sorted(by_digest))
    lacking = [digest for digest in sorted(by_digest) if digest not in known]
    if lacking:
        rows = [
            {
                "digest": digest.hex(),
                "tier": by_digest[digest].tier.value,
                "reasons": [given.content() for given in by_digest[digest].reasons],
            }
            for digest in lacking
        ]
        session.execute(
            """
            INSERT INTO ruling (digest, tier, reasons)
            SELECT decode(digest, 'hex'), tier, reasons
            FROM jsonb_to_recordset(%s::jsonb) AS x(digest text, tier text, reasons jsonb)
            ORDER BY decode(digest, 'hex')
            ON CONFLICT (digest) DO NOTHING
            """,
            (json.dumps(rows, ensure_ascii=False),),
        )
        known |= _ids(session, lacking)
    return [known[digest] for digest in own]


def _ids(session: Session, digests: Sequence[bytes]) -> dict[bytes, int]:
    rows = session.execute("SELECT digest, id FROM ruling WHERE digest = ANY(%s)", (list(digests),))
    return {bytes(cast(bytes, digest)): cast(int, number) for digest, number in rows}


def write(session: Session, sweep: int, kind: str, ids: pl.Series, standing: int, rulings: Rulings) -> None:
    """Add the rows of some subjects of one kind, within the caller's transaction.

    Args:
        session: of the database.
        sweep: the sweep that the run is over.
        kind: the kind of subject.
        ids: whom; they have no row of this sweep yet.
        standing: the sweep that wrote the answers with which `rulings` are aligned.
        rulings: one row for each of `ids`.
    """
    if ids.is_empty():
        return
    cells = pl.DataFrame(rulings, schema=[str(i) for i in range(rulings.shape[1])])
    array = (
        cells.select(pl.concat_str(pl.all(), separator=",")).to_series() if cells.width else pl.Series([""] * len(ids))
    )
    rows = pl.DataFrame({"id": ids}).select(
        pl.lit(kind),
        "id",
        pl.lit(sweep).alias("sweep"),
        pl.lit(standing).alias("standing"),
        ("{" + array + "}").alias("r"),
    )
    with session.cursor().copy("COPY tiering (kind, id, sweep, standing, rulings) FROM STDIN (FORMAT csv)") as copy:
        copy.write(rows.write_csv(include_header=False, quote_style="always"))


def already(session: Session, sweep: int, kind: str, ids: pl.Series) -> pl.Series:
    """Those of some subjects that have a row of this sweep."""
    rows = session.execute(
        "SELECT id FROM tiering WHERE kind = %s AND sweep = %s AND id = ANY(%s)", (kind, sweep, ids.to_list())
    )
    return pl.Series("id", [row[0] for row in rows], dtype=pl.String)


def begin(session: Session, sweep: int, terms: str, now: dt.datetime, *, is_full: bool) -> Run:
    """Note that a run over a sweep begins; one that was begun goes on as it was."""
    session.execute(
        "INSERT INTO tiering_run (sweep, terms, is_full, started_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (sweep, terms, is_full, now),
    )
    return _runs(session, "sweep = %s", (sweep,))[0]


def last_before(session: Session, sweep: int) -> Run | None:
    """The last complete run over an earlier sweep."""
    found = _runs(session, "sweep < %s AND completed_at IS NOT NULL ORDER BY sweep DESC LIMIT 1", (sweep,))
    return found[0] if found else None


def complete(session: Session, sweep: int, now: dt.datetime) -> int:
    """The run over a sweep is complete; says how many subjects have a row of it."""
    row = session.execute(
        "UPDATE tiering_run SET completed_at = %s, subjects = (SELECT count(*) FROM tiering WHERE sweep = %s) "
        "WHERE sweep = %s AND completed_at IS NULL RETURNING subjects",
        (now, sweep, sweep),
    ).fetchone()
    assert row is not None, "a run is completed once, by whoever holds its lock"
    return cast(int, row[0])


def _runs(session: Session, where: str, values: Iterable[object]) -> list[Run]:
    rows = session.execute(
        f"SELECT sweep, terms, is_full, subjects FROM tiering_run WHERE {where}".encode(),  # nosec B608 # of constants
        tuple(values),
    )
    return [Run(cast(int, row[0]), str(row[1]), row[2] is True, cast(int | None, row[3])) for row in rows]
