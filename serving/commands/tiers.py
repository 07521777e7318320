"""`applyfree tiers`: how the determinations of the last sweep go on, benefit by benefit, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from explain.wording import Language
from features.history.records import View
from rules.determination import Outcome
from rules.rulebook import Rulebook
from serving import clock, screen, settings
from serving.commands.catalogue import Format, FormatOption, write
from serving.commands.options import CatalogueOption
from serving.day.registers import look_after_registers
from serving.day.tiering import Tiered, count_tiers, tier_sweep
from serving.delivery.demotions import InForce, in_force
from serving.delivery.errors import NotSweptError
from serving.delivery.terms import Programmes, asks_of, load_programmes
from serving.delivery.tier import Evidence, Tier, most_careful, rule_on, under
from serving.delivery.words import load_words
from serving.store import sweeps
from serving.store.database import Session, connect
from serving.store.engine import open_engine
from serving.store.migrate import migrate
from serving.store.server import open_server
from serving.store.sweeps import Sweep
from serving.sweep.facts import RecordedFacts
from serving.sweep.rulebooks import Pinned, load_pinned
from serving.sweep.sources import recorded_facts, swept_catalogue

_COUNTED = tuple(tier.value for tier in (Tier.AUTOMATIC, Tier.CONFIRM, Tier.ASK, Tier.REVIEW, Tier.NONE))
COLUMNS = ("benefit", "name", "tier", "ceiling", *_COUNTED, "reason")


def tiers(
    catalogue: CatalogueOption = None,
    terms: Annotated[
        Path | None,
        typer.Option(
            "--terms",
            metavar="FILE",
            help="The operating terms of the benefits. Default: the shipped programmes.yaml.",
            show_default=False,
        ),
    ] = None,
    lang: Annotated[Language, typer.Option(help="Of names and reasons.")] = Language.ZH,
    form: FormatOption = Format.TABLE,
) -> None:
    """Bring tiers and the health of registers up to the last sweep, and show each benefit's tier with the reason.

    `tier` is the benefit's at best, for somebody of whom everything is in order: what the law and the operating terms
    ask, and what demotions in force make of it (`ceiling`). The figures say how everybody's determinations go on:
    automatic, after one confirmation, after a question, by a caseworker, or not at all (none: the receipt says why).
    """
    home = settings.home().resolve()
    source = recorded_facts(swept_catalogue(catalogue), home)
    programmes = load_programmes(terms)
    server = open_server(settings.database_url(), home)
    try:
        with connect(server.url, remedy=server.ensure_running) as session:
            migrate(session)
            sweep = sweeps.last_complete(session)
            if sweep is None:
                raise NotSweptError
            pinned = load_pinned(home, sweep.rulebook)
            tiered = _tiered(session, pinned, source, programmes)
            ceilings = _looked_after(server.url, home / "loads", pinned.rulebook, source.views, programmes, sweep)
            counts = count_tiers(session)
    finally:
        server.close()
    rows = list(_rows(pinned.rulebook, sweep, programmes, ceilings, counts, lang))
    if form is not Format.TABLE:
        write(rows, COLUMNS, form)
        return
    shown = [name for name in COLUMNS if name != "benefit"]
    cells = ([row[name] for name in shown] for row in rows)
    screen.table(f"{sweep.on_date}, sweep {sweep.id}", shown, cells, figures=_COUNTED, whole=("tier", "ceiling"))
    total = Counter[str]()
    for (_, tier), count in counts.items():
        total[tier or "without a tier"] += count
    what = "There was nothing to do" if tiered.was_done else f"{tiered.subjects:,} subjects have new tiers"
    listed = ", ".join(f"{count:,} {tier}" for tier, count in total.most_common())
    screen.line(f"{what}. Determinations: {listed}.")
    _show_ceilings(ceilings, lang)


def _tiered(session: Session, pinned: Pinned, source: RecordedFacts, programmes: Programmes) -> Tiered:
    with screen.progress() as progress:
        task = progress.add_task("computing tiers", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        history = source.open(pinned.rulebook.vocabulary)
        return tier_sweep(session, pinned, history, programmes, clock.now(), tell=tell)


def _looked_after(
    url: str, records: Path, rulebook: Rulebook, views: Sequence[View], programmes: Programmes, sweep: Sweep
) -> list[InForce]:
    """Look at the registers, and say which demotions are in force now."""
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            day, now = sweep.on_date, clock.now()
            look_after_registers(connection, records, rulebook, views, programmes, day, now, sweep=sweep)
            return in_force(connection)
    finally:
        engine.dispose()


def _rows(
    rulebook: Rulebook,
    sweep: Sweep,
    programmes: Programmes,
    ceilings: Sequence[InForce],
    counts: Mapping[tuple[str, str], int],
    lang: Language,
) -> Iterator[dict[str, object]]:
    """One row for each benefit of the rulebook."""
    words = load_words()
    over: dict[str, list[InForce]] = defaultdict(list)
    for one in ceilings:
        over[one.benefit].append(one)
    for benefit, plan in sorted(rulebook.in_force(sweep.on_date).items()):
        best = rule_on(asks_of(plan, programmes.of(benefit)), Evidence(Outcome.ELIGIBLE))
        limits = [Tier(one.ceiling) for one in over[benefit]]
        reasons = [words.reason(given.content(), rulebook.vocabulary, lang.value) for given in best.reasons]
        reasons += [words.cause(one.cause, one.detail, lang.value) for one in over[benefit]]
        yield {
            "benefit": benefit,
            "name": plan.benefit.names.in_language(lang.value),
            "tier": under(best.tier, limits).value,
            "ceiling": most_careful(limits).value if limits else None,
            **{tier: counts.get((benefit, tier), 0) for tier in _COUNTED},
            "reason": ("；" if lang is Language.ZH else "; ").join(reasons),
        }


def _show_ceilings(ceilings: Sequence[InForce], lang: Language) -> None:
    """Which registers hold benefits back, and since when."""
    words = load_words()
    by_register: dict[str | None, list[InForce]] = defaultdict(list)
    for one in ceilings:
        by_register[one.register].append(one)
    for register, held in by_register.items():
        why = words.cause(held[0].cause, held[0].detail, lang.value)
        names = ", ".join(one.benefit for one in held)
        screen.line(
            f"Demoted since {held[0].since:%Y-%m-%d %H:%M} UTC ({register or 'measured error'}: {why}): {names}."
        )
