"""Folders of fact files: one file per kind of subject, checked column by column, to tables that rules are asked about.

A row with a mistake is no answer's ground. Either the load stops and every mistake is listed, or (with a quarantine
file) the row is set aside and the others go on. A row that is set aside still says that somebody exists: the subject
stays in its household as a person of whom nothing is known, so that an answer for the household is undetermined where
it depends on that person, never computed as if nobody were there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.documents import nearest_advice
from features.errors import FactFilesError, FactProblem
from features.facts.encoding import ID, Tables, link_columns
from features.facts.filetables import ROW, read_table
from features.facts.population import NONE
from features.facts.rawfiles import RawFile, UnreadableFileError, open_file
from features.facts.rowproblems import SCHEMA, RowProblems
from features.facts.subjects import PERSON
from features.facts.vocabulary import Vocabulary

SUFFIXES = (".parquet", ".csv")
MOST_SHOWN = 50
OTHERWISE = "otherwise"
ANSWER_COLUMNS = {"subject", "id", "benefit", "outcome", "missing"}
_CORRECT = (
    "Correct the files (an empty cell says that a value is not known), or set the rows aside with --quarantine FILE "
    "and go on with the others."
)
_CORRECT_COLUMNS = "Correct the columns: they are the same mistake in every row, so no row can be used."


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a folder.

    `tables` hold one row per subject, by kind. Only the first `asked[kind]` rows are subjects to answer for; those
    after them were set aside. `files` names the file of each kind, `problems` counts the lines of the quarantine file.
    """

    folder: Path
    tables: Tables
    asked: dict[str, int]
    files: dict[str, str]
    problems: int

    @property
    def set_aside(self) -> int:
        """How many subjects were set aside."""
        return sum(table.height - self.asked[kind] for kind, table in self.tables.items())


def load_facts(
    folder: Path,
    vocabulary: Vocabulary,
    most_members: Mapping[str, int],
    quarantine: Path | None = None,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Facts:
    """Read the files of a folder: `person`, `household`, … with `.csv` or `.parquet`.

    Args:
        folder: holds one file per kind of subject; not every kind needs one.
        vocabulary: which columns there are.
        most_members: the largest number of persons of one group, by kind of group, and `otherwise` of any relation.
        quarantine: where to list the rows with mistakes, so that the others can be used; None stops at mistakes.
        on_rows: is told how many rows more were read.

    Raises:
        FactFilesError: a file or column is wrong, or a row is and there is no quarantine.
    """
    raws = _open_all(folder, vocabulary, quarantine)
    problems = RowProblems(MOST_SHOWN if quarantine is None else None)
    read: Tables = {}
    unreadable: list[FactProblem] = []
    for kind, raw in raws.items():
        try:
            read[kind] = read_table(raw, kind, vocabulary, problems, on_rows)
        except UnreadableFileError as error:
            unreadable.append(FactProblem(raw.path.name, error.row, None, str(error)))
    if unreadable:
        raise FactFilesError(unreadable, len(unreadable), "Write these files again.")
    for kind, table in read.items():
        _check_ids(table, raws[kind].path.name, problems)
    if PERSON in read:
        read[PERSON] = _check_sizes(read[PERSON], raws[PERSON].path.name, vocabulary, most_members, problems)
    if problems.total and quarantine is None:
        raise FactFilesError(problems.listed(MOST_SHOWN), problems.total, _CORRECT)
    if quarantine is not None:
        problems.write(quarantine)
    tables: Tables = {}
    asked: dict[str, int] = {}
    for kind, table in read.items():
        tables[kind], asked[kind] = _set_aside(table, kind, raws[kind].path.name, vocabulary, problems)
    return Facts(folder, tables, asked, {kind: raw.path.name for kind, raw in raws.items()}, problems.total)


# -- which files -------------------------------------------------------------------------------------------------


def columns_of(folder: Path) -> dict[str, tuple[str, ...]]:
    """The columns of each readable file of a folder, by the file's name without its ending."""
    found: dict[str, tuple[str, ...]] = {}
    for path in _candidates(folder, None):
        try:
            found[path.stem] = open_file(path).columns
        except UnreadableFileError:
            continue
    return found


def _open_all(folder: Path, vocabulary: Vocabulary, quarantine: Path | None) -> dict[str, RawFile]:
    """The files by kind of subject, in the order of the kinds, with their columns checked."""
    kinds = vocabulary.subjects.kinds
    problems: list[FactProblem] = []
    found: dict[str, RawFile] = {}
    for path in _candidates(folder, quarantine):
        if path.stem not in kinds and _is_ours(path):
            continue
        if path.stem not in kinds:
            advice = nearest_advice(path.stem, kinds, "Kinds are: ")
            reason = f"There is no kind of subject `{path.stem}`. {advice} Rename the file, or move it elsewhere."
            problems.append(FactProblem(path.name, None, None, reason))
            continue
        if path.stem in found:
            reason = f"There is also {found[path.stem].path.name}. Remove one of them."
            problems.append(FactProblem(path.name, None, None, reason))
            continue
        try:
            found[path.stem] = open_file(path)
        except UnreadableFileError as error:
            problems.append(FactProblem(path.name, error.row, None, str(error)))
            continue
        problems += _wrong_columns(found[path.stem], path.stem, vocabulary)
    if problems:
        raise FactFilesError(problems[:MOST_SHOWN], len(problems), _CORRECT_COLUMNS)
    if not found:
        names = ", ".join(f"{kind}.csv" for kind in kinds)
        reason = f"There is no file of facts here. Files are called {names}, or end with .parquet."
        raise FactFilesError([FactProblem(str(folder), None, None, reason)], 1, "")
    return {kind: found[kind] for kind in kinds if kind in found}


def _candidates(folder: Path, quarantine: Path | None) -> list[Path]:
    if not folder.is_dir():
        reason = "This is no folder. Name a folder that holds person.csv or person.parquet."
        raise FactFilesError([FactProblem(str(folder), None, None, reason)], 1, "")
    away = None if quarantine is None else quarantine.absolute()
    files = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith((".", "_")))
    return sorted(p for p in files if p.absolute() != away)


def _is_ours(path: Path) -> bool:
    """Did an earlier run write it: a quarantine, or answers?"""
    try:
        columns = set(open_file(path).columns)
    except UnreadableFileError:
        return False
    return columns == set(SCHEMA) or columns >= ANSWER_COLUMNS


def _wrong_columns(raw: RawFile, kind: str, vocabulary: Vocabulary) -> list[FactProblem]:
    header = 1 if raw.path.suffix.lower() == ".csv" else None
    links = link_columns(vocabulary, kind)
    known = {ID, *links, *(fact.id for fact in vocabulary.dictionary.of_subject(kind))}
    if not known & set(raw.columns):
        reason = f"No column has a name that is known. The first row names the columns: `{ID}` and facts of a {kind}."
        return [FactProblem(raw.path.name, header, None, reason)]
    problems = [
        FactProblem(raw.path.name, header, name[:60], _unknown_column(name, kind, known, vocabulary))
        for name in raw.columns
        if name not in known
    ]
    if ID not in raw.columns:
        problems.append(FactProblem(raw.path.name, header, ID, f"The column is missing. It names each {kind}."))
    return problems


def _unknown_column(name: str, kind: str, known: set[str], vocabulary: Vocabulary) -> str:
    fact = vocabulary.dictionary.facts.get(name)
    owner = fact.subject if fact is not None else PERSON if name in vocabulary.subjects.links else None
    if owner is not None:
        return f"This is a fact of a {owner}, not of a {kind}. Move it to the file `{owner}`."
    return f"There is no such fact of a {kind}. {nearest_advice(name, known, 'Facts are: ')}"


# -- rows that contradict each other -----------------------------------------------------------------------------


def _check_ids(table: pl.DataFrame, file: str, problems: RowProblems) -> None:
    missing = table.filter(pl.col(ID).is_null())
    if missing.height:
        problems.add(file, missing[ROW], ID, "The id is missing.")
    reserved = table.filter(pl.col(ID) == NONE)
    if reserved.height:
        problems.add(file, reserved[ROW], ID, f"`{NONE}` is the word for nobody and cannot be an id.")
    if table[ID].n_unique() == table.height:
        return
    twice = table.select(ROW, ID).filter(pl.col(ID).is_not_null() & pl.col(ID).is_duplicated())
    if twice.height:
        first, last = pl.col(ROW).min().over(ID), pl.col(ROW).max().over(ID)
        other = pl.when(pl.col(ROW) == first).then(last).otherwise(first)
        rows = twice.with_columns(other=other)
        reasons = rows.select(pl.format("The same id stands in row {}.", "other")).to_series()
        problems.add(file, rows[ROW], ID, reasons)


def _check_sizes(
    people: pl.DataFrame, file: str, vocabulary: Vocabulary, most_members: Mapping[str, int], problems: RowProblems
) -> pl.DataFrame:
    """Unlink the persons of groups and relations that are larger than rules reckon with."""
    subjects = vocabulary.subjects
    checks: list[tuple[tuple[str, ...], str]] = [((group.link,), group.name) for group in subjects.groups.values()]
    checks += [(relation.links, name) for name, relation in subjects.relations.items() if relation.inverse]
    for links, name in checks:
        most = most_members.get(name, most_members[OTHERWISE])
        held = [link for link in links if link in people.columns]
        if people.height <= most or not held:
            continue
        named = pl.concat([people[link].rename("named") for link in held]).to_frame()
        counts = named.filter(pl.col("named") != NONE).group_by("named").len().filter(pl.col("len") > most)
        for link in held if counts.height else []:
            inside = people[link].is_in(counts["named"].implode()).fill_null(value=False)
            reason = f"More than {most:,} persons name the same {name}; rules reckon with no more. Split it."
            problems.add(file, people.filter(inside)[ROW], link, reason)
            people = people.with_columns(pl.when(~inside).then(pl.col(link)).alias(link))
    return people


def _set_aside(
    table: pl.DataFrame, kind: str, file: str, vocabulary: Vocabulary, problems: RowProblems
) -> tuple[pl.DataFrame, int]:
    """The table with its bad rows behind the good ones, without their facts; and how many are good."""
    bad = problems.rows_of(file) if problems.total else pl.Series([], dtype=pl.UInt32)
    if bad.is_empty():
        return table.drop(ROW), table.height
    is_bad = pl.col(ROW).is_in(bad.implode())
    good = table.filter(~is_bad).drop(ROW)
    nameless = pl.col(ID).is_null() | (pl.col(ID) == NONE)
    links = [link for link in link_columns(vocabulary, kind) if link in table.columns]
    rest = (
        table.filter(is_bad)
        .with_columns(pl.when(nameless).then(pl.format("(row {} of {})", ROW, pl.lit(file))).otherwise(ID).alias(ID))
        .group_by(ID, maintain_order=True)
        .agg(pl.when(pl.col(link).n_unique() == 1).then(pl.col(link).first()).alias(link) for link in links)
    )
    return pl.concat([good, rest], how="diagonal"), good.height
