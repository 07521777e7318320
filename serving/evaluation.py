"""Files of facts put to a catalogue: which catalogue, which benefits, which engine."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.documents import nearest_advice
from features.facts.encoding import ID, link_columns, population_of
from features.facts.files import OTHERWISE, Facts, columns_of, load_facts
from features.facts.vocabulary import Vocabulary
from rules.arithmetic import MOST_MEMBERS, MOST_MEMBERS_OTHERWISE
from rules.catalogue import Catalogue
from rules.evaluate.output import amount_decimals, batch_determinations, reference_determinations, schema
from rules.evaluate.spark import spark_determinations
from rules.evaluate.writing import DeterminationFile
from rules.rulebook import Rulebook
from serving.errors import ServingError
from serving.summary import Summary

FEW = 5


class Engine(enum.Enum):
    """Who answers. All give the same answers; they differ in how many subjects they are made for."""

    BATCH = "batch"
    REFERENCE = "reference"
    SPARK = "spark"


class BrokenCatalogueError(ServingError):
    """A catalogue has mistakes: what it would answer is not what was meant."""

    def __init__(self, catalogue: Catalogue) -> None:
        findings = sorted(set(catalogue.findings))
        shown = "\n".join(f"  {finding}" for finding in findings[:FEW])
        more = f"\n  … and {len(findings) - FEW:,} more." if len(findings) > FEW else ""
        super().__init__(
            f"{catalogue.folder}: this catalogue has mistakes, so nothing was evaluated.\n{shown}{more}\n"
            f"Correct them; `applyfree check {catalogue.folder}` lists them all."
        )


class CatalogueChoiceError(ServingError):
    """It is not clear which of several catalogues is meant."""


class UnknownBenefitError(ServingError):
    """A benefit was asked for that the catalogue does not have."""

    def __init__(self, benefit: str, rulebook: Rulebook) -> None:
        advice = nearest_advice(benefit, rulebook.benefits, "There are: ")
        super().__init__(f"There is no benefit `{benefit[:60]}` in this catalogue. {advice}")


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that an evaluation is about."""

    catalogue: Catalogue
    rulebook: Rulebook
    facts: Facts
    on_date: dt.date
    benefits: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many determinations there will be."""
        kinds = (self.rulebook.benefits[benefit].benefit.subject for benefit in self.benefits)
        return sum(self.facts.asked.get(kind, 0) for kind in kinds)


def pose(
    catalogues: Sequence[Catalogue],
    folder: Path,
    on_date: dt.date,
    benefits: Sequence[str] = (),
    quarantine: Path | None = None,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Question:
    """Choose the catalogue and load the facts.

    Args:
        catalogues: one catalogue; of several the one that knows the columns is taken.
        folder: the files of facts.
        on_date: the day of the question.
        benefits: only these; all by default.
        quarantine: where to list rows with mistakes instead of stopping at them.
        on_rows: is told how many rows more were read.

    Raises:
        FeaturesError, ServingError, DocumentError: something of it cannot be used.
    """
    chosen = choose_catalogue(catalogues, folder)
    rulebook = sound_rulebook(chosen)
    for benefit in benefits:
        if benefit not in rulebook.benefits:
            raise UnknownBenefitError(benefit, rulebook)
    most_members = {**MOST_MEMBERS, OTHERWISE: MOST_MEMBERS_OTHERWISE}
    facts = load_facts(folder, rulebook.vocabulary, most_members, quarantine, on_rows)
    return Question(chosen, rulebook, facts, on_date, tuple(dict.fromkeys(benefits)) or tuple(rulebook.benefits))


def answers(question: Question, engine: Engine) -> Iterator[pl.DataFrame]:
    """The determinations, some rows after the other (see `rules.evaluate.output`)."""
    rulebook, facts = question.rulebook, question.facts
    if engine is Engine.SPARK:
        return spark_determinations(question.catalogue, question.on_date, facts.tables, facts.asked, question.benefits)
    if engine is Engine.REFERENCE:
        population = population_of(facts.tables, rulebook.vocabulary, facts.files)
        return reference_determinations(rulebook, question.on_date, population, facts.asked, question.benefits)
    return batch_determinations(rulebook, question.on_date, facts.tables, facts.asked, question.benefits)


def write_answers(
    question: Question, engine: Engine, out: Path, on_rows: Callable[[int], None] = lambda _: None
) -> Summary:
    """Write every determination to a file, and count what they say.

    Args:
        question: what is asked.
        engine: who answers.
        out: ends with .parquet or .csv.
        on_rows: is told how many determinations more were made.
    """
    summary = Summary()
    columns = schema(amount_decimals(question.rulebook, question.on_date))
    with DeterminationFile(out, columns) as file:
        for rows in answers(question, engine):
            file.write(rows)
            summary.add(rows)
            on_rows(rows.height)
    return summary


def sound_rulebook(catalogue: Catalogue) -> Rulebook:
    """The rulebook of a catalogue without mistakes.

    Raises:
        BrokenCatalogueError: it has some.
    """
    if catalogue.rulebook is None or catalogue.findings:
        raise BrokenCatalogueError(catalogue)
    return catalogue.rulebook


def choose_catalogue(catalogues: Sequence[Catalogue], folder: Path) -> Catalogue:
    """The catalogue whose dictionary knows the columns of the files.

    Raises:
        CatalogueChoiceError: several know them equally well.
    """
    if len(catalogues) == 1:
        return catalogues[0]
    columns = columns_of(folder)
    strange: dict[str, int] = {}
    by_name = {str(catalogue.folder): catalogue for catalogue in catalogues}
    for name, catalogue in by_name.items():
        if catalogue.rulebook is None:
            raise BrokenCatalogueError(catalogue)
        strange[name] = _strange_columns(columns, catalogue.rulebook.vocabulary)
    least = [name for name, count in strange.items() if count == min(strange.values())]
    if len(least) > 1:
        raise CatalogueChoiceError(
            f"The columns of the files in {folder} fit {len(least)} catalogues equally well: {', '.join(least)}. "
            f"Name the one you mean, like `--catalogue {least[0]}`."
        )
    return by_name[least[0]]


def _strange_columns(columns: dict[str, tuple[str, ...]], vocabulary: Vocabulary) -> int:
    """How many columns a dictionary does not know; those of an unknown kind of subject count in full."""
    strange = 0
    for kind, names in columns.items():
        if kind not in vocabulary.subjects.kinds:
            strange += len(names)
            continue
        known = {ID, *link_columns(vocabulary, kind), *(fact.id for fact in vocabulary.dictionary.of_subject(kind))}
        strange += len(set(names) - known)
    return strange
