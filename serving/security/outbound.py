"""Calls outwards that cannot be turned inwards: the list, one look-up, that very address, no redirects, 5 s, 1 MB.

The name is looked up once and the connection goes to the address that was judged, so that a second, different answer
of the name server is never asked for. Certificates are checked against the name as always.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

import httpcore
import httpx

from serving.security.addresses import Address, AllowList, address_in, choose_address, target_of
from serving.security.errors import OutboundFailedError

MOST_SECONDS: Final = 5.0
"""For everything together: look-up, connection, handshake, sending, and the answer to its last byte."""
MOST_BYTES: Final = 1 << 20

Resolver = Callable[[str, int], list[Address]]
"""The addresses of a host name."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SLOW: Final = "too slow"
_BROKEN: Final = "broken off, or no connection"


@dataclass(frozen=True, slots=True)
class OutboundAnswer:
    """What a called server answered."""

    status: int
    headers: httpx.Headers
    body: bytes


class OutboundClient:
    """Calls servers on the list, and nobody else.

    Args:
        allowed: hosts and ports that may be called.
        resolve: looks up host names; the system's by default.
        trusted: certificates to trust; the usual authorities by default.
        most_seconds: after so long a call has failed.
        most_bytes: a longer answer is no answer.
    """

    def __init__(
        self,
        allowed: AllowList,
        resolve: Resolver | None = None,
        trusted: ssl.SSLContext | None = None,
        most_seconds: float = MOST_SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._allowed, self._resolve, self._trusted = allowed, resolve or look_up, trusted
        self._most_seconds, self._most_bytes = most_seconds, most_bytes

    def call(
        self, method: str, url: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> OutboundAnswer:
        """Call a server and take its whole answer.

        Raises:
            OutboundRefusedError: the address may not be called; nothing was sent.
            OutboundFailedError: too slow, too large, broken off, or it sends us elsewhere. The server may have acted.
        """
        deadline = _Deadline(self._most_seconds)
        target = target_of(url)
        entry = self._allowed.entry_for(target)
        literal = address_in(target.host)
        found = [literal] if literal else deadline.addresses(self._resolve, target.host, target.port)
        address = choose_address(entry, found)
        # No environment: a proxy named there would do the look-up again, where nobody judges it.
        with httpx.Client(
            transport=_PinnedTransport(address, deadline, self._trusted),
            trust_env=False,
            follow_redirects=False,
            timeout=self._most_seconds,
        ) as client:
            # No compression: a small answer must not become a large one.
            sent = {**(headers or {}), "Accept-Encoding": "identity", "Connection": "close"}
            try:
                with client.stream(method, url, content=content, headers=sent) as response:
                    return self._taken(response)
            except (httpx.TimeoutException, httpcore.TimeoutException):
                raise OutboundFailedError(_SLOW) from None
            except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError):
                raise OutboundFailedError(_SLOW if deadline.left() <= 0 else _BROKEN) from None

    def _taken(self, response: httpx.Response) -> OutboundAnswer:
        if response.status_code in _REDIRECTS:
            raise OutboundFailedError("it sends us to another address, and no redirect is followed")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise OutboundFailedError("compressed though we asked for no compression")
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > self._most_bytes:
                raise OutboundFailedError(f"longer than {self._most_bytes:,} bytes")
        return OutboundAnswer(response.status_code, response.headers, bytes(body))


def look_up(host: str, port: int) -> list[Address]:
    """All addresses of a host, by the system's resolver; none where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


class _Deadline:
    """The moment by which a call is over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def left(self) -> float:
        return self._end - time.perf_counter()

    def shorter(self, timeout: float | None) -> float:
        """A time limit for one step that does not reach past the end.

        Raises:
            httpcore.TimeoutException: there is no time left.
        """
        left = self.left()
        if left <= 0:
            raise httpcore.TimeoutException(_SLOW)
        return left if timeout is None else min(left, timeout)

    def addresses(self, resolve: Resolver, host: str, port: int) -> list[Address]:
        """Look a name up, which has no time limit of its own; where it takes too long it is left behind.

        Raises:
            OutboundFailedError: too slow.
        """
        found: list[list[Address]] = []
        thread = threading.Thread(target=lambda: found.append(resolve(host, port)), daemon=True)
        thread.start()
        thread.join(max(0.0, self.left()))
        if thread.is_alive():
            raise OutboundFailedError(_SLOW)
        return found[0] if found else []


class _PinnedTransport(httpx.BaseTransport):
    """Sends one request, to one address, whatever its name says by now."""

    def __init__(self, address: Address, deadline: _Deadline, trusted: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted or httpx.create_ssl_context(trust_env=False),
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=_PinnedBackend(address, deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                url,
                headers=request.headers.raw,
                content=cast("Iterable[bytes]", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to the address that was judged, and to no other."""

    def __init__(self, address: Address, deadline: _Deadline) -> None:
        self._address, self._deadline, self._real = address, deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        limit = self._deadline.shorter(timeout)
        stream = self._real.connect_tcp(str(self._address), port, limit, local_address, socket_options)
        return _TimedStream(stream, self._deadline)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends by the same moment: a server that drips bytes gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.shorter(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.shorter(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = self._deadline.shorter(timeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, limit), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
