"""The outermost layer: an id for each request, limits of size and time, and a plain answer where all else failed."""

from __future__ import annotations

import asyncio
import traceback
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import log
from serving.api.problems import answer

REQUEST_ID: Final = "X-Request-Id"
MOST_BYTES: Final = 256 * 1024
"""Of the body of a request; messages of departments may be larger."""
MOST_BYTES_OF_MESSAGES: Final = 4 * 1024 * 1024
MOST_SECONDS: Final = 15.0
"""For a body to arrive: whoever sends a byte now and then holds nothing up."""


class _StoppedError(HTTPException):
    """Of HTTP, so that whoever reads the body for us lets it through."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status)
        self.code = code


class Edge:
    """Around an application.

    Args:
        app: the application.
        messages: paths that take messages of departments.
        most_seconds: for a body to arrive.
    """

    def __init__(
        self, app: ASGIApp, messages: frozenset[str] = frozenset(), most_seconds: float = MOST_SECONDS
    ) -> None:
        self._app, self._messages, self._most_seconds = app, messages, most_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = number
        begun = False

        async def send_with_id(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message)[REQUEST_ID] = number
            await send(message)

        try:
            await self._app(scope, self._limited(scope, receive), send_with_id)
        except _StoppedError as stopped:
            if not begun:
                await answer(number, stopped.status_code, stopped.code)(scope, receive, send_with_id)
        except Exception as error:  # noqa: BLE001 (the outer edge: what is said of a fault must name nobody)
            log.error("api_fault", where=_place(error))
            if not begun:
                await answer(number, 500, "fault")(scope, receive, send_with_id)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        most = MOST_BYTES_OF_MESSAGES if scope["path"] in self._messages else MOST_BYTES
        told = Headers(scope=scope).get("content-length", "")
        read = 0
        ends = asyncio.get_running_loop().time() + self._most_seconds
        done = False

        async def limited() -> Message:
            nonlocal read, done
            if done:  # what comes after the body is that somebody left: there is no hurry about it
                return await receive()
            if told.isdigit() and len(told) < 20 and int(told) > most:
                raise _StoppedError(413, "too_large")
            try:
                message = await asyncio.wait_for(receive(), max(0.0, ends - asyncio.get_running_loop().time()))
            except TimeoutError:
                raise _StoppedError(408, "too_slow") from None
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                done = not message.get("more_body", False)
            if read > most:
                raise _StoppedError(413, "too_large")
            return message

        return limited


def _place(error: BaseException) -> str:
    """Where in our code it went wrong; the message is not told: it may hold a value of somebody."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/serving/" in frame.filename or "/features/" in frame.filename] or frames
    return f"{type(error).__name__} at {own[-1].name}:{own[-1].lineno}" if own else type(error).__name__
