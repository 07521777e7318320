"""Files that somebody sends: we name them, and look into archives before anything is unpacked.

Source:
    OWASP ASVS 5.0, 5.2.1 (size, ratio and number of what is packed), 5.3.2 (names made by the server); Fifield, A
    better zip bomb (WOOT 2019): entries that overlap.
"""

from __future__ import annotations

import re
import secrets
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serving.security.errors import UploadRefusedError

KINDS: Final = frozenset({"csv", "jpg", "pdf", "png", "xlsx"})
"""What a file may be; its sender's name for it is kept as text, where at all, and never becomes a path."""

_NAME: Final = re.compile(r"[a-z0-9]{32}\.[a-z]{3,4}")
_NAME_BYTES: Final = 16
_PACKED: Final = (".7z", ".bz2", ".gz", ".jar", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst")
_ENCRYPTED: Final = 0x1


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may hold.

    Attributes:
        entries: at most so many.
        unpacked_bytes: of all of them together.
        ratio: of unpacked to packed bytes, of each entry that unpacks to more than `small_bytes`.
        small_bytes: an entry up to this size may be packed as well as it likes.
    """

    entries: int = 1_000
    unpacked_bytes: int = 200 << 20
    ratio: int = 100
    small_bytes: int = 1 << 20


def new_name(kind: str) -> str:
    """A name of our own for a file that was sent.

    Raises:
        UploadRefusedError: files of this kind are not taken.
    """
    if kind not in KINDS:
        raise UploadRefusedError(f"files of this kind are not taken, only: {', '.join(sorted(KINDS))}")
    return f"{secrets.token_hex(_NAME_BYTES)}.{kind}"


def stored_at(folder: Path, name: str) -> Path:
    """Where a file lies that has a name of ours.

    Raises:
        UploadRefusedError: the name is not one that :func:`new_name` makes, or what lies there leads elsewhere.
    """
    if not _NAME.fullmatch(name) or name.rpartition(".")[2] not in KINDS:
        raise UploadRefusedError("this is no name of a file that we keep")
    path = folder / name
    if path.is_symlink() or path.resolve().parent != folder.resolve():
        raise UploadRefusedError("this is no name of a file that we keep")
    return path


def check_archive(path: Path, limits: ArchiveLimits | None = None) -> None:
    """Look into an archive (a workbook is one too) without unpacking it.

    Raises:
        UploadRefusedError: it is none, or holds too much, or what no honest archive holds.
    """
    limits = limits or ArchiveLimits()
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            for reason in _reasons(entries, path.stat().st_size, limits):
                raise UploadRefusedError(reason)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise UploadRefusedError("it is no archive, or a damaged one") from error


def _reasons(entries: list[zipfile.ZipInfo], size: int, limits: ArchiveLimits) -> Iterable[str]:
    """Everything that is wrong with an archive of so many bytes."""
    if len(entries) > limits.entries:
        yield f"it holds more than {limits.entries:,} files"
    if sum(entry.file_size for entry in entries) > limits.unpacked_bytes:
        yield f"it unpacks to more than {limits.unpacked_bytes:,} bytes"
    # Entries that lie over each other share their packed bytes: together they claim more than there are.
    if sum(entry.compress_size for entry in entries) > size or len({e.header_offset for e in entries}) < len(entries):
        yield "its files overlap"
    for entry in entries:
        if entry.file_size > limits.small_bytes and entry.file_size > limits.ratio * max(1, entry.compress_size):
            yield f"a file in it unpacks to more than {limits.ratio} times its size"
        if entry.flag_bits & _ENCRYPTED:
            yield "a file in it is encrypted"
        if entry.filename.lower().endswith(_PACKED):
            yield "it holds another archive"
        if _leads_out(entry.filename):
            yield "a file in it has a name that leads elsewhere"


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ":" in parts[0] or ".." in parts or not name.isprintable()
