"""The command line: `applyfree`. One of the two places where the parts are put together."""

from __future__ import annotations

import errno
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from features.documents import DocumentError
from features.errors import FeaturesError
from models.errors import ModelsError
from rules.errors import RulesError
from serving import log, screen, settings
from serving.commands import catalogue, city, keys, ledger, online
from serving.commands.check import check
from serving.commands.coverage import report
from serving.commands.deliver import deliver_command
from serving.commands.demo import demo
from serving.commands.evaluate import evaluate
from serving.commands.events import events
from serving.commands.examples import examples
from serving.commands.explain import explain
from serving.commands.facts import facts
from serving.commands.ingest import ingest
from serving.commands.models import drift, models, promote, train
from serving.commands.outreach import outreach
from serving.commands.replay import replay
from serving.commands.serve import serve
from serving.commands.sweep import sweep
from serving.commands.tiers import tiers
from serving.commands.work import work
from serving.errors import ServingError

CANNOT = 2
"""Exit status where a command cannot do what it was asked; 1 says that it did, and found something."""


class Commands(TyperGroup):
    """Turns the errors that we raise on purpose into a message; any other is a mistake of ours and stays visible."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 the framework's own signature
        try:
            return super().invoke(ctx)
        except (DocumentError, FeaturesError, RulesError, ModelsError, ServingError) as error:
            screen.error(error)
            raise typer.Exit(CANNOT) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has seen enough
                raise
            screen.error(f"{error.filename}: {error.strerror}.")
            raise typer.Exit(CANNOT) from error


def main(
    log_file: Annotated[
        str | None,
        typer.Option(
            "--log-file",
            metavar="FILE",
            help="Log events as JSON lines to this file, or to `stderr`; the same as APPLYFREE_LOG.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Who is entitled to what, why, and what would settle the rest (免申即享)."""
    if log_file is not None:
        settings.log_to(log_file)
    log.configure()


def _examples(*lines: str) -> str:
    """The last part of a command's help."""
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])


app = typer.Typer(
    name="applyfree",
    cls=Commands,
    help="Who is entitled to what, why, and what would settle the rest (免申即享).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
)
app.callback()(main)
app.command(epilog=_examples("applyfree check", "applyfree check rules/catalogue/cn"))(check)
app.command(epilog=_examples("applyfree examples", "applyfree examples rules/catalogue/us"))(examples)
app.command(
    epilog=_examples(
        "applyfree evaluate --facts facts --on-date 2026-03-01 --out answers.parquet",
        "applyfree evaluate --catalogue rules/catalogue/cn --facts facts --out answers.csv --quarantine bad.csv",
        "applyfree evaluate --facts facts --out answers.csv --benefit advanced_age_allowance --engine reference",
    )
)(evaluate)
app.command(
    epilog=_examples(
        "applyfree explain p17 advanced_age_allowance",
        "applyfree explain p17 advanced_age_allowance --on-date 2026-03-01 --known-at 2026-03-05 --lang en",
        "applyfree explain p17 advanced_age_allowance --facts facts --on-date 2026-03-01",
        "applyfree explain h4 dibao --facts facts --catalogue rules/catalogue/cn --lang en",
        "applyfree explain p17 dibao --facts facts --audience citizen",
    )
)(explain)
app.command(
    epilog=_examples(
        "applyfree ingest public_security 公安_户籍人口_20260301.csv",
        "applyfree ingest all city/registers",
        "applyfree ingest public_security 公安_户籍人口_20260401.csv --accept-short-lists",
        "applyfree ingest market_regulation postgresql://reader@exchange/market",
    )
)(ingest)
app.command(
    epilog=_examples(
        "applyfree facts p17",
        "applyfree facts h4 --on-date 2026-03-01 --known-at 2026-02-01 --lang en",
        "applyfree facts e9 --kind enterprise --format json",
        "applyfree facts p17 --portable p17.json",
    )
)(facts)
app.command(
    epilog=_examples("applyfree events events.jsonl", "applyfree events *.jsonl --quarantine bad.csv"),
)(events)
app.add_typer(keys.app, name="keys")
keys.app.command(epilog=_examples("applyfree keys check", "APPLYFREE_SECRETS=/run/secrets applyfree keys check"))(
    keys.check
)
keys.app.command(epilog=_examples("applyfree keys public > applyfree.pem"))(keys.public)
keys.app.command(epilog=_examples("applyfree keys rotate kek", "applyfree keys rotate data"))(keys.rotate)
app.add_typer(online.app, name="online")
online.app.command(epilog=_examples("applyfree online fill", "applyfree online fill --anew"))(online.fill)
online.app.command(epilog=_examples("applyfree online check", "applyfree online check --seed 7"))(online.check)
online.app.command(
    epilog=_examples(
        "applyfree online read household h4 --for dibao",
        "applyfree online read person p17 --for advanced_age_allowance --format json",
    )
)(online.read)
app.add_typer(catalogue.app, name="catalogue")
catalogue.app.command(
    epilog=_examples(
        "applyfree catalogue facts",
        "applyfree catalogue facts --catalogue rules/catalogue/us --format csv > facts.csv",
    )
)(catalogue.facts)
catalogue.app.command(epilog=_examples("applyfree catalogue benefits --format json"))(catalogue.benefits)
app.command(epilog=_examples("applyfree demo", "applyfree demo --persons 100000 --on-date 2026-03-01"))(demo)
app.add_typer(
    city.app,
    name="city",
    epilog=_examples(
        "applyfree city --persons 100000 --seed 1 --out var/city",
        "applyfree city score --truth var/city/truth --answers answers.parquet",
    ),
)
city.app.command(
    "score", epilog=_examples("applyfree city score --truth var/city/truth --answers answers.parquet --out var/score")
)(city.rate)
app.command(
    "coverage", epilog=_examples("applyfree coverage", "applyfree coverage --residents 100000 --format csv > gaps.csv")
)(report)
app.command(
    epilog=_examples(
        "applyfree sweep",
        "applyfree sweep --on-date 2026-03-01",
        "applyfree sweep --full --workers 8",
        "applyfree sweep --engine spark",
    )
)(sweep)
app.command(epilog=_examples("applyfree tiers", "applyfree tiers --lang en --format csv > tiers.csv"))(tiers)
app.command("deliver", epilog=_examples("applyfree deliver", "applyfree sweep && applyfree deliver"))(deliver_command)
app.command(epilog=_examples("applyfree replay --all", "applyfree replay 3", "applyfree replay 3/person/p17/dibao"))(
    replay
)
app.command(
    epilog=_examples(
        "applyfree train take_up --rows offers.parquet",
        "applyfree train missing_evidence --rows cps_households.parquet",
    )
)(train)
app.command(epilog=_examples("applyfree promote take_up"))(promote)
app.command(epilog=_examples("applyfree drift take_up --rows offers_of_march.parquet"))(drift)
app.command(epilog=_examples("applyfree models", "applyfree models --format json"))(models)
app.command(
    epilog=_examples(
        "applyfree outreach --facts facts --answers answers.parquet --on-date 2026-03-01",
        "applyfree outreach --facts facts --answers answers.parquet --scores scores.parquet --out queue.parquet",
    )
)(outreach)
app.add_typer(ledger.app, name="ledger")
ledger.app.command(
    "verify",
    epilog=_examples(
        "applyfree ledger verify --checkpoints published.jsonl --key ledger_public.pem", "applyfree ledger verify"
    ),
)(ledger.verify_ledger)
ledger.app.command("seal", epilog=_examples("applyfree ledger seal --ledger-key /run/secrets/ledger-pem"))(
    ledger.seal_ledger
)
app.command(epilog=_examples("applyfree work", "applyfree work --once"))(work)
app.command(
    epilog=_examples(
        "applyfree serve",
        "applyfree serve --host 0.0.0.0 --port 8443 --origin https://benefits.example.gov.cn",
    )
)(serve)
