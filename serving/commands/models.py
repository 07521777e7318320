"""`applyfree train`, `promote`, `models`, `drift`: a model's life from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving import screen, settings
from serving.commands.catalogue import Format, FormatOption, write
from serving.commands.options import DayOption, read_day
from serving.errors import ServingError

_REFUSED = 1
LEARNS_FROM_HISTORY = "missing_evidence"
_COLUMNS = ("model", "version", "aliases", "sha256", "trained_on")
ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="missing_evidence, take_up or second_look.", show_default=False)
]
_ROWS = typer.Option(
    "--rows",
    metavar="FILE.parquet",
    help="What was recorded: for take_up offers, for second_look cases, for missing_evidence complete households. "
    "docs/models/ lists the columns.",
    show_default=False,
)
RowsOption = Annotated[Path, _ROWS]
TrainingRowsOption = Annotated[Path | None, _ROWS]


def train(model: ModelArgument, rows: TrainingRowsOption = None, on_date: DayOption = None) -> None:
    """Train a challenger on recorded rows, measure it on people it has not seen, and record the run in MLflow.

    `applyfree train missing_evidence` without rows learns from the recorded history: facts of the latest sweep's day
    through Feast, hidden as registers leave them out, answered by the rules. The challenger orders nothing until
    `applyfree promote` has let it through every gate. Held-out rows stay on this machine. Everything is offline;
    $APPLYFREE_MLFLOW names a tracking server instead of the local database.
    """
    day = read_day(on_date)
    from serving import model_life  # noqa: PLC0415 LightGBM takes a second to import: other commands do not wait for it

    with screen.progress() as progress:
        task = progress.add_task("training", total=None)

        def tell(phase: str) -> None:
            progress.update(task, description=phase)

        if rows is not None:
            trained, version = model_life.train(settings.home(), model, rows, day, tell)
        else:
            from serving import evidence  # noqa: PLC0415 as above

            _require_history(model)
            trained, version = evidence.train_latest(settings.home(), settings.database_url(), day, tell)
        progress.update(task, total=1, completed=1)
    auc, ece = trained.assessment.auc, trained.assessment.ece
    screen.line(
        f"{model} version {version}, {trained.card.sha256[:12]}…, is the challenger: on "
        f"{trained.assessment.rows:,} held-out rows AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}), "
        f"ECE {ece.value:.3f}. Next: applyfree promote {model}"
    )


def _require_history(model: str) -> None:
    if model != LEARNS_FROM_HISTORY:
        raise ServingError(f"`{model[:60]}` learns from recorded rows alone: name them with --rows FILE.parquet.")


def promote(model: ModelArgument) -> None:
    """Put the challenger to every gate, and make it the champion if all are open. Exit status 1: a gate is closed.

    Gates and limits: models/lifecycle/limits.yaml. Everything is measured anew on the held-out rows.
    """
    from serving import model_life  # noqa: PLC0415 as in `train`

    verdicts, promoted = model_life.promote(settings.home(), model, _of_catalogue(model))
    for verdict in verdicts:
        screen.line(f"{'open  ' if verdict.passed else 'CLOSED'}  {verdict.gate}: {verdict.says}")
    if promoted is None:
        closed = ", ".join(verdict.gate for verdict in verdicts if not verdict.passed)
        screen.error(f"`{model}` is not promoted; the champion stays. Closed: {closed}.")
        raise typer.Exit(_REFUSED)
    screen.line(f"{model} version {promoted.version}, {promoted.sha256[:12]}…, is the champion.")


def _of_catalogue(model: str) -> dict[str, int] | None:
    """The inputs that a catalogue declares, of the latest sweep; none where nothing is swept here."""
    home = settings.home()
    if model != LEARNS_FROM_HISTORY or not (home / "rulebooks").is_dir():
        return None
    from serving import evidence  # noqa: PLC0415 as in `train`

    return evidence.latest_sweep(home, settings.database_url()).inputs.directions


def models(form: FormatOption = Format.TABLE) -> None:
    """List every model's versions, and how queues are ordered today: by the champion, a local copy, or the rules alone.

    Exit status 1: somebody should act, for a model was refused or none can be reached.
    """
    from serving import model_life  # noqa: PLC0415 as in `train`

    standings, versions = model_life.overview(settings.home())
    rows: list[dict[str, object]] = [
        dict(zip(_COLUMNS, (v.model, v.version, " ".join(v.aliases), v.sha256, v.trained_on), strict=True))
        for v in versions
    ]
    if form is Format.TABLE:
        screen.table("models", _COLUMNS, ([row[name] for name in _COLUMNS] for row in rows), whole=("model",))
        for name, standing in standings.items():
            screen.line(f"{name}: {standing.mode.value}. {standing.says}".rstrip())
    else:
        write(rows, _COLUMNS, form)
    if any(standing.alarm for standing in standings.values()):
        raise typer.Exit(_REFUSED)


def drift(model: ModelArgument, rows: RowsOption, on_date: DayOption = None) -> None:
    """Compare people of today with those that the champion was measured on: inputs, scores, and what is missing.

    Limits: models/lifecycle/limits.yaml. Exit status 1: something went beyond them; train again, and look why.
    """
    day = read_day(on_date)
    from serving import model_life  # noqa: PLC0415 as in `train`

    standing, found = model_life.drift(settings.home(), model, rows, day)
    if standing.model is None:
        screen.line(f"{model}: {standing.mode.value}. {standing.says}".rstrip())
    shown = [
        (d.what, f"{d.psi:.3f}", f"{d.missing_before:.1%}", f"{d.missing_now:.1%}", ", ".join(d.beyond)) for d in found
    ]
    if found:
        screen.table(f"drift of {model}", ("input", "index", "missing before", "missing now", "beyond"), shown)
    if standing.alarm or any(each.beyond for each in found):
        raise typer.Exit(_REFUSED)
