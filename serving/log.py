"""The log: one line of JSON per event, with ids of batches, sweeps and chunks, counts and seconds; never of a person.

Only the fields below can be logged, and none of them can hold a subject's id, name or value. `APPLYFREE_LOG` (or
`--log-file`) says where to: a file, or `stderr`; nothing is logged where it is not set.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from pathlib import Path

from serving import settings

STDERR = "stderr"
FIELDS = frozenset({
    "batch", "table", "sweep", "chunk", "base", "on_date", "full", "was_done", "outcome", "where", "reasons",
    "read", "set_aside", "new", "unchanged", "left", "lines", "doubled", "disputed", "stated", "withdrawn", "waiting",
    "subjects", "population", "looked_at", "written", "same", "determinations", "dead", "seconds",
    "register", "state", "demoted", "promoted",
})  # fmt: skip
"""What may stand in a line. `where` is a place in our code, `reasons` a count of them."""

_LOGGER = logging.getLogger("applyfree")
_FIELDS_OF = "applyfree_fields"

Field = str | int | float | bool | dt.date | None


class JsonLines(logging.Formatter):
    """A record as one line of JSON: moment (UTC), level, event, and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
        told: dict[str, Field] = {
            "at": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FIELDS_OF, {}),
        }
        return json.dumps(told, ensure_ascii=False, default=str)


def configure() -> None:
    """Send events to where the settings say. Once per process; workers do it too, and append to the same file."""
    target = settings.log_target()
    for handler in _LOGGER.handlers[:]:
        _LOGGER.removeHandler(handler)
        handler.close()
    _LOGGER.propagate = False
    _LOGGER.setLevel(logging.INFO)
    if target is None:
        _LOGGER.addHandler(logging.NullHandler())
        return
    if target != STDERR:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
    # Opened for appending: a line is one write, so that lines of several processes do not mix.
    handler = logging.StreamHandler(sys.stderr) if target == STDERR else logging.FileHandler(target, encoding="utf-8")
    handler.setFormatter(JsonLines())
    _LOGGER.addHandler(handler)


def info(event: str, **fields: Field) -> None:
    """Log what went as it should, a citizen's or department's mistake among it."""
    _log(logging.INFO, event, fields)


def error(event: str, **fields: Field) -> None:
    """Log what somebody should act upon today."""
    _log(logging.ERROR, event, fields)


def _log(level: int, event: str, fields: dict[str, Field]) -> None:
    strange = fields.keys() - FIELDS
    if strange:
        raise ValueError(f"`{event}` logs `{sorted(strange)[0]}`, which is not among the fields that may be logged.")
    told = {name: round(value, 3) if isinstance(value, float) else value for name, value in fields.items()}
    _LOGGER.log(level, event, extra={_FIELDS_OF: told})
