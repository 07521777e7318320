"""The two halves of a login: sending somebody to the provider, and taking them back."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import httpx

from serving.access.errors import LoginRefusedError
from serving.access.login.provider import Provider
from serving.access.login.tokens import Identity, read_id_token

ATTEMPT_OPEN: Final = dt.timedelta(minutes=10)
"""For how long somebody may be at the provider."""
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login under way: what must come back, once, to the browser that left.

    Attributes:
        state: ties the answer to the browser's request.
        nonce: ties the token to it.
        verifier: ties the code to us (PKCE).
        until: after which it is too late.
    """

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    until: dt.datetime


def begin_login(provider: Provider, now: dt.datetime) -> tuple[Attempt, str]:
    """An attempt, to be kept, and the address to which the browser goes.

    Raises:
        ProviderError: the provider cannot be reached.

    Source:
        RFC 7636 (PKCE); OpenID Connect Core 1.0, section 3.1.2.1.
    """
    state, nonce, verifier = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(3))
    attempt = Attempt(state, nonce, verifier, now + ATTEMPT_OPEN)
    query = {
        "response_type": "code",
        "client_id": provider.client.client_id,
        "redirect_uri": provider.client.redirect_uri,
        "scope": "openid",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge_of(attempt.verifier),
        "code_challenge_method": "S256",
    }
    return attempt, f"{provider.describe().authorization_endpoint}?{urlencode(query)}"


def finish_login(provider: Provider, attempt: Attempt, answer: Mapping[str, str], now: dt.datetime) -> Identity:
    """Whom the provider vouches for.

    Args:
        provider: where they were.
        attempt: as it was kept, and is kept no longer: an attempt is finished once.
        answer: the query with which the browser came back.
        now: the moment.

    Raises:
        LoginRefusedError: the answer is not to this attempt, or proves nothing.
        ProviderError: the provider cannot be reached.
    """
    if now >= attempt.until:
        raise LoginRefusedError("too late")
    if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise LoginRefusedError("state")
    # Another provider's answer brought here by an attacker (mix-up): RFC 9207, section 2.4.
    issuer = answer.get("iss")
    if issuer is None and provider.describe().authorization_response_iss_parameter_supported:
        raise LoginRefusedError("issuer of the answer")
    if issuer is not None and issuer != provider.client.issuer:
        raise LoginRefusedError("issuer of the answer")
    code = answer.get("code")
    if "error" in answer or not code:
        raise LoginRefusedError("no code")
    return read_id_token(_redeem(provider, attempt, code), provider, attempt.nonce, now)


def challenge_of(verifier: str) -> str:
    """What is shown of a verifier before it is told. Source: RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _redeem(provider: Provider, attempt: Attempt, code: str) -> str:
    response = provider.redeem(
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": provider.client.redirect_uri,
            "code_verifier": attempt.verifier,
        }
    )
    if response.status_code != httpx.codes.OK:
        raise LoginRefusedError("code")
    try:
        content = response.json()
    except ValueError:
        raise LoginRefusedError("answer of the token endpoint") from None
    token = content.get("id_token") if isinstance(content, dict) else None
    if not isinstance(token, str):
        raise LoginRefusedError("answer of the token endpoint")
    return token
