"""`applyfree catalogue`: what there is, so that anyone can write files of facts and read answers."""

from __future__ import annotations

import csv
import enum
import io
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Annotated

import typer

from features.facts.dictionary import Fact, FactType
from features.facts.units import MINOR_UNITS
from features.facts.vocabulary import Vocabulary
from rules.catalogue import Catalogue
from serving import screen
from serving.catalogues import open_catalogues
from serving.commands.options import CatalogueOption, VocabularyOption
from serving.evaluation import BrokenCatalogueError

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="List what a catalogue holds.")


class Format(enum.Enum):
    """How a list is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="table for people; csv and json for programs.")]
FACT_COLUMNS = (
    "catalogue", "subject", "fact", "type", "unit", "codes", "minimum", "maximum", "zh", "en", "register", "owner_zh",
    "owner_en", "legal_basis", "maximum_age_months", "sensitivity", "ask_citizen",
)  # fmt: skip
FACT_TABLE = ("fact", "type", "unit or codes", "label", "legal basis", "good for", "class", "may be asked")
BENEFIT_COLUMNS = ("catalogue", "benefit", "subject", "area", "zh", "en", "unit", "per", "first_in_force", "confirmed")


def facts(
    catalogue: CatalogueOption = None, vocabulary: VocabularyOption = None, form: FormatOption = Format.TABLE
) -> None:
    """List every fact that files may hold, by whose it is and who keeps it.

    Each with its type, unit, legal basis, how old it may be, how sensitive it is, and whether one may ask the citizen.
    These are the columns of person.csv, household.csv, …: money in major units, dates like 2026-01-31, months like
    2024-01..2024-06;2024-09, codes as listed, an empty cell for what is not known.
    """
    rows: list[dict[str, object]] = []
    links: dict[str, None] = {}
    for each in open_catalogues(catalogue, vocabulary):
        words = _vocabulary(each)
        links |= dict.fromkeys(words.subjects.links)
        listed = sorted(
            words.dictionary.facts.values(),
            key=lambda fact: (words.subjects.kinds.index(fact.subject), fact.register, fact.id),
        )
        rows += [_fact_row(each, words, fact) for fact in listed]
    if form is not Format.TABLE:
        write(rows, FACT_COLUMNS, form)
        return
    for (subject, register), some in groupby(rows, lambda row: (row["subject"], row["register"])):
        held = list(some)
        title = f"{subject}, from {register}: {held[0]['owner_zh']} · {held[0]['owner_en']}"
        screen.table(title, FACT_TABLE, map(_fact_line, held), whole=(FACT_TABLE[0], *FACT_TABLE[5:]))
    screen.line("good for: how old a value may be. class: 1 public … 4 most sensitive. may be asked: of the citizen.")
    screen.line(f"Every file has the column `id`; the file `person` may have these links too: {', '.join(links)}.")


def benefits(
    catalogue: CatalogueOption = None, vocabulary: VocabularyOption = None, form: FormatOption = Format.TABLE
) -> None:
    """List every benefit: whose it is, where, in what unit it is paid, and whether any of it awaits confirmation."""
    rows = [row for each in open_catalogues(catalogue, vocabulary) for row in _benefit_rows(each)]
    if form is not Format.TABLE:
        write(rows, BENEFIT_COLUMNS, form)
        return
    shown = [[row[column] for column in BENEFIT_COLUMNS] for row in rows]
    screen.table("Benefits", BENEFIT_COLUMNS, shown, whole=BENEFIT_COLUMNS[1:2])


def _fact_row(catalogue: Catalogue, words: Vocabulary, fact: Fact) -> dict[str, object]:
    register = words.dictionary.registers[fact.register]
    values = (
        catalogue.folder.name, fact.subject, fact.id, fact.type.kind, _unit(fact.type), ";".join(fact.type.codes),
        _limit(fact.type, "minimum"), _limit(fact.type, "maximum"), fact.names.zh, fact.names.en, fact.register,
        register.owner.zh, register.owner.en, fact.legal_basis, fact.maximum_age_months or "never", fact.sensitivity,
        fact.ask_citizen,
    )  # fmt: skip
    return dict(zip(FACT_COLUMNS, values, strict=True))


def _fact_line(row: dict[str, object]) -> tuple[object, ...]:
    """A fact in the table for people."""
    age = row["maximum_age_months"]
    return (
        row["fact"], row["type"], row["unit"] or str(row["codes"]).replace(";", " | "), f"{row['zh']} · {row['en']}",
        row["legal_basis"], "any time" if age == "never" else f"{age} months", row["sensitivity"],
        "yes" if row["ask_citizen"] else "no",
    )  # fmt: skip


def _benefit_rows(catalogue: Catalogue) -> Iterable[dict[str, object]]:
    for source in catalogue.sources.values():
        benefit = source.benefit
        last = benefit.versions[-1]
        unit = "in_kind" if last.amount.value is None else ""
        if not unit and catalogue.rulebook and (compiled := catalogue.rulebook.benefits.get(benefit.id)):
            unit = str(compiled.amount_type or "")
        values = (
            catalogue.folder.name, benefit.id, benefit.subject, benefit.area, benefit.names.zh, benefit.names.en, unit,
            last.amount.per, min(version.start for version in benefit.versions), not benefit.needs_confirmation,
        )  # fmt: skip
        yield dict(zip(BENEFIT_COLUMNS, values, strict=True))


def _vocabulary(catalogue: Catalogue) -> Vocabulary:
    if catalogue.rulebook is None:
        raise BrokenCatalogueError(catalogue)
    return catalogue.rulebook.vocabulary


def _unit(kind: FactType) -> str:
    return kind.described if kind.kind != "code" else ""


def _limit(kind: FactType, which: str) -> str:
    limit = kind.minimum if which == "minimum" else kind.maximum
    return "" if limit is None else f"{limit / (MINOR_UNITS if kind.kind == 'money' else 1):f}"


def write(rows: Sequence[dict[str, object]], columns: Sequence[str], form: Format) -> None:
    """Rows for programs, as JSON or CSV."""
    if form is Format.JSON:
        screen.line(json.dumps(rows, ensure_ascii=False, indent=1, default=str))
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: str(v).lower() if isinstance(v, bool) else v for k, v in row.items()} for row in rows)
    screen.line(text.getvalue().rstrip("\n"))
