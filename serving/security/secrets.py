"""Secrets: one folder, a file each, readable by the service's own user alone; none is ever shown.

Where the database is our own (the embedded one), what is missing is made on the first start. A service that uses a
named server gets its secrets from whoever runs it, and does not start with missing, short, guessable or exposed ones.

Source:
    OWASP ASVS 5.0, 13.3.1, 13.4.2, 11.2.1. NIST SP 800-133, section 6: keys come from a random bit generator.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from serving.security.errors import UnsafeSecretsError

KEY_BYTES: Final = 32
CSRF: Final = "csrf"
SESSION: Final = "session"
BLIND_INDEX: Final = "blind-index"
FIELD_KEK: Final = "field-kek"
"""Its versions are `field-kek.1`, `field-kek.2` and so on; the highest wraps what is written from now on."""
DCI_SIGNING: Final = "dci-signing"
"""The secret of which our key for messages to departments is made."""
KEYS: Final = (BLIND_INDEX, CSRF, SESSION, f"{FIELD_KEK}.1")
"""The keys that every service has: each 32 random bytes, in base64."""

_LEAST_TEXT: Final = 16
_LEAST_DIFFERENT: Final = 12
"""Of 32 random bytes, fewer than so many differ once in 10^15 keys."""
_MOST_BYTES: Final = 64 << 10
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*(?:\.[1-9][0-9]{0,5})?")
# What examples, defaults and tired people write. Compared without case, spaces and signs.
_GUESSABLE: Final = (
    "changeme", "change", "default", "example", "secret", "password", "passwd", "test", "demo", "sample", "dummy",
    "admin", "applyfree", "insecure", "development", "letmein", "qwerty", "12345", "abcdef", "placeholder", "todo",
)  # fmt: skip


class Secret:
    """A secret that no log, message or trace shows: only :meth:`reveal` gives it."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: bytes) -> None:
        self.name, self._value = name, value

    def reveal(self) -> bytes:
        """The secret itself. Hand it to what computes with it, and to nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not stored or sent to another process: read it from its file there.")


@dataclass(frozen=True, slots=True)
class SecretFolder:
    """The secrets that were found safe, by name."""

    _held: Mapping[str, Secret]

    def key(self, name: str) -> bytes:
        """A key of 32 bytes.

        Raises:
            UnsafeSecretsError: there is none of this name.
        """
        secret = self._held.get(name)
        if secret is None:
            raise UnsafeSecretsError([f"{name}: there is no such secret. Put it there, mode 0600."])
        return secret.reveal()

    def versions(self, name: str) -> dict[int, bytes]:
        """All versions of a key, like `field-kek.1`."""
        found = {int(other.rpartition(".")[2]): held for other, held in self._held.items() if _is_version(other, name)}
        return {version: found[version].reveal() for version in sorted(found)}

    def names(self) -> list[str]:
        """What there is."""
        return sorted(self._held)


def _is_version(name: str, of: str) -> bool:
    return name.rpartition(".")[0] == of


def open_secrets(folder: Path, *, makes_missing: bool, also: Iterable[str] = ()) -> SecretFolder:
    """Read and check the folder of secrets.

    Args:
        folder: of the secrets.
        makes_missing: make keys that are missing: for the embedded database alone, where nobody else would.
        also: names of secrets that this service needs besides :data:`KEYS`; those whose name ends with `-password` or
            `-pem` are texts of somebody else's and are never made.

    Raises:
        UnsafeSecretsError: with everything that is wrong, so that one reading is enough.
    """
    wanted = [*KEYS, *also]
    if makes_missing:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in wanted:
            if not _is_text(name) and not _has(folder, name):
                make_key(folder, name)
    findings = _about_folder(folder)
    if findings:
        raise UnsafeSecretsError(findings)
    held: dict[str, Secret] = {}
    for path in sorted(folder.iterdir()):
        if not path.name.startswith("."):
            findings += _read(path, held)
    missing = [name for name in wanted if not _has(folder, name)]
    findings += [
        f"{name}: it is missing. Put {KEY_BYTES} random bytes there, in base64, mode 0600." for name in missing
    ]
    findings += _repeated(held)
    if findings:
        raise UnsafeSecretsError(findings)
    return SecretFolder(held)


def make_key(folder: Path, name: str) -> None:
    """Make a random key where there is none."""
    keep_secret(folder, name, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")


def keep_secret(folder: Path, name: str, written: bytes) -> None:
    """Keep a secret where there is none; of two processes that do, one wins and both read the same."""
    passing = folder / f".{name}.{secrets.token_hex(8)}"
    handle = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        # A link is refused where the name exists: a key is never overwritten, and never seen half written.
        os.link(passing, folder / name)
    except FileExistsError:
        pass
    finally:
        passing.unlink()


def _has(folder: Path, name: str) -> bool:
    """A key with versions is there when any of them is: the first may be gone by now."""
    if name.endswith(".1"):
        return any(_is_version(path.name, name[:-2]) for path in folder.glob(f"{name[:-2]}.*"))
    return (folder / name).exists()


def _is_text(name: str) -> bool:
    return name.endswith(("-password", "-pem"))


def _about_folder(folder: Path) -> list[str]:
    try:
        found = folder.stat()
    except OSError as error:
        return [f"The folder of secrets cannot be read ({error.strerror}). APPLYFREE_SECRETS names it."]
    if not stat.S_ISDIR(found.st_mode):
        return ["What APPLYFREE_SECRETS names is no folder."]
    if found.st_mode & 0o022:
        return [f"Others may write to the folder of secrets (mode {found.st_mode & 0o777:04o}). Make it 0700."]
    return []


def _read(path: Path, held: dict[str, Secret]) -> list[str]:
    """Read one file into `held`; or what is wrong with it."""
    name = path.name
    if not _NAME.fullmatch(name):
        return ["A file in the folder has a name that no secret has. Take it away."]
    try:
        # One opening: what is judged is what is read.
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(_MOST_BYTES + 1) if stat.S_ISREG(found.st_mode) else b""
    except OSError as error:
        return [f"{name}: it cannot be read ({error.strerror})."]
    exposed = found.st_mode & 0o077
    if exposed:
        return [f"{name}: others may read or write it (mode {found.st_mode & 0o777:04o}). Make it 0600, and renew it."]
    if found.st_uid not in (0, os.geteuid()):
        return [f"{name}: it belongs to another user."]
    if len(content) > _MOST_BYTES:
        return [f"{name}: it is longer than any secret."]
    value, wrong = _text(content) if _is_text(name) else _key(content)
    if wrong:
        return [f"{name}: {wrong}"]
    held[name] = Secret(name, value)
    return []


def _key(content: bytes) -> tuple[bytes, str]:
    if _is_guessable(content):
        return b"", "it is a default or an example. Make a random one."
    try:
        value = base64.b64decode(content.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b"", f"it is not {KEY_BYTES} bytes in base64."
    if len(value) < KEY_BYTES:
        return b"", f"it is too short: {len(value)} bytes, and {KEY_BYTES} are needed."
    if len(value) != KEY_BYTES:
        return b"", f"it is not {KEY_BYTES} bytes in base64."
    # Words of somebody in base64 are ASCII; of four thousand million random keys, one is.
    if len(set(value)) < _LEAST_DIFFERENT or (value.isascii() and _is_guessable(value)):
        return b"", "it was not made by chance. Make a random one."
    return value, ""


def _text(content: bytes) -> tuple[bytes, str]:
    value = content.strip()
    if len(value) < _LEAST_TEXT:
        return b"", f"it is too short: {_LEAST_TEXT} characters or more are needed."
    if _is_guessable(value) and not value.startswith(b"-----BEGIN "):
        return b"", "it is a default or an example. Ask for another."
    return value, ""


def _is_guessable(content: bytes) -> bool:
    """Is it made of words that examples and defaults are made of, and little else?

    Random base64 may hold such a word by chance; then 30 other signs and more are left, and it is no finding.
    """
    plain = re.sub(rb"[^a-z0-9]", b"", content.lower()).decode("ascii")
    if not plain:
        return True
    rest = plain
    for word in _GUESSABLE:
        rest = rest.replace(word, "")
    return len(rest) < len(plain) and (len(rest) < _LEAST_TEXT or len(set(plain)) < _LEAST_DIFFERENT)


def _repeated(held: Mapping[str, Secret]) -> list[str]:
    """A key that serves two ends lets one be attacked through the other."""
    first: dict[bytes, str] = {}
    findings = []
    for name, secret in held.items():
        other = first.setdefault(secret.reveal(), name)
        if other != name:
            findings.append(f"{name}: it is the same as {other}. Each needs its own.")
    return findings
