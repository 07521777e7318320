"""The life of models, put together for the command line: where they are kept, and what may be used today."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from models.lifecycle import kinds, promoting, training
from models.lifecycle.drift import Drift, find_drift
from models.lifecycle.limits import load_limits
from models.lifecycle.loading import LocalModels, Mode, Standing, load_champion
from models.lifecycle.promoting import Promoted
from models.lifecycle.promotion import RefusedPromotionError, Verdict
from models.lifecycle.reference import read_reference
from models.lifecycle.registry import Recorded, Registry
from models.lifecycle.settings import LifecycleSettings, read_settings
from models.lifecycle.training import Trained


def train(
    home: Path, model: str, rows: Path, on_date: dt.date, tell: Callable[[str], None] = lambda _: None
) -> tuple[Trained, str]:
    """Train a challenger on recorded rows and record its run: the run, and the version's number.

    Raises:
        ModelsError: there is no such model, the rows cannot be used, or the registry is away.
    """
    place, kind = place_of(home), kinds.kind_of(model)
    tell("reading rows")
    found = kind.read(rows, on_date)
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as new:
        tell("training and measuring")
        trained = training.train(found, load_limits(), Path(new) / model, held_out(place), on_date, kind.growth)
        tell("recording the run")
        return trained, Registry(place).record(trained).version


def promote(
    home: Path, model: str, declared: Mapping[str, int] | None = None
) -> tuple[Sequence[Verdict], Promoted | None]:
    """Put the challenger to every gate: what each says, and the new champion; None: a gate is closed.

    Args:
        home: $APPLYFREE_HOME.
        model: which one.
        declared: inputs that it may have besides those of its file, with their directions: those of a catalogue.

    Raises:
        ModelsError: there is no challenger, or its rows or the champion cannot be trusted.
    """
    place, kind = place_of(home), kinds.kind_of(model)
    try:
        done = promoting.promote(
            model, Registry(place), verified(place), held_out(place), load_limits(), kind.why_banned,
            {**kind.declared(), **(declared or {})},
        )  # fmt: skip
    except RefusedPromotionError as refused:
        return refused.verdicts, None
    return done.verdicts, done


def overview(home: Path) -> tuple[dict[str, Standing], list[Recorded]]:
    """What may be used of each model today, and every version; none where the registry is away."""
    place = place_of(home)
    registry = Registry(place)
    standings = {name: load_champion(name, registry, verified(place)) for name in kinds.NAMES}
    reached = all(standing.mode is not Mode.LAST_VERIFIED and not standing.alarm for standing in standings.values())
    return standings, registry.versions() if reached else []


def drift(home: Path, model: str, rows: Path, on_date: dt.date) -> tuple[Standing, list[Drift]]:
    """Compare rows of today with those that the model in use was measured on; nothing where none is in use.

    Raises:
        ModelsError: there is no such model, or the rows cannot be used or are too few.
    """
    place, kind = place_of(home), kinds.kind_of(model)
    standing = load_champion(model, Registry(place), verified(place))
    if standing.model is None or standing.folder is None:
        return standing, []
    found = kind.read(rows, on_date)
    scores = standing.model.score(found.frame, found.patterns)
    inputs = found.frame.select(standing.model.columns)
    return standing, find_drift(read_reference(standing.folder), inputs, scores, load_limits().drift)


def place_of(home: Path) -> LifecycleSettings:
    """Where models live below the program's folder."""
    return read_settings(home / "models")


def verified(place: LifecycleSettings) -> LocalModels:
    """The verified copies of this machine."""
    return LocalModels(place.folder / "verified")


def held_out(place: LifecycleSettings) -> Path:
    """Where held-out rows stay."""
    return place.folder / "held_out"
