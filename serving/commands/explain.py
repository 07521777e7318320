"""`applyfree explain`: the whole answer for one subject, from files of facts."""

from __future__ import annotations

from typing import Annotated

import polars as pl
import typer

from explain.answer import explain_answer
from explain.audience import Audience
from explain.shown import Shown
from explain.wording import Language, messages
from features.facts.encoding import ID, Tables, population_of
from features.facts.neighbours import around
from features.facts.population import NONE
from features.facts.subjects import PERSON
from rules.determination import Outcome
from rules.kleene import Truth
from rules.reach import steps_of
from serving import screen
from serving.catalogues import open_catalogues
from serving.commands.options import (
    CatalogueOption,
    DayOption,
    FactsOption,
    QuarantineOption,
    VocabularyOption,
    read_day,
)
from serving.errors import ServingError
from serving.evaluation import Question, pose

_COLOURS = {Outcome.ELIGIBLE: "green", Outcome.INELIGIBLE: "red", Outcome.UNDETERMINED: "yellow"}
_MARKS = {Truth.TRUE: "[green]✓[/]", Truth.FALSE: "[red]✗[/]", Truth.UNKNOWN: "[yellow]?[/]"}


class UnknownSubjectError(ServingError):
    """Nobody of this id is in the files."""


def explain(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The id of a person, household, enterprise, …")],
    benefit: Annotated[str, typer.Argument(metavar="BENEFIT", help="The id of a benefit.")],
    facts: FactsOption,
    catalogue: CatalogueOption = None,
    on_date: DayOption = None,
    quarantine: QuarantineOption = None,
    lang: Annotated[Language, typer.Option(help="The language of the answer.")] = Language.ZH,
    vocabulary: VocabularyOption = None,
    audience: Annotated[Audience, typer.Option(help="Who reads it: each sees what it may.")] = Audience.CASEWORKER,
) -> None:
    """Explain one answer: each condition with its facts and its law, what is missing, what would alter it.

    Shows the personal facts of the subject, because that is what was asked for. Of a person and a benefit for
    households (or another group) the answer for the person's household is shown.
    """
    question = pose(open_catalogues(catalogue, vocabulary), facts, read_day(on_date), [benefit], quarantine)
    rulebook = question.rulebook
    kind, subject_id = _find(question, benefit, subject)
    say = messages(lang)
    if subject_id != subject:
        screen.line(say.say("for_group", id=subject, group=say.of(rulebook.vocabulary.subjects.names[kind])))
    steps = steps_of(benefit, rulebook.in_force(question.on_date))
    near = around(question.facts.tables, rulebook.vocabulary, kind, subject_id, steps)
    population = population_of(near, rulebook.vocabulary, question.facts.files)
    found = population.listed[kind][subject_id]
    reader = subject if kind != PERSON and subject != subject_id else ""
    shown = explain_answer(
        question.catalogue, rulebook, population, benefit, found, question.on_date, lang, audience, reader
    )
    _show(shown)


def _find(question: Question, benefit: str, subject: str) -> tuple[str, str]:
    """The subject of the benefit's kind that is meant."""
    kind = question.rulebook.benefits[benefit].benefit.subject
    tables = question.facts.tables
    answered = {name: table.head(question.facts.asked[name]) for name, table in tables.items()}
    if _has(answered, kind, subject):
        return kind, subject
    groups = question.rulebook.vocabulary.subjects.groups
    if kind in groups and _has(answered, PERSON, subject) and groups[kind].link in tables[PERSON].columns:
        link = tables[PERSON].row(by_predicate=pl.col(ID) == subject, named=True)[groups[kind].link]
        if link not in (None, NONE) and _has(answered, kind, link):
            return kind, link
    if kind in tables and bool((tables[kind][ID] == subject).any()):
        raise UnknownSubjectError(f"This {kind} was set aside: its row has a mistake, which the quarantine file names.")
    raise UnknownSubjectError(
        f"There is no {kind} with this id in {question.facts.folder}. `{benefit}` is a benefit of a {kind}: "
        f"give an id of the file `{kind}`."
    )


def _has(tables: Tables, kind: str, subject: str) -> bool:
    return kind in tables and bool((tables[kind][ID] == subject).any())


def _show(shown: Shown) -> None:
    screen.line(shown.heading)
    screen.out.print(f"[bold {_COLOURS[shown.outcome]}]{shown.outcome_text}[/]", highlight=False)
    for section in shown.sections:
        if section.title:
            _title(section.title)
        for line in section.lines:
            if line.met is not None:
                screen.out.print(f"{_MARKS[line.met]} ", end="")
            indent = "  " if section.title and line.met is None else ""
            screen.line(f"{indent}{line.text}")
            for text in line.details:
                screen.line(f"    {text}")


def _title(text: str) -> None:
    screen.line("")
    screen.out.print(text, style="bold", markup=False)
