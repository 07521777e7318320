"""`applyfree coverage`: where registers hold fewer people than live there, so that somebody goes and looks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from features.city.margins import load_margins
from features.coverage import READ, coverage, unplaced
from features.facts.areas import Areas
from features.facts.subjects import PERSON
from serving import clock, screen, settings
from serving.catalogues import CHINA
from serving.commands.catalogue import Format, FormatOption, write
from serving.commands.options import DayOption, read_day
from serving.errors import ServingError
from serving.loading import open_loader

COLUMNS = (
    "area", "name_zh", "name_en", "age_from", "age_to", "expected", "seen", "outdated", "share", "share_low",
    "share_high", "gap",
)  # fmt: skip
_FIGURES = ("expected", "seen", "outdated", "seen of expected")
_HEADINGS = ("area", "ages", *_FIGURES, "to visit")


def report(
    residents: Annotated[
        int | None,
        typer.Option(min=1, help="How many live there in all. Default: as many as the census counted."),
    ] = None,
    census: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Residents by area and age, like features/city/margins.yaml, the default.",
            show_default=False,
        ),
    ] = None,
    on_date: DayOption = None,
    form: FormatOption = Format.TABLE,
    jurisdiction: Annotated[str, typer.Option(help="Whose dictionary and contracts.")] = CHINA,
) -> None:  # fmt: skip
    """Compare the residents of a census with those whom registers place there, by area and age.

    Whoever is in no register is named by none; an area and age with clearly fewer people than expected is a gap, and a
    reason for somebody to go there. Counts only: nobody is listed.
    """
    day = read_day(on_date)
    loader = open_loader(settings.home(), jurisdiction)
    persons = loader.history.as_of(day, clock.now(), kinds=(PERSON,), facts=READ).get(PERSON)
    if persons is None or not set(READ) <= set(persons.columns):
        raise ServingError("No register has said anything of any person. Load records first with `applyfree ingest`.")
    table = coverage(persons, load_margins(census), loader.vocabulary.areas, day, residents)
    if form is not Format.TABLE:
        write(list(_rows(table, loader.vocabulary.areas)), COLUMNS, form)
        return
    _show(table, loader.vocabulary.areas, day, unplaced(persons))


def _rows(table: pl.DataFrame, areas: Areas) -> list[dict[str, object]]:
    rows = []
    for row in table.iter_rows(named=True):
        names = areas.by_code[row["area"]].names if row["area"] in areas else None
        shares = {name: round(row[name], 3) for name in ("share", "share_low", "share_high")}
        found = row | shares | {"expected": round(row["expected"]), "name_zh": "", "name_en": ""}
        if names is not None:
            found |= {"name_zh": names.zh, "name_en": names.en}
        rows.append({name: found[name] for name in COLUMNS})
    return rows


def _show(table: pl.DataFrame, areas: Areas, day: dt.date, nowhere: int) -> None:
    """Whole areas, and beneath each the ages that are gaps."""
    whole = table.group_by("area", maintain_order=True).agg(pl.col("expected", "seen", "outdated").sum())
    lines = []
    for area, expected, seen, outdated in whole.iter_rows():
        name = areas.by_code[area].names.zh if area in areas else ""
        lines.append((f"{area} {name}", "all", *_counts(expected, seen, outdated), _percent(seen / expected), ""))
        for row in table.filter(pl.col("gap") & (pl.col("area") == area)).iter_rows(named=True):
            ages = f"{row['age_from']}-{row['age_to']}"
            bounds = f"{_percent(row['share'])} ({_percent(row['share_low'])} to {_percent(row['share_high'])})"
            lines.append(("", ages, *_counts(row["expected"], row["seen"], row["outdated"]), bounds, "yes"))
    gaps = table["gap"].sum()
    screen.table(f"Residents expected and on record on {day}", _HEADINGS, lines, figures=_FIGURES)
    screen.line(
        f"{gaps} of {table.height} areas and ages hold clearly fewer people than live there (bounds: 95 %, all of them "
        f"at once). {nowhere:,} living persons on record have no known area or day of birth."
    )


def _counts(expected: float, seen: int, outdated: int) -> tuple[str, str, str]:
    return f"{expected:,.0f}", f"{seen:,}", f"{outdated:,}"


def _percent(share: float) -> str:
    return f"{share:.0%}"
