"""Runs, models and aliases in MLflow: a local database and folder by default, a tracking server by setting.

A model goes in as files (LightGBM's text, JSON, the card) and comes out as files; nothing is ever unpickled. MLflow is
imported late: it takes seconds, and nothing that only scores needs it.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.errors import ModelsError
from models.fitted import TREES_FILE
from models.lifecycle.settings import LifecycleSettings, keep_mlflow_quiet
from models.lifecycle.training import Trained

CHAMPION, CHALLENGER = "champion", "challenger"
SHA256, LIMITS_SHA256, ROWS_SHA256, NEEDS, TRAINED_ON = "sha256", "limits_sha256", "rows_sha256", "needs", "trained_on"
_ARTIFACT = "model"
_REQUIREMENTS = ("lightgbm", "numpy", "polars")
_DIGEST_LENGTH = 36  # MLflow keeps no more of a dataset's digest; the whole hash is a parameter of the run


class RegistryAwayError(ModelsError):
    """The registry cannot be reached, or does not answer."""

    def __init__(self, doing: str) -> None:
        super().__init__(
            f"The model registry did not answer ({doing}). The last verified local model goes on; is the server up?"
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """One version in the registry, as its run recorded it."""

    model: str
    version: str
    aliases: tuple[str, ...]
    sha256: str
    limits_sha256: str
    rows_sha256: str
    needs: Mapping[str, int]
    trained_on: str
    source: str


class Registry:
    """MLflow's client, for what a model's life needs of it.

    Raises (every method):
        RegistryAwayError: it cannot be reached.
    """

    def __init__(self, settings: LifecycleSettings) -> None:
        self.settings = settings
        self._opened: Any = None

    def record(self, trained: Trained) -> Recorded:
        """Record a run with its parameters, dataset, metrics and files; the new version becomes the challenger."""
        with _reaching("recording a run"):
            client, card = self._client(), trained.card
            run = client.create_run(
                self._experiment(card.model), run_name=f"{card.model} {card.sha256[:12]}"
            ).info.run_id
            for name, value in _parameters(trained).items():
                client.log_param(run, name, value)
            self._log_dataset(run, trained)
            for name, figure in _metrics(trained).items():
                client.log_metric(run, name, figure)
            _write_flavor(trained.folder)
            client.log_artifacts(run, str(trained.folder), _ARTIFACT)
            client.set_terminated(run)
            source = f"{client.get_run(run).info.artifact_uri}/{_ARTIFACT}"
            self._ensure_model(card.model)
            tags = {
                SHA256: card.sha256, LIMITS_SHA256: card.limits_sha256, ROWS_SHA256: card.rows_sha256,
                NEEDS: json.dumps({name: sign for name, (_, sign) in card.features.items()}),
                TRAINED_ON: card.trained_on,
            }  # fmt: skip
            made = client.create_model_version(card.model, source, run, tags=tags)
            client.set_registered_model_alias(card.model, CHALLENGER, made.version)
            return self._recorded(client.get_model_version(card.model, made.version))

    def find(self, model: str, alias: str) -> Recorded | None:
        """The version that bears an alias; None: none does."""
        with _reaching(f"looking for the {alias}"):
            client = self._client()
            known = client.search_registered_models(f"name = '{_plain(model)}'")
            if not known or alias not in known[0].aliases:
                return None
            return self._recorded(client.get_model_version(model, known[0].aliases[alias]))

    def versions(self) -> list[Recorded]:
        """Every version of every model, newest first within its model."""
        with _reaching("listing models"):
            client = self._client()
            found = []
            for known in sorted(client.search_registered_models(), key=lambda each: str(each.name)):
                versions = client.search_model_versions(f"name = '{known.name}'")
                for version in sorted(versions, key=lambda each: -int(each.version)):
                    found.append(self._recorded(client.get_model_version(known.name, version.version)))
            return found

    def promote(self, recorded: Recorded, verdicts: Mapping[str, str]) -> None:
        """Make a version the champion, and note what each gate said."""
        with _reaching("promoting"):
            client = self._client()
            for gate, says in verdicts.items():
                client.set_model_version_tag(recorded.model, recorded.version, f"gate.{gate}", says[:500])
            client.set_registered_model_alias(recorded.model, CHAMPION, recorded.version)
            known = client.get_registered_model(recorded.model)
            if str(known.aliases.get(CHALLENGER)) == recorded.version:
                client.delete_registered_model_alias(recorded.model, CHALLENGER)

    def fetch(self, recorded: Recorded, folder: Path) -> Path:
        """Copy a version's files into a folder; nobody has verified them yet."""
        with _reaching("fetching a model"):
            folder.mkdir(parents=True, exist_ok=True)
            from mlflow.artifacts import download_artifacts  # noqa: PLC0415 late, as the whole of MLflow

            self._client()
            return Path(
                download_artifacts(
                    artifact_uri=recorded.source, dst_path=str(folder), tracking_uri=self.settings.tracking
                )
            )

    def _client(self) -> Any:  # noqa: ANN401 MLflow's own, which we import late
        if self._opened is None:
            keep_mlflow_quiet()
            self.settings.folder.mkdir(parents=True, exist_ok=True)
            from mlflow.tracking import MlflowClient  # noqa: PLC0415 takes seconds: only who needs the registry waits

            self._opened = MlflowClient(self.settings.tracking, self.settings.tracking)
        return self._opened

    def _experiment(self, model: str) -> str:
        client = self._client()
        found = client.get_experiment_by_name(model)
        if found is not None:
            return str(found.experiment_id)
        # A server knows its own place for artifacts; the local database would take the current folder.
        local = (self.settings.folder / "artifacts" / model).absolute().as_uri() if self.settings.is_local else None
        return str(client.create_experiment(model, artifact_location=local))

    def _ensure_model(self, model: str) -> None:
        client = self._client()
        if not client.search_registered_models(f"name = '{_plain(model)}'"):
            client.create_registered_model(model)

    def _log_dataset(self, run: str, trained: Trained) -> None:
        from mlflow.entities import Dataset, DatasetInput  # noqa: PLC0415 late, as the whole of MLflow

        card = trained.card
        profile = json.dumps({"held_out_rows": card.assessment.rows, "held_out_positives": card.assessment.positives})
        # Source and schema without any place of ours: the rows stay where they are.
        dataset = Dataset(
            name=card.model, digest=card.dataset_sha256[:_DIGEST_LENGTH], source_type="local", source="not copied",
            schema=json.dumps({"columns": list(card.features)}), profile=profile,
        )  # fmt: skip
        self._client().log_inputs(run, datasets=[DatasetInput(dataset)])

    def _recorded(self, version: Any) -> Recorded:  # noqa: ANN401 MLflow's own
        tags = version.tags
        return Recorded(
            model=str(version.name), version=str(version.version), aliases=tuple(sorted(version.aliases)),
            sha256=tags.get(SHA256, ""), limits_sha256=tags.get(LIMITS_SHA256, ""),
            rows_sha256=tags.get(ROWS_SHA256, ""), needs=json.loads(tags.get(NEEDS, "{}")),
            trained_on=tags.get(TRAINED_ON, ""), source=str(version.source),
        )  # fmt: skip


class _reaching:  # noqa: N801 reads as a phrase: `with _reaching("promoting")`
    """Turns whatever MLflow and its clients raise when nobody answers into one error of ours."""

    def __init__(self, doing: str) -> None:
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        if problem is None or isinstance(problem, ModelsError) or not isinstance(problem, Exception):
            return
        module = type(problem).__module__.split(".")[0]
        if isinstance(problem, OSError) or module in ("mlflow", "requests", "urllib3", "sqlalchemy", "sqlite3"):
            raise RegistryAwayError(self.doing) from problem


def _parameters(trained: Trained) -> dict[str, str]:
    card = trained.card
    return {
        **{f"growth.{name}": str(value) for name, value in asdict(trained.growth).items()},
        SHA256: card.sha256,
        "dataset_sha256": card.dataset_sha256,
        ROWS_SHA256: card.rows_sha256,
        LIMITS_SHA256: card.limits_sha256,
        "inputs": ",".join(card.features),
    }


def _metrics(trained: Trained) -> dict[str, float]:
    found = trained.assessment
    figures = {"auc": found.auc, "ece": found.ece, "brier": found.brier}
    whole = {f"{name}{end}": getattr(f, part) for name, f in figures.items() for end, part in _ENDS.items()}
    return {"rows": float(found.rows), "positives": float(found.positives), **whole}


_ENDS = {"": "value", "_low": "low", "_high": "high"}


def _write_flavor(folder: Path) -> None:
    """What lets plain MLflow load the trees: LightGBM's text flavor, and the requirements, given and not guessed."""
    from mlflow.models import Model  # noqa: PLC0415 late, as the whole of MLflow

    versions = [f"{name}=={importlib.metadata.version(name)}" for name in _REQUIREMENTS]
    (folder / "requirements.txt").write_text("\n".join(versions) + "\n", encoding="utf-8")
    described = Model(utc_time_created=_epoch())
    described.add_flavor(
        "lightgbm", lgb_version=importlib.metadata.version("lightgbm"), data=TREES_FILE,
        model_class="lightgbm.basic.Booster",
    )  # fmt: skip
    described.save(str(folder / "MLmodel"))


def _epoch() -> dt.datetime:
    """No time of day: the same training gives the same files."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _plain(model: str) -> str:
    """A model's name, fit to stand in a search."""
    if not model.replace("_", "").isalnum():
        raise ModelsError(f"`{model[:60]}` is no name of a model: letters, digits and _ only.")
    return model
