"""A service does not start with secrets that are missing, short, guessable or exposed, and shows none."""

from __future__ import annotations

import base64
import copy
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.security.errors import UnsafeSecretsError
from serving.security.secrets import FIELD_KEK, KEYS, Secret, make_key, open_secrets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as a careful person leaves it."""
    made = tmp_path / "secrets"
    open_secrets(made, makes_missing=True)
    return made


def put(folder: Path, name: str, content: bytes, mode: int = 0o600) -> None:
    (folder / name).write_bytes(content)
    (folder / name).chmod(mode)


def test_the_embedded_home_makes_its_own_once(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(KEYS)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    found = open_secrets(folder, makes_missing=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len({found.key(name) for name in KEYS}) == len(KEYS)
    assert all(len(found.key(name)) == 32 for name in KEYS)


def test_a_named_server_gets_none_made(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o700)
    with pytest.raises(UnsafeSecretsError) as refusal:
        open_secrets(tmp_path / "secrets", makes_missing=False)
    assert len(refusal.value.findings) == len(KEYS)
    assert list((tmp_path / "secrets").iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnsafeSecretsError, match="APPLYFREE_SECRETS"):
        open_secrets(tmp_path / "nowhere", makes_missing=False)


def test_a_good_folder_is_taken(folder: Path) -> None:
    assert open_secrets(folder, makes_missing=False).names() == sorted(KEYS)


GOOD = base64.b64encode(bytes(range(100, 132)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "default or an example"),
        (b"changeme", "default or an example"),
        (b"change-me-please-change-me-please", "default or an example"),
        (b"SECRET SECRET SECRET SECRET SECRET SECRET", "default or an example"),
        (base64.b64encode(b"applyfree-development-key-00000!"), "not made by chance"),
        (base64.b64encode(b"\0" * 32), "not made by chance"),
        (base64.b64encode(b"ab" * 16), "not made by chance"),
        (base64.b64encode(bytes(range(100, 116))), "too short: 16 bytes"),
        (base64.b64encode(bytes(range(100, 140))), "not 32 bytes"),
        (b"not base64 at all, but quite long for a key it is", "not 32 bytes"),
    ],
)
def test_a_key_that_is_none_is_refused(folder: Path, content: bytes, why: str) -> None:
    put(folder, "csrf", content)
    with pytest.raises(UnsafeSecretsError, match=why) as refusal:
        open_secrets(folder, makes_missing=False)
    assert len(refusal.value.findings) == 1
    assert len(content) < 8 or content.decode("latin-1") not in str(refusal.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666, 0o620])
def test_an_exposed_key_is_refused_also_where_we_make_them(folder: Path, mode: int) -> None:
    (folder / "csrf").chmod(mode)
    for makes in (True, False):
        with pytest.raises(UnsafeSecretsError, match=f"csrf: others may read or write it .mode {mode:04o}"):
            open_secrets(folder, makes_missing=makes)


def test_a_folder_that_others_may_write_to_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    with pytest.raises(UnsafeSecretsError, match="Others may write"):
        open_secrets(folder, makes_missing=False)


def test_one_key_for_two_ends_is_refused(folder: Path) -> None:
    put(folder, "session", (folder / "csrf").read_bytes())
    with pytest.raises(UnsafeSecretsError, match="session: it is the same as csrf"):
        open_secrets(folder, makes_missing=False)


def test_everything_wrong_is_said_at_once(folder: Path) -> None:
    put(folder, "csrf", b"changeme")
    put(folder, "session", GOOD, 0o644)
    (folder / "blind-index").unlink()
    put(folder, "Notes.txt", b"x")
    with pytest.raises(UnsafeSecretsError) as refusal:
        open_secrets(folder, makes_missing=False)
    assert len(refusal.value.findings) == 4
    assert GOOD.decode() not in str(refusal.value)


def test_a_text_of_somebody_else_is_wanted_and_never_made(folder: Path) -> None:
    with pytest.raises(UnsafeSecretsError, match="oidc-password: it is missing"):
        open_secrets(folder, makes_missing=True, also=["oidc-password"])
    put(folder, "oidc-password", b"password12345")
    with pytest.raises(UnsafeSecretsError, match="too short"):
        open_secrets(folder, makes_missing=True)
    put(folder, "oidc-password", b"password-password-12345")
    with pytest.raises(UnsafeSecretsError, match="default or an example"):
        open_secrets(folder, makes_missing=True)
    put(folder, "oidc-password", b"kX9-vT2q-Lm4z-Rw8p\n")
    assert open_secrets(folder, makes_missing=True).key("oidc-password") == b"kX9-vT2q-Lm4z-Rw8p"


def test_keys_have_versions_and_the_first_may_be_gone(folder: Path) -> None:
    make_key(folder, f"{FIELD_KEK}.2")
    make_key(folder, f"{FIELD_KEK}.11")
    assert list(open_secrets(folder, makes_missing=False).versions(FIELD_KEK)) == [1, 2, 11]
    (folder / f"{FIELD_KEK}.1").unlink()
    assert list(open_secrets(folder, makes_missing=True).versions(FIELD_KEK)) == [2, 11]


def test_random_keys_are_never_taken_for_guessable_ones(folder: Path) -> None:
    for number in range(300):
        make_key(folder, f"more-{number}")
    assert len(open_secrets(folder, makes_missing=False).names()) == len(KEYS) + 300


def test_a_random_key_without_any_letter_or_figure_is_a_key(folder: Path) -> None:
    """One in seven thousand is; a service that refuses it does not start."""
    put(folder, "csrf", base64.b64encode(bytes(range(128, 160))))
    assert open_secrets(folder, makes_missing=False).key("csrf") == bytes(range(128, 160))


def test_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    def start(_: int) -> list[bytes]:
        found = open_secrets(tmp_path / "secrets", makes_missing=True)
        return [found.key(name) for name in KEYS]

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(start, range(32)))
    assert all(keys == seen[0] for keys in seen)
    assert sorted(os.listdir(tmp_path / "secrets")) == sorted(KEYS)


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("csrf", b"the value")
    assert "the value" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError, match="not stored or sent"):
        copy.copy(secret)  # what a pickle asks for, too
