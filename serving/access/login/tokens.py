"""The ID token: who it says is there, and whether to believe it."""

from __future__ import annotations

import binascii
import datetime as dt
import hmac
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwt import JWTClaimsRegistry

from serving.access.errors import LoginRefusedError
from serving.access.login.provider import Provider

ALGORITHMS: Final = ("ES256", "PS256", "RS256")
"""Signatures with a key that only the provider holds. Never `none`, never HMAC: a public key is no secret."""
SECOND_FACTORS: Final = frozenset({"mfa", "otp", "hwk", "sc", "pop"})
"""Methods that show that something is held besides what is known. Source: RFC 8176, section 2."""
_LEEWAY_SECONDS = 5
_OLDEST = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for.

    Attributes:
        issuer: the provider.
        subject: the provider's name for them, never reused.
        strong: did they show a second factor?
    """

    issuer: str
    subject: str
    strong: bool


def read_id_token(token: str, provider: Provider, nonce: str, now: dt.datetime) -> Identity:
    """Believe a token, or refuse.

    Args:
        token: as the token endpoint gave it.
        provider: which must have signed it.
        nonce: that we sent with this login, and with no other.
        now: the moment.

    Raises:
        LoginRefusedError: it is not to be believed.
        ProviderError: the provider's keys cannot be had.

    Source:
        OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725.
    """
    keys = provider.keys(_key_id(token), now)
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError):
        raise LoginRefusedError("signature") from None
    client = provider.client
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "value": client.issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )
    try:
        registry.validate(claims)
    except (InvalidClaimError, MissingClaimError) as error:
        raise LoginRefusedError(f"claim {error.claim}") from None
    except ExpiredTokenError:
        raise LoginRefusedError("claim exp") from None
    _check_rest(claims, client.client_id, nonce, now)
    methods = claims.get("amr")
    strong = isinstance(methods, list) and bool(SECOND_FACTORS & {item for item in methods if isinstance(item, str)})
    return Identity(client.issuer, str(claims["sub"]), strong)


def _check_rest(claims: dict[str, object], client_id: str, nonce: str, now: dt.datetime) -> None:
    """What the library leaves to us: the nonce in constant time, other audiences, the age."""
    sent = claims["nonce"]
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), nonce.encode()):
        raise LoginRefusedError("claim nonce")
    # A token for others too could have been got by one of them: then it must name us as its party. We trust no other.
    audience = claims["aud"]
    if isinstance(audience, list) and audience != [client_id] and claims.get("azp") != client_id:
        raise LoginRefusedError("claim azp")
    if claims.get("azp") not in (None, client_id):
        raise LoginRefusedError("claim azp")
    issued = claims["iat"]
    assert isinstance(issued, int | float)
    if now.timestamp() - issued > _OLDEST.total_seconds():
        raise LoginRefusedError("claim iat")


def _key_id(token: str) -> str | None:
    """The key that a token names, before anything in it is believed: only to know whether to ask for keys again."""
    head = token.split(".", 1)[0]
    try:
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        raise LoginRefusedError("signature") from None
    named = header.get("kid") if isinstance(header, dict) else None
    return named if isinstance(named, str) else None
