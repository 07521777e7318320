"""What is down at the moment, and what that means for answers: never more than waiting, never a no.

Source:
    gates.md, G15 and F19; ledger: personal data become read-only where nothing was sealed for fifteen minutes.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from serving import log
from serving.api.schemas.answers import Banner, Wording

_FRESH: Final = dt.timedelta(seconds=5)

SAYS: Final[Mapping[str, Wording]] = {
    "model_registry": Wording(
        zh="排序模型暂不可用：名单按先到先办的次序排列。您能得到什么不受影响。",
        en="The models that order queues are away: queues are in order of arrival. What you are owed is not affected.",
    ),
    "feature_store": Wording(
        zh="实时数据暂不可用：显示的是最近一次核算的结果。",
        en="Live records are away: what you see is the last complete assessment.",
    ),
    "redis": Wording(zh="缓存服务暂不可用，响应可能稍慢。", en="A cache is away: answers may take a little longer."),
    "notices": Wording(
        zh="通知暂时无法发送，恢复后会补发。您的权利和期限不受影响。",
        en="Notices cannot be sent at the moment and will follow. Your rights and time limits are not affected.",
    ),
    "ledger": Wording(
        zh="记录暂未封存：目前只能查看，不能更改。您的期限不受影响。",
        en="Records are not sealed at the moment: you can read, not change. No limit runs out by it.",
    ),
}
"""What a citizen reads of each."""

Probe = Callable[[], bool]
"""Is it up? What raises is down."""


@dataclass(slots=True)
class Health:
    """Looks at what may be away, not more often than every few seconds, and beside the requests: none waits for it.

    Attributes:
        probes: by name in :data:`SAYS`.
        is_behind: has something waited too long to be sealed? (`serving.ledger.intents.is_behind`)
        now: the moment.
    """

    probes: Mapping[str, Probe]
    is_behind: Callable[[Connection, dt.datetime], bool]
    now: Callable[[], dt.datetime]
    _down: tuple[str, ...] = ()
    _looked: dt.datetime | None = None
    _unsealed: bool = False
    _asked: dt.datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def down(self) -> tuple[str, ...]:
        """The names of what is away, as somebody last looked."""
        if self._looked is None:
            with self._lock:
                if self._looked is None:
                    self._look()
        elif self.now() - self._looked >= _FRESH and self._lock.acquire(blocking=False):
            threading.Thread(target=self._look_beside, name="health", daemon=True).start()
        return (*self._down, *(("ledger",) if self._unsealed else ()))

    def _look(self) -> None:
        self._down = tuple(name for name, probe in self.probes.items() if not _holds(name, probe))
        self._looked = self.now()

    def _look_beside(self) -> None:
        """A probe may take a connection of its own: whoever asks holds one already, and all of them may be held."""
        try:
            self._look()
        finally:
            self._lock.release()

    def banners(self) -> list[Banner]:
        """What to tell whoever reads an answer."""
        return [Banner(code=f"{name}_down", says=SAYS[name]) for name in self.down()]

    def is_read_only(self, connection: Connection, now: dt.datetime) -> bool:
        """Has nothing been sealed for so long that nothing more may be changed?"""
        if self._asked is None or now - self._asked >= _FRESH:
            self._unsealed = self.is_behind(connection, now)
            self._asked = now
        return self._unsealed


def _holds(name: str, probe: Probe) -> bool:
    try:
        return probe()
    except Exception as error:  # noqa: BLE001 (whatever a probe raises, what it looks at is away)
        log.error("api_probe", where=f"{name}: {type(error).__name__}")
        return False
