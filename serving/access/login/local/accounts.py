"""The accounts of the local provider: made by chance on each machine, so that no password is known beforehand."""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from serving.access.errors import AccessError

STEP_SECONDS: Final = 30
_DIGITS = 6
_SECRET_BYTES = 20
_ONLY_OWNER = 0o600


class AccountsFileError(AccessError):
    """The file of demonstration accounts cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        super().__init__(f"{path.name}: {why} Remove it: new accounts are made at the next start.")


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """One account; the password lies in a file that only its owner may read, because a demonstration must tell it.

    Attributes:
        login: the name to type.
        subject: what tokens call it.
        password: in clear.
        totp_key: of the second factor, in base 32, as authenticator apps take it; None: the account has none.
    """

    login: str
    subject: str
    password: str = field(repr=False)
    totp_key: str | None = field(default=None, repr=False)

    def knows(self, password: str) -> bool:
        """Is it the password?"""
        return hmac.compare_digest(password.encode(), self.password.encode())

    def step_of(self, code: str, seconds: int) -> int | None:
        """The time step of a code that is right now, or was a step ago, or will be in one; None: it is wrong.

        Source:
            RFC 6238, section 5.2: one step of tolerance; the caller takes each step once.
        """
        if self.totp_key is None:
            return None
        steps = (seconds // STEP_SECONDS + offset for offset in (0, -1, 1))
        totp = self._totp()
        right = (s for s in steps if hmac.compare_digest(totp.generate(s * STEP_SECONDS), code.strip().encode()))
        return next(right, None)

    def code_at(self, seconds: int) -> str:
        """The code that an authenticator app would show; for tests, and for a demonstration without a phone."""
        return self._totp().generate(seconds).decode()

    def _totp(self) -> TOTP:
        assert self.totp_key is not None
        # SHA-1, 6 digits, 30 seconds: what every authenticator app does. HMAC does not need collision resistance.
        return TOTP(base64.b32decode(self.totp_key), _DIGITS, SHA1(), STEP_SECONDS)  # nosec B303


def make_account(login: str, *, second_factor: bool) -> LocalAccount:
    """A new account with a password, and where wanted a second factor, made by chance."""
    key = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode() if second_factor else None
    return LocalAccount(login, f"local-{secrets.token_hex(8)}", secrets.token_urlsafe(9), key)


def keep_accounts(path: Path, logins: Iterable[tuple[str, bool]]) -> tuple[LocalAccount, ...]:
    """The accounts in a file; those that are missing are made and added.

    Args:
        path: readable and writable by its owner alone.
        logins: wanted names, each with whether it has a second factor.

    Raises:
        AccountsFileError: it is no such file, or others may read it.
    """
    known = {account.login: account for account in _read(path)} if path.exists() else {}
    for login, second_factor in logins:
        if login not in known:
            known[login] = make_account(login, second_factor=second_factor)
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_suffix(".new")
    waiting.unlink(missing_ok=True)
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER), "w", encoding="utf-8") as file:
        json.dump([asdict(account) for account in known.values()], file, ensure_ascii=False, indent=1)
    waiting.replace(path)
    return tuple(known.values())


def _read(path: Path) -> list[LocalAccount]:
    if path.stat().st_mode & 0o077:
        raise AccountsFileError(path, "others than its owner may read it.")
    try:
        return [LocalAccount(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError):
        raise AccountsFileError(path, "it is no file of accounts.") from None
