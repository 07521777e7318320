"""Options that several commands share, described once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from serving import clock
from serving.errors import ServingError


def read_day(text: str | None) -> dt.date:
    """The day that was asked for; today where none was.

    Raises:
        ServingError: the text is no day.
    """
    if text is None:
        return clock.today()
    try:
        if len(text) == len("2026-01-31"):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise ServingError(f"--on-date is `{text[:40]}`, which is not a day. Write it like 2026-01-31.")


def read_moment(text: str | None) -> dt.datetime:
    """The moment of knowledge that was asked for: the end of a day, or a moment (UTC where no zone is given).

    Raises:
        ServingError: the text is neither.
    """
    if text is None:
        return clock.now()
    try:
        if len(text) == len("2026-01-31"):
            return dt.datetime.combine(dt.date.fromisoformat(text), dt.time.max, tzinfo=dt.UTC)
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ServingError(f"--known-at is `{text[:40]}`. Write it like 2026-01-31 or 2026-01-31T08:00.") from None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)


CatalogueArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="CATALOGUE",
        help="A folder with catalogue.yaml, or a folder of such folders. Default: the shipped catalogues.",
        show_default=False,
    ),
]
VocabularyOption = Annotated[
    Path | None,
    typer.Option(
        "--vocabulary",
        metavar="DIR",
        help="Holds subjects.yaml, areas.yaml and dictionary/. Default: the shipped one.",
        show_default=False,
    ),
]
CatalogueOption = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        metavar="DIR",
        help="A catalogue, or a folder of catalogues: then the one that knows the columns. Default: the shipped ones.",
        show_default=False,
    ),
]
FactsOrHistoryOption = Annotated[
    Path | None,
    typer.Option(
        "--facts",
        metavar="DIR",
        help="Files of facts (person.csv or .parquet, …). Default: what was ingested, the history.",
        show_default=False,
    ),
]
KnownAtOption = Annotated[
    str | None,
    typer.Option(
        "--known-at",
        metavar="DAY",
        help="As known at the end of this day (UTC), or at a moment like 2026-03-01T08:00. Default: now.",
        show_default=False,
    ),
]
FactsOption = Annotated[
    Path,
    typer.Option("--facts", metavar="DIR", help="Holds person.csv or person.parquet, household.…, enterprise.…"),
]
QuarantineOption = Annotated[
    Path | None,
    typer.Option(
        "--quarantine",
        metavar="FILE",
        help="List rows with mistakes in this CSV file and go on with the others.",
        show_default=False,
    ),
]
DayOption = Annotated[
    str | None, typer.Option("--on-date", metavar="DAY", help="Like 2026-03-01. Default: today.", show_default=False)
]
