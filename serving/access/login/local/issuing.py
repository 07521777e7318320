"""What the local provider remembers and signs: visits, codes that work once, keys that change."""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
import threading
from dataclasses import dataclass, replace
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from serving.access.login.flow import challenge_of
from serving.access.login.local.accounts import LocalAccount

VISIT_OPEN: Final = dt.timedelta(minutes=10)
_CODE_OPEN = dt.timedelta(seconds=60)
_TOKEN_OPEN = dt.timedelta(minutes=5)
_MOST_VISITS: Final = 10_000
ALGORITHM: Final = "ES256"


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the provider, and what the application asked for.

    Attributes:
        redirect_uri: where they go back to.
        state: the application's.
        nonce: the application's.
        challenge: of its verifier.
        until: after which it is too late.
        account: once the password was right.
    """

    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    until: dt.datetime
    account: LocalAccount | None = None


class Issuing:
    """Memory and keys of one provider; safe between threads.

    Args:
        issuer: its name.
        client_id: of the one application it serves.
    """

    def __init__(self, issuer: str, client_id: str) -> None:
        self._issuer, self._client_id = issuer, client_id
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._codes: dict[str, tuple[Visit, dt.datetime, bool]] = {}
        self._steps: dict[str, int] = {}
        self._keys = [_new_key()]

    def rotate(self) -> None:
        """Sign with a new key from now on; the one before stays published, for tokens that are under way."""
        with self._lock:
            self._keys = [_new_key(), self._keys[0]]

    def published_keys(self) -> KeySet:
        """The public keys."""
        return KeySet([*self._keys])

    def keep(self, visit: Visit, now: dt.datetime) -> str:
        """Remember a visit; its name goes into the form."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._visits = {key: kept for key, kept in self._visits.items() if now < kept.until}
            if len(self._visits) < _MOST_VISITS:  # beyond it the newest are forgotten: nobody's memory is endless
                self._visits[name] = visit
        return name

    def find(self, name: str, now: dt.datetime) -> Visit | None:
        """A visit that is still open."""
        visit = self._visits.get(name)
        return visit if visit is not None and now < visit.until else None

    def recognise(self, name: str, account: LocalAccount, now: dt.datetime) -> str:
        """The password was right: the visit goes on under a new name."""
        with self._lock:
            visit = self._visits.pop(name)
        return self.keep(replace(visit, account=account), now)

    def take_step(self, account: LocalAccount, step: int) -> bool:
        """Each code works once: is this step later than all taken before?"""
        with self._lock:
            if step <= self._steps.get(account.login, -1):
                return False
            self._steps[account.login] = step
            return True

    def leave(self, name: str, account: LocalAccount, now: dt.datetime, *, strong: bool) -> tuple[Visit, str] | None:
        """End the visit with a code; None where somebody ended it before."""
        code = secrets.token_urlsafe(32)
        with self._lock:
            visit = self._visits.pop(name, None)
            if visit is None:
                return None
            visit = replace(visit, account=account)
            self._codes = {key: kept for key, kept in self._codes.items() if now < kept[1]}
            self._codes[code] = (visit, now + _CODE_OPEN, strong)
        return visit, code

    def redeem(self, code: str, redirect_uri: str, verifier: str, now: dt.datetime) -> str | None:
        """The ID token for a code, once; None where the code is used, old, or not this application's."""
        with self._lock:
            visit, until, strong = self._codes.pop(code, (None, now, False))
        if visit is None or visit.account is None or now >= until or redirect_uri != visit.redirect_uri:
            return None
        if not hmac.compare_digest(challenge_of(verifier).encode(), visit.challenge.encode()):
            return None
        return self.sign(
            {
                "iss": self._issuer,
                "sub": visit.account.subject,
                "aud": self._client_id,
                "azp": self._client_id,
                "iat": int(now.timestamp()),
                "exp": int((now + _TOKEN_OPEN).timestamp()),
                "nonce": visit.nonce,
                "amr": ["pwd", "otp", "mfa"] if strong else ["pwd"],
            }
        )

    def sign(self, claims: dict[str, object]) -> str:
        """Claims under the newest key."""
        key = self._keys[0]
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key)


def _new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM, "kid": secrets.token_hex(8)}, private=True)
