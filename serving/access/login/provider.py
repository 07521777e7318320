"""The identity provider as it describes itself, and its keys, which it changes now and then."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import threading
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from serving.access.errors import ProviderError

SECONDS: Final = 5.0
_LARGEST_BYTES = 100_000
_KEYS_FRESH = dt.timedelta(hours=1)
_KEYS_ASKED_AGAIN = dt.timedelta(seconds=30)
"""Tokens with made-up key ids must not make us ask the provider each time."""


@dataclass(frozen=True, slots=True)
class Client:
    """What we are to the provider.

    Attributes:
        issuer: the provider's name, the address below which it describes itself.
        client_id: ours.
        secret: ours, from a file.
        redirect_uri: where it sends people back to.
    """

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str


class Description(BaseModel):
    """What the provider says of itself; what we do not need is not read.

    Source:
        OpenID Connect Discovery 1.0, section 3; RFC 9207, section 3.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    code_challenge_methods_supported: list[str] = []
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """The provider, asked when needed and remembered.

    Args:
        client: what we are to it.
        http: follows no redirects; tests hand in their own.
    """

    def __init__(self, client: Client, http: httpx.Client) -> None:
        self.client = client
        self._http = http
        self._lock = threading.Lock()
        self._description: Description | None = None
        self._keys: KeySet | None = None
        self._keys_at: dt.datetime | None = None

    def describe(self) -> Description:
        """Its addresses.

        Raises:
            ProviderError: it cannot be reached, is somebody else, knows no PKCE, or would have us speak in the clear.
        """
        if self._description is None:
            answer = self._get(self.client.issuer.rstrip("/") + "/.well-known/openid-configuration")
            try:
                found = Description.model_validate_json(answer)
            except ValidationError:
                raise ProviderError("describes itself in no known form", "Check the issuer in the settings.") from None
            if found.issuer != self.client.issuer:
                raise ProviderError("says it is another issuer", "Name it in the settings exactly as it names itself.")
            if "S256" not in found.code_challenge_methods_supported:
                raise ProviderError("does not know PKCE with S256", "Turn it on there: nothing less is used here.")
            for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                if not is_private_way(address):
                    raise ProviderError("names an address without TLS", "Only this machine may be spoken to without.")
            self._description = found
        return self._description

    def keys(self, key_id: str | None, now: dt.datetime) -> KeySet:
        """Its public keys; asked for again where they are old, or where one bears an id that is not known.

        Raises:
            ProviderError: they cannot be had.
        """
        with self._lock:
            age = None if self._keys_at is None else now - self._keys_at
            known = self._keys is not None and key_id in {key.kid for key in self._keys}
            if self._keys is None or age is None or age > _KEYS_FRESH or (not known and age > _KEYS_ASKED_AGAIN):
                answer = self._get(self.describe().jwks_uri)
                try:
                    self._keys = KeySet.import_key_set(json.loads(answer))
                except (JoseError, ValueError, TypeError, KeyError):
                    raise ProviderError("publishes keys in no known form", "Ask its operator.") from None
                self._keys_at = now
            return self._keys

    def redeem(self, form: dict[str, str]) -> httpx.Response:
        """Send a code to the token endpoint.

        Raises:
            ProviderError: it cannot be reached.
        """
        address = self.describe().token_endpoint
        try:
            return self._http.post(
                address, data=form, auth=(self.client.client_id, self.client.secret), timeout=SECONDS,
                headers={"Accept": "application/json"}, follow_redirects=False,
            )  # fmt: skip
        except httpx.HTTPError:
            raise _unreachable() from None

    def _get(self, address: str) -> bytes:
        if not is_private_way(address):
            raise ProviderError("is named without TLS", "Only this machine may be spoken to without.")
        try:
            answer = self._http.get(address, timeout=SECONDS, follow_redirects=False)
        except httpx.HTTPError:
            raise _unreachable() from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > _LARGEST_BYTES:
            raise ProviderError("did not describe itself", "Check the issuer in the settings, or ask its operator.")
        return answer.content


def is_private_way(address: str) -> bool:
    """Can nobody listen: TLS, or this machine itself?"""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname))


def is_this_machine(host: str | None) -> bool:
    """Is a host the machine that asks?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _unreachable() -> ProviderError:
    return ProviderError("cannot be reached", "Try again in a moment; without it nobody new can log in.")
