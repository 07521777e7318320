"""`applyfree facts`: everything held of one subject, with where it comes from, or why it is not known."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from explain.values import value_text
from explain.wording import Language, Messages, messages
from features.facts.dictionary import Fact
from features.facts.encoding import ID
from features.facts.subjects import PERSON
from features.facts.values import Gap, Holding, Known
from features.facts.vocabulary import Vocabulary
from features.history.history import History
from serving import screen, settings
from serving.catalogues import CHINA
from serving.commands.catalogue import Format, FormatOption, write
from serving.commands.options import DayOption, KnownAtOption, read_day, read_moment
from serving.errors import ServingError
from serving.loading import Loader, open_loader
from serving.portable import portable_record
from serving.sweep.identities import UnifiedHistory

COLUMNS = ("subject", "id", "fact", "label", "value", "gap", "source", "true_from", "stale_on", "owner")
_HEADINGS = ("fact", "label", "value", "source", "since", "good until", "not known because")
_CURRENCY = "CNY"
HOUSEHOLD = "household"


class UnknownSubjectError(ServingError):
    """Nothing was ever said of anybody of this id."""


def facts(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The id of a person, household, enterprise, …")],
    kind: Annotated[
        str | None, typer.Option("--kind", help="person, household, enterprise, …, where an id is of several.")
    ] = None,
    on_date: DayOption = None,
    known_at: KnownAtOption = None,
    members: Annotated[bool, typer.Option(help="Of a household: its members' facts as well.")] = True,
    lang: Annotated[Language, typer.Option(help="The language of labels and values.")] = Language.ZH,
    form: FormatOption = Format.TABLE,
    portable: Annotated[
        Path | None,
        typer.Option(
            "--portable",
            metavar="FILE.json",
            help="Write the facts with their provenance as a message for another office (new files only).",
            show_default=False,
        ),
    ] = None,
    jurisdiction: Annotated[str, typer.Option(help="Whose dictionary and contracts.")] = CHINA,
) -> None:
    """List every fact held of one subject: value, register, since when, until when it is good; or why it is not known.

    Of a household, its members' facts follow. Shows personal data, because that is what was asked for. The history is
    read, never the online store (`applyfree online read`), so that any day and any moment of knowledge can be asked.
    """
    day, moment = read_day(on_date), read_moment(known_at)
    loader = open_loader(settings.home(), jurisdiction)
    found_kind = _kind(loader.history, loader.vocabulary, subject, kind, moment)
    if portable is not None:
        _write_portable(loader, found_kind, subject, day, moment, portable)
        return
    asked = [(found_kind, subject)]
    if members and found_kind == HOUSEHOLD:
        asked += [(PERSON, member) for member in _members(loader.history, loader.vocabulary, subject, day, moment)]
    say = messages(lang)
    listed = {
        (of, one): list(
            _rows(of, one, loader.history.holdings(of, one, day, moment), loader.vocabulary, day, say, lang)
        )
        for of, one in asked
    }
    if form is not Format.TABLE:
        write([row for rows in listed.values() for row in rows], COLUMNS, form)
        return
    for (of, one), rows in listed.items():
        known = sum(not row["gap"] for row in rows)
        title = f"{of} {one} on {day}: {known} of {len(rows)} facts known"
        shown = ("fact", "label", "value", "source", "true_from", "stale_on", "gap")
        screen.table(title, _HEADINGS, ([row[name] for name in shown] for row in rows), whole=("fact", "since"))
    if found_kind == HOUSEHOLD and members and _is_doubtful(loader.history, subject, day, moment):
        screen.line("Registers disagree about who belongs to the household: there may be other members.")


def _members(history: History, vocabulary: Vocabulary, household: str, day: dt.date, moment: dt.datetime) -> list[str]:
    """The persons whom the registers give to a household on a day, by id."""
    link = vocabulary.subjects.groups[HOUSEHOLD].link
    people = history.as_of(day, moment, kinds=[PERSON], facts=[link]).get(PERSON)
    if people is None or link not in people.columns:
        return []
    return sorted(people.filter(pl.col(link) == household).get_column(ID))


def _is_doubtful(history: History, household: str, day: dt.date, moment: dt.datetime) -> bool:
    doubtful = history.doubtful(day, moment)
    return not doubtful.filter((pl.col("kind") == HOUSEHOLD) & (pl.col(ID) == household)).is_empty()


def _write_portable(loader: Loader, kind: str, subject: str, day: dt.date, moment: dt.datetime, file: Path) -> None:
    """The record that a person takes along, readable by its owner alone."""
    history = UnifiedHistory(loader.history)
    subject = history.identities(day, moment).current(subject)
    names = {name for view in loader.history.views.values() if view.kind == kind for name in view.facts}
    record = portable_record(
        kind,
        subject,
        history.statements(kind, subject, day, moment, names),
        history.gaps(kind, subject, day, moment, names),
        loader.vocabulary,
        day,
        moment,
        f"applyfree:{loader.vocabulary.jurisdiction}",
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (whole,) = record["message"]["search_response"][0]["data"]["reg_records"]
    screen.line(f"{len(whole['facts']):,} statements, {len(whole['not_known']):,} facts not known: {file}")


def _kind(history: History, vocabulary: Vocabulary, subject: str, kind: str | None, moment: dt.datetime) -> str:
    """The kind of subject that is meant.

    Raises:
        UnknownSubjectError: there is none of that id.
        ServingError: there is no such kind, or the id is of several.
    """
    kinds = vocabulary.subjects.kinds
    if kind is not None and kind not in kinds:
        raise ServingError(f"There is no kind of subject `{kind[:60]}`. Kinds are: {', '.join(kinds)}.")
    asked = kinds if kind is None else (kind,)
    found = [name for name in asked if bool((history.subjects(name, moment) == subject).any())]
    if not found:
        raise UnknownSubjectError(
            f"No register has said anything of a subject with this id ({', '.join(asked)}). "
            "Load records first with `applyfree ingest`, or correct the id."
        )
    if len(found) > 1:
        raise ServingError(f"The id is of several kinds of subject. Say which with --kind {found[0]} or {found[1]}.")
    return found[0]


def _rows(
    kind: str,
    subject: str,
    holdings: dict[str, Holding],
    vocabulary: Vocabulary,
    day: dt.date,
    say: Messages,
    lang: Language,
) -> Iterator[dict[str, object]]:
    for name, holding in sorted(holdings.items()):
        fact = vocabulary.dictionary.facts.get(name)
        gap = _gap(holding, day)
        known = holding if isinstance(holding, Known) else None
        register = vocabulary.dictionary.registers.get(known.source if known else fact.register if fact else "")
        values = (
            kind,
            subject,
            name,
            "" if fact is None else say.of(fact.names),
            "" if known is None else _value(fact, known, vocabulary, say),
            "" if gap is None else gap.value if lang is Language.EN else f"{gap.value} {say.say('gap_' + gap.value)}",
            known.source if known else None,
            known.true_from if known else None,
            known.stale_on if known else None,
            "" if register is None else say.of(register.owner),
        )
        yield dict(zip(COLUMNS, values, strict=True))


def _gap(holding: Holding, day: dt.date) -> Gap | None:
    """Why the fact is not known; a value that is too old is shown, and is not known."""
    if not isinstance(holding, Known):
        return holding.gap
    return Gap.STALE if holding.stale_on is not None and holding.stale_on <= day else None


def _value(fact: Fact | None, known: Known, vocabulary: Vocabulary, say: Messages) -> str:
    return str(known.value) if fact is None else value_text(fact, known.value, vocabulary, _CURRENCY, say)
