"""The model that may order queues today: the champion by its hash, the last verified copy, or none.

Whatever goes wrong ends in an order by the rules alone: people are found and answered as ever, in another order.
"""

from __future__ import annotations

import enum
import json
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelsError, TamperedModelError
from models.fitted import FittedModel
from models.lifecycle.registry import CHAMPION, Recorded, Registry, RegistryAwayError

log = logging.getLogger(__name__)
_MARK = "champion.json"


class Mode(enum.Enum):
    """How the order of queues is made."""

    CHAMPION = "champion"
    LAST_VERIFIED = "last_verified"
    RULES_ONLY = "rules_only"


@dataclass(frozen=True)
class Standing:
    """What may be used today.

    Attributes:
        mode: see :class:`Mode`.
        model: None where the rules order alone.
        sha256: of the model, to be recorded with every score.
        says: why it is not the champion; empty where it is.
        alarm: somebody should act today.
        folder: of the model's files, with its card and drift reference.
    """

    mode: Mode
    model: FittedModel | None
    sha256: str = ""
    says: str = ""
    alarm: bool = False
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class LocalModels:
    """Verified copies on this machine, each in a folder named by its hash."""

    folder: Path

    def place(self, model: str, sha256: str) -> Path:
        return self.folder / model / sha256

    def last_verified(self, model: str) -> str | None:
        """The hash of the last champion that was verified here; None: there was none."""
        try:
            mark = json.loads((self.folder / model / _MARK).read_text(encoding="utf-8"))
            return str(mark["sha256"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise ModelsError(
                f"{self.folder / model / _MARK}: cannot be read, so no local model can be trusted. Promote again."
            ) from problem

    def take(self, model: str, sha256: str, files: Path) -> FittedModel:
        """Verify files, keep them under their hash and remember them as the last verified.

        Raises:
            TamperedModelError: they are not what the hash says; nothing is kept.
        """
        found = FittedModel.from_folder(files, sha256)
        place = self.place(model, sha256)
        if not place.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as making:
                shutil.copytree(files, Path(making) / sha256)
                os.rename(Path(making) / sha256, place)
        mark = place.parent / f"{_MARK}.new"
        mark.write_text(json.dumps({"sha256": sha256}) + "\n", encoding="utf-8")
        mark.replace(place.parent / _MARK)
        return found


def load_champion(model: str, registry: Registry, local: LocalModels) -> Standing:
    """The model to order queues with. Never raises for a model or a registry that is not as it should be.

    - The registry names a champion: it is used, from the local copy of that hash or fetched and verified.
    - The registry is away: the last champion that was verified here, verified again.
    - Neither, or a byte that differs anywhere: none. It is told, with an alarm where files were altered.
    """
    try:
        recorded = registry.find(model, CHAMPION)
    except RegistryAwayError as problem:
        return _from_here(model, local, str(problem))
    if recorded is None:
        return _told(Standing(Mode.RULES_ONLY, None, says=f"`{model}` has no champion: the rules order alone."))
    try:
        found = _of_registry(recorded, registry, local)
    except RegistryAwayError as problem:
        return _from_here(model, local, str(problem))
    except (ModelsError, OSError, ValueError, KeyError) as problem:
        return _refused(model, problem)
    return Standing(Mode.CHAMPION, found, recorded.sha256, folder=local.place(model, recorded.sha256))


def _of_registry(recorded: Recorded, registry: Registry, local: LocalModels) -> FittedModel:
    if not recorded.sha256:
        raise TamperedModelError(f"{recorded.model} {recorded.version} in the registry", "a recorded hash", "none")
    place = local.place(recorded.model, recorded.sha256)
    if place.is_dir():
        return local.take(recorded.model, recorded.sha256, place)
    with tempfile.TemporaryDirectory() as folder:
        return local.take(recorded.model, recorded.sha256, registry.fetch(recorded, Path(folder)))


def _from_here(model: str, local: LocalModels, why: str) -> Standing:
    """The last verified model of this machine, verified once more."""
    try:
        sha256 = local.last_verified(model)
        if sha256 is None:
            none = f"{why} No verified `{model}` is on this machine: the rules order alone."
            return _told(Standing(Mode.RULES_ONLY, None, says=none, alarm=True))
        found = FittedModel.from_folder(local.place(model, sha256), sha256)
    except (ModelsError, OSError, ValueError, KeyError) as problem:
        return _refused(model, problem)
    place = local.place(model, sha256)
    return _told(Standing(Mode.LAST_VERIFIED, found, sha256, says=why, folder=place))


def _refused(model: str, problem: Exception) -> Standing:
    return _told(Standing(Mode.RULES_ONLY, None, says=f"`{model}` was refused. {problem}", alarm=True))


def _told(standing: Standing) -> Standing:
    log.log(logging.ERROR if standing.alarm else logging.WARNING, "model_%s", standing.mode.value)
    return standing
