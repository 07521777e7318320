"""Which addresses may be called: those on the list, written plainly, that lead to no place inside our own network.

Source:
    OWASP ASVS 5.0, 1.3.6, 13.2.4, 15.3.2; RFC 6890 and the IANA registries of special-purpose addresses; RFC 3986.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

from serving.security.errors import OutboundRefusedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MOST_CHARACTERS: Final = 2_048
_PLAIN: Final = re.compile(r"https?://[!-~]+", re.ASCII)
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# What a C library takes for an address though it is none as we write them: 2130706433, 0x7f.1, 127.1, 0177.0.0.1.
_NUMBERS: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.ASCII)
_PORTS: Final = {"http": 80, "https": 443}
# Beyond what `ipaddress` calls not global: networks that carry an IPv4 address inside (a way around every check of
# it), shared, benchmarking and retired ones. Older interpreters know fewer of them by themselves.
_NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2002::/16", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip


class Reason(enum.StrEnum):
    """Why an address is not called."""

    UNREADABLE = "unreadable address"
    SCHEME = "neither http nor https"
    USER_INFORMATION = "user information in the address"
    ODD_HOST = "host written in an odd way"
    NOT_LISTED = "not on the list"
    INTERNAL = "leads into a network that is not public"
    NO_ADDRESS = "the name has no address"


_REMEDIES: Final = {
    Reason.UNREADABLE: "Write it plainly, in ASCII, without spaces or backslashes.",
    Reason.SCHEME: "Use https.",
    Reason.USER_INFORMATION: "Take name and password out of the address.",
    Reason.ODD_HOST: "Write the host as a plain name, or as an address in its usual form.",
    Reason.NOT_LISTED: "Whoever runs this service may add host and port to the list of outbound addresses.",
    Reason.INTERNAL: "Only an address that the list names itself (`host:port=address`) may lie inside.",
    Reason.NO_ADDRESS: "Ask whoever runs that server.",
}


def refused(reason: Reason) -> OutboundRefusedError:
    """The error that says why, and what to do."""
    return OutboundRefusedError(reason.value, _REMEDIES[reason])


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of the list: a host and port that may be called, and by which scheme.

    Attributes:
        scheme: `https`, or `http` where the entry says so.
        host: in lower case; a name or an address.
        port: number.
        addresses: those that the host may have though they are not public; empty: public ones only.
    """

    scheme: str
    host: str
    port: int
    addresses: frozenset[Address] = frozenset()

    @classmethod
    def read(cls, entry: str) -> Self:
        """Read `host:port`, `http://host:port` or `host:port=address,address`.

        Raises:
            ValueError: it is none of these.
        """
        where, _, named = entry.strip().partition("=")
        url = where if "://" in where else f"https://{where}"
        try:
            parts = target_of(url)
            addresses = frozenset(ipaddress.ip_address(text.strip()) for text in named.split(",") if text.strip())
        except (OutboundRefusedError, ValueError) as error:
            raise ValueError(f"`{entry}` is no entry of a list of outbound addresses: write host:port.") from error
        literal = address_in(parts.host)
        return cls(parts.scheme, parts.host, parts.port, addresses | ({literal} if literal else frozenset()))


@dataclass(frozen=True, slots=True)
class Target:
    """Where an address points, taken apart."""

    scheme: str
    host: str
    port: int


class AllowList:
    """The hosts and ports that may be called; nothing else may.

    Args:
        entries: as :meth:`Listed.read` reads them.

    Raises:
        ValueError: an entry cannot be read.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        read = map(Listed.read, entries)
        self._listed = {(entry.scheme, entry.host, entry.port): entry for entry in read}

    def entry_for(self, target: Target) -> Listed:
        """The entry that allows a target.

        Raises:
            OutboundRefusedError: none does, or it is written as an internal address that none names.
        """
        entry = self._listed.get((target.scheme, target.host, target.port))
        if entry is not None:
            return entry
        literal = address_in(target.host)
        raise refused(Reason.INTERNAL if literal and not is_public(literal) else Reason.NOT_LISTED)


def target_of(url: str) -> Target:
    """Take an address apart, where everybody who reads it reads the same.

    Raises:
        OutboundRefusedError: it is odd in any way; two programs that read it differently are how walls are passed.
    """
    if "://" in url[:12] and not url.lower().startswith(("http://", "https://")):
        raise refused(Reason.SCHEME)
    if len(url) > _MOST_CHARACTERS or not _PLAIN.fullmatch(url) or "\\" in url or "#" in url:
        raise refused(Reason.UNREADABLE)
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise refused(Reason.UNREADABLE) from None
    if "@" in parts.netloc:
        raise refused(Reason.USER_INFORMATION)
    if not _is_plain_host(host, parts.netloc):
        raise refused(Reason.ODD_HOST)
    target = Target(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)
    if not target.port or target != _as_sent(url):
        raise refused(Reason.UNREADABLE)
    return target


def _as_sent(url: str) -> Target | None:
    """The same address as the client reads that will send the request; None: it cannot read it."""
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    return Target(read.scheme, read.host, read.port or _PORTS[read.scheme])


def _is_plain_host(host: str, where: str) -> bool:
    if "%" in where:
        return False
    if where.startswith("[") or _NUMBERS.fullmatch(host):
        literal = address_in(host)
        return literal is not None and str(literal) == host
    return _HOST_NAME.fullmatch(host) is not None


def address_in(host: str) -> Address | None:
    """The address that a host is written as; None: a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Does the address lie in the public network, and in nobody's own?"""
    inside = any(address in network for network in _NEVER if network.version == address.version)
    return address.is_global and not address.is_multicast and not address.is_reserved and not inside


def choose_address(entry: Listed, answers: Iterable[Address]) -> Address:
    """The one address to connect to, of all that the name has.

    Raises:
        OutboundRefusedError: there is none, or any of them is internal and not named by the entry: a name that has
            both kinds is not one to trust.
    """
    found = list(answers)
    if not found:
        raise refused(Reason.NO_ADDRESS)
    if not all(address in entry.addresses or is_public(address) for address in found):
        raise refused(Reason.INTERNAL)
    return found[0]
