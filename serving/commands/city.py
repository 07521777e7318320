"""`applyfree city`: a made city whose truth is known; `applyfree city score`: how well an engine answered about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from features.city.making import Account, Plan, make_city
from features.city.margins import load_fault_rates, load_margins
from features.documents import Findings
from features.registers.contract_files import load_contracts
from rules.catalogue import load_catalogue
from rules.rulebook import Rulebook
from serving import screen
from serving.catalogues import CHINA, as_shown, shipped_catalogues
from serving.commands.options import DayOption, read_day
from serving.errors import ServingError
from serving.evaluation import sound_rulebook
from serving.scoring.score import Score, score
from serving.scoring.truths import open_truth

CITY_DAY = "2026-03-01"
"""A day for which the Chinese catalogue has its numbers."""
FOUND = 1
_VERDICT_COLUMNS = (
    "answers", "true_grant", "false_grant", "missed", "undetermined", "money_wrong", "unanswered", "automatic",
    "false_automatic",
)  # fmt: skip

app = typer.Typer(
    help="A made city with the files its departments would send, planted faults, and the truth.",
    invoke_without_command=True,
    no_args_is_help=True,
)


@app.callback()
def city(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the city goes.", show_default=False)
    ] = None,
    persons: Annotated[int, typer.Option(min=1, help="How many persons are on record.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same city, byte for byte.")] = 1,
    on_date: DayOption = CITY_DAY,
    faults: Annotated[
        Path | None,
        typer.Option("--faults", metavar="FILE", help="How often departments err. Default: the shipped file."),
    ] = None,
) -> None:
    """Make a city: `registers/` as departments would send them, `events/` of the last year, and `truth/`.

    Nobody in it is real: ids begin with an area code that is assigned to no place. `deliveries.csv` lists the files in
    the order in which they came; `truth/faults.parquet` says which row is faulty how.
    """
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise ServingError("Name the folder for the city, like `applyfree city --persons 100000 --out var/city`.")
    plan = Plan(persons, seed, read_day(on_date))
    vocabulary = _rulebook().vocabulary
    findings = Findings()
    contracts = load_contracts(vocabulary, findings)
    if findings:
        raise ServingError(f"The contracts of the registers have mistakes:\n  {findings[0]}\nCorrect them first.")
    with screen.progress() as progress:
        task = progress.add_task("making the city", total=persons)
        account = make_city(
            plan,
            out,
            vocabulary,
            contracts,
            load_margins(),
            load_fault_rates(faults),
            lambda n: progress.advance(task, n),
        )
    _show_account(account, out)


def _rulebook() -> Rulebook:
    return sound_rulebook(load_catalogue(as_shown(shipped_catalogues() / CHINA)))


def _show_account(account: Account, out: Path) -> None:
    formats = pl.col("format").unique().sort().str.join(", ")
    files = pl.DataFrame(account.files).group_by("register")
    registers = files.agg(files=pl.len(), rows=pl.col("rows").cast(pl.Int64).sum(), formats=formats)
    lines = registers.sort("register").select("register", "files", "rows", "formats").iter_rows()
    screen.table(
        "What the departments sent", ("register", "files", "rows", "formats"), lines, figures=("files", "rows")
    )
    screen.table("Planted faults", ("kind", "places"), sorted(account.faults.items()), figures=("places",))
    subjects = ", ".join(f"{count:,} {kind}" for kind, count in account.subjects.items())
    screen.line(f"Subjects: {subjects}. Rows delivered: {account.rows:,}. Life events: {account.events.total():,}.")
    screen.line(f"The city: {out}/registers, {out}/events, {out}/deliveries.csv. The truth: {out}/truth.")


def rate(
    truth: Annotated[Path, typer.Option("--truth", metavar="DIR", help="The folder `truth` that `city` wrote.")],
    answers: Annotated[
        Path, typer.Option("--answers", metavar="FILE", help="As `applyfree evaluate` writes them: .parquet or .csv.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write benefits.csv and faults.csv here.")
    ] = None,
) -> None:
    """Rate any engine's answers about a city against the answers of the rules on the true facts.

    By benefit and by kind of fault: grants that are owed and were found, false ones, missed ones, answers left open,
    wrong amounts. An automatic-grade grant is eligible with a point amount, for a benefit that needs no confirmation.
    The exit status is 1 where such a grant is false.
    """
    rulebook = _rulebook()
    found = open_truth(truth, rulebook.vocabulary)
    with screen.progress() as progress:
        task = progress.add_task("rating", total=None)
        rated = score(found, answers, rulebook, lambda count: progress.advance(task, count))
    _show_score(rated)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        rated.benefits.write_csv(out / "benefits.csv")
        rated.faults.write_csv(out / "faults.csv")
    if rated.false_automatic:
        raise typer.Exit(FOUND)


def _show_score(rated: Score) -> None:
    columns = ("benefit", *_VERDICT_COLUMNS)
    screen.table(
        "By benefit", columns, rated.benefits.select(columns).iter_rows(), figures=_VERDICT_COLUMNS, whole=("benefit",)
    )
    show_faults(rated)


def show_faults(rated: Score) -> None:
    """What became of the planted faults, and in all."""
    columns_of_faults = ("kind", "subjects", *_VERDICT_COLUMNS)
    effects = rated.faults.select(columns_of_faults).iter_rows()
    screen.table("By kind of fault", columns_of_faults, effects, figures=columns_of_faults[1:], whole=("kind",))
    if rated.strangers:
        screen.line(f"{rated.strangers:,} answers are about subjects that the city does not have.")
    screen.line(
        f"Answers other than the truth: {rated.errors:,}. False automatic-grade grants: {rated.false_automatic:,}, "
        f"of which {rated.false_automatic_by_fault:,} touch a planted fault."
    )
