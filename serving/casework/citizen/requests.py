"""A request is carried out once: a double click and a replay get the answer of the first."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping

import rfc8785
from sqlalchemy import Connection, func, insert, select

from serving.casework.errors import RequestReusedError
from serving.store.tables.citizens import answered_request

Asked = Mapping[str, str | int | bool | list[str] | dict[str, int] | None]
Answer = dict[str, object]


def once(
    connection: Connection, speaker: str, key: str, asked: Asked, at: dt.datetime, carry_out: Callable[[], Answer]
) -> Answer:
    """Carry out a request, or give the answer that it had.

    Args:
        connection: in a transaction. The answer is kept if, and only if, what was asked is done.
        speaker: who asks; keys of others are others.
        key: of the request, made by whoever asks, 8 to 100 characters.
        asked: what is asked. The same key with something else is refused.
        at: the moment.
        carry_out: does it; what it raises is raised, and nothing is kept.

    Raises:
        RequestReusedError: the key was used for something else.
    """
    said = hashlib.sha256(rfc8785.dumps(dict(asked))).hexdigest()
    # Of two clicks at once the second waits here until the first is done, then finds its answer.
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{speaker}|{key}", 0))))
    held = connection.execute(
        select(answered_request.c.asked, answered_request.c.answer).where(
            answered_request.c.speaker == speaker, answered_request.c.key == key
        )
    ).one_or_none()
    if held is not None:
        if held.asked != said:
            raise RequestReusedError
        return dict(held.answer)
    answer = carry_out()
    connection.execute(insert(answered_request).values(speaker=speaker, key=key, asked=said, answer=answer, at=at))
    return answer
