"""`applyfree explain`: the whole answer for one subject, from the history or from files of facts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from explain.audience import Audience
from explain.compose import Explainer, Looked
from explain.explanation import Explanation
from explain.page import page
from explain.render import render
from explain.shown import Line, Shown
from explain.wording import Language, messages
from features.facts.encoding import ID, Tables, population_of
from features.facts.neighbours import around
from features.facts.population import NONE
from features.facts.subjects import PERSON
from rules.determination import Outcome
from rules.kleene import Truth
from rules.reach import steps_of
from rules.rulebook import Rulebook
from serving import screen, settings
from serving.catalogues import open_catalogues
from serving.commands.options import (
    CatalogueOption,
    DayOption,
    FactsOrHistoryOption,
    KnownAtOption,
    QuarantineOption,
    VocabularyOption,
    read_day,
    read_moment,
)
from serving.errors import ServingError
from serving.evaluation import Question, UnknownBenefitError, pose, sound_rulebook
from serving.sweep.one_subject import explained as explained_subject
from serving.sweep.one_subject import is_known, link_of
from serving.sweep.sources import recorded_facts, swept_catalogue

_COLOURS = {Outcome.ELIGIBLE: "green", Outcome.INELIGIBLE: "red", Outcome.UNDETERMINED: "yellow"}
_MARKS = {Truth.TRUE: "[green]✓[/]", Truth.FALSE: "[red]✗[/]", Truth.UNKNOWN: "[yellow]?[/]"}


class UnknownSubjectError(ServingError):
    """Nobody of this id is known."""


def explain(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The id of a person, household, enterprise, …")],
    benefit: Annotated[str, typer.Argument(metavar="BENEFIT", help="The id of a benefit.")],
    facts: FactsOrHistoryOption = None,
    catalogue: CatalogueOption = None,
    on_date: DayOption = None,
    known_at: KnownAtOption = None,
    quarantine: QuarantineOption = None,
    lang: Annotated[Language, typer.Option(help="The language of the answer.")] = Language.ZH,
    vocabulary: VocabularyOption = None,
    audience: Annotated[Audience, typer.Option(help="Who reads it: each sees what it may.")] = Audience.CASEWORKER,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the answer into this file, as a page that needs nothing else, in place of showing it.",
            show_default=False,
        ),
    ] = None,
    elder: Annotated[bool, typer.Option("--elder", help="The page in large print (24 px and more).")] = False,
) -> None:
    """Explain one answer: each condition with its facts and its law, what is missing, what would alter it, what comes.

    From what was ingested, each fact comes with its registers, since when it is so and when we learned it; what is
    not known comes with the reason, and with what each register says. With --facts the facts of some files are taken.

    Shows the personal facts of the subject, because that is what was asked for. Of a person and a benefit for
    households (or another group) the answer for the person's household is shown.
    """
    if elder and html is None:
        raise ServingError("--elder is of a page: give --html FILE too.")
    if facts is None:
        if quarantine is not None or vocabulary is not None:
            raise ServingError("--quarantine and --vocabulary go with --facts.")
        explained, rulebook = _from_history(subject, benefit, catalogue, read_day(on_date), read_moment(known_at))
    else:
        if known_at is not None:
            raise ServingError("--known-at asks the history; files of facts have no moments. Leave out --facts.")
        question = pose(open_catalogues(catalogue, vocabulary), facts, read_day(on_date), [benefit], quarantine)
        explained, rulebook = _from_files(question, benefit, subject), question.rulebook
    reader = subject if explained.kind != PERSON and explained.id != subject else ""
    shown = render(explained, audience, lang, reader)
    say = messages(lang)
    if explained.id != subject:
        key = "for_kept_id" if explained.kind == PERSON else "for_group"
        group = say.of(rulebook.vocabulary.subjects.names[explained.kind])
        screen.line(say.say(key, id=subject, group=group, kept=explained.id))
    if html is None:
        _show(shown)
    else:
        _write_page(page(shown, elder=elder), html)


def _write_page(text: str, file: Path) -> None:
    """Write a page that only its owner may read: it holds what was asked of one person."""
    try:
        file.touch(mode=0o600)
        file.chmod(0o600)
        file.write_text(text, encoding="utf-8")
    except OSError as found:
        raise ServingError(
            f"{file} cannot be written: {found.strerror}. Give --html a file in a folder of yours."
        ) from found
    screen.line(f"Written to {file}.")


def _from_history(
    subject: str, benefit: str, folder: Path | None, on_date: dt.date, known_at: dt.datetime
) -> tuple[Explanation, Rulebook]:
    """The answer from what was ingested, as a sweep of that day and moment gives it."""
    catalogue = swept_catalogue(folder)
    rulebook = sound_rulebook(catalogue)
    if benefit not in rulebook.benefits:
        raise UnknownBenefitError(benefit, rulebook)
    history = recorded_facts(catalogue, settings.home()).open(rulebook.vocabulary)
    subject = history.identities(on_date, known_at).current(subject)
    kind = rulebook.benefits[benefit].benefit.subject
    groups = rulebook.vocabulary.subjects.groups
    if not is_known(history, kind, subject, on_date, known_at):
        group = link_of(history, subject, groups[kind].link, on_date, known_at) if kind in groups else None
        if group is None or not is_known(history, kind, group, on_date, known_at):
            raise UnknownSubjectError(
                f"No register has said anything of a {kind} with this id by {on_date}, as known at "
                f"{known_at:%Y-%m-%d %H:%M} UTC. `{benefit}` is a benefit of a {kind}. Load records with "
                "`applyfree ingest`, or correct the id."
            )
        subject = group
    return explained_subject(Explainer(catalogue, rulebook), history, benefit, subject, on_date, known_at), rulebook


def _from_files(question: Question, benefit: str, subject: str) -> Explanation:
    rulebook = question.rulebook
    kind, subject_id = _find(question, benefit, subject)

    def by_rules_of(day: dt.date) -> Looked:
        steps = steps_of(benefit, rulebook.in_force(day))
        near = around(question.facts.tables, rulebook.vocabulary, kind, subject_id, steps)
        return Looked(population_of(near, rulebook.vocabulary, question.facts.files))

    population = by_rules_of(question.on_date).population
    found = population.listed[kind][subject_id]
    explainer = Explainer(question.catalogue, rulebook)
    return explainer.explain(population, benefit, found, question.on_date, by_rules_of=by_rules_of)


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
            _line(line, 1 if section.title and line.met is None else 0)


def _line(line: Line, depth: int) -> None:
    if line.met is not None:
        screen.out.print(f"{_MARKS[line.met]} ", end="")
    screen.line("  " * depth + line.text)
    for under in line.details:
        _line(under, max(depth + 1, 2))


def _title(text: str) -> None:
    screen.line("")
    screen.out.print(text, style="bold", markup=False)
