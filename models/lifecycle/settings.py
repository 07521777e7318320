"""Where runs and models are recorded: the only place of `models` that reads or sets the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TRACKING = "APPLYFREE_MLFLOW"
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # A registry that is away must be noticed in seconds: by default MLflow tries for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}


@dataclass(frozen=True, slots=True)
class LifecycleSettings:
    """Where a model's life is kept.

    Attributes:
        folder: of verified local copies, held-out rows and, by default, MLflow's own database and artifacts.
        tracking: MLflow's address: a file of SQLite below the folder, or a tracking server.
    """

    folder: Path
    tracking: str

    @property
    def is_local(self) -> bool:
        """Is MLflow a local database and folder?"""
        return self.tracking.startswith("sqlite:")


def read_settings(folder: Path, environment: Mapping[str, str] | None = None) -> LifecycleSettings:
    """What the environment says, or a local database below the folder.

    Args:
        folder: of everything that is kept here.
        environment: the process's own by default.
    """
    said = os.environ if environment is None else environment
    local = f"sqlite:///{(folder / 'mlflow.db').absolute()}"
    return LifecycleSettings(folder, said.get(_TRACKING) or local)


def keep_mlflow_quiet() -> None:
    """Tell MLflow, before it is imported, to send nothing to anybody and to give up soon."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
