"""No name leads out of its folder, and no archive fills the disk."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.security.errors import UploadRefusedError
from serving.security.uploads import ArchiveLimits, check_archive, new_name, stored_at
from tests.folders import passing_folder

WAYS_OUT = [
    "../secret.pdf", "..%2fsecret.pdf", "..\\secret.pdf", "%2e%2e/secret.pdf", "/etc/passwd", "C:\\x.pdf",
    "a/../../b.pdf", "\0", "a.pdf\0.exe", "․․/a.pdf", "。。/a.pdf", "‥/a.pdf", "．．／a.pdf", "~/a.pdf", "", ".", "..",
    "a.pdf/", " a.pdf", "con.pdf", "a" * 300 + ".pdf", "a\n.pdf", "a.pdf\n", "ａ.pdf", f"{'a' * 32}.exe",
    f"{'A' * 32}.pdf",
    f"{'a' * 32}.pdf.exe",
]  # fmt: skip


@pytest.mark.parametrize("name", WAYS_OUT)
def test_a_name_that_is_not_ours_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UploadRefusedError, match="no name of a file"):
        stored_at(tmp_path, name)


@given(st.one_of(st.text(), st.lists(st.sampled_from([*WAYS_OUT, "/", "a" * 32, ".pdf"])).map("".join)))
def test_whatever_the_name_nothing_outside_is_reached(name: str) -> None:
    with passing_folder() as folder:
        try:
            path = stored_at(Path(folder), name)
        except UploadRefusedError:
            return
        assert path.parent == Path(folder)


def test_a_name_of_ours_is_a_path_and_no_two_are_the_same(tmp_path: Path) -> None:
    names = {new_name("pdf") for _ in range(1_000)}
    assert len(names) == 1_000
    assert {stored_at(tmp_path, name).parent for name in names} == {tmp_path}


@pytest.mark.parametrize("kind", ["exe", "", "../pdf", "PDF", "svg", "html"])
def test_other_kinds_are_not_taken(kind: str) -> None:
    with pytest.raises(UploadRefusedError, match="files of this kind are not taken"):
        new_name(kind)


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("x")
    name = new_name("pdf")
    (inside / name).symlink_to(tmp_path / "secret")
    with pytest.raises(UploadRefusedError):
        stored_at(inside, name)


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def overlapping(path: Path) -> Path:
    """As the better zip bomb: many entries of the directory that share one packed file."""
    kernel = archive(path, {"0": b"\0" * 900_000}).read_bytes()
    end = kernel.rindex(b"PK\5\6")
    directory = kernel[kernel.index(b"PK\1\2") : end]
    entries = b"".join(directory[:-1] + bytes([48 + n]) for n in range(10))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 10, 10, len(entries), kernel.index(b"PK\1\2"), 0)
    path.write_bytes(kernel[: kernel.index(b"PK\1\2")] + entries + tail)
    return path


def nested() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("0.dll", b"\0" * 1_000)
    return inner.getvalue()


def test_an_honest_archive_is_taken(tmp_path: Path) -> None:
    check_archive(archive(tmp_path / "a.xlsx", {"xl/workbook.xml": b"<workbook/>", "xl/sheet.xml": b"<x/>" * 9_000}))


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a": b"\0" * (20 << 20)}, "more than 100 times its size"),
        ({f"{n}": b"x" for n in range(1_001)}, "more than 1,000 files"),
        ({f"lib {n:x}.zip": nested() for n in range(16)}, "another archive"),  # as 42.zip is built
        ({"../a": b"x"}, "leads elsewhere"),
        ({"..\\a": b"x"}, "leads elsewhere"),
        ({"/etc/cron.d/a": b"x"}, "leads elsewhere"),
        ({"C:/a": b"x"}, "leads elsewhere"),
        ({"a\nb": b"x"}, "leads elsewhere"),
    ],
)
def test_an_archive_that_is_none_of_honest_people_is_not(tmp_path: Path, files: dict[str, bytes], why: str) -> None:
    with pytest.raises(UploadRefusedError, match=why):
        check_archive(archive(tmp_path / "a.zip", files))


def test_an_archive_may_not_unpack_to_too_much(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.zip", {"a": bytes(range(256)) * 8, "b": bytes(range(256)) * 8})
    with pytest.raises(UploadRefusedError, match="more than 4,000 bytes"):
        check_archive(made, ArchiveLimits(unpacked_bytes=4_000))


def test_files_that_lie_over_each_other_are_found(tmp_path: Path) -> None:
    made = overlapping(tmp_path / "a.zip")
    with zipfile.ZipFile(made) as opened:
        assert len(opened.infolist()) == 10
    with pytest.raises(UploadRefusedError, match="overlap"):
        check_archive(made)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4" + b"\0" * 100, b"%PDF-1.7"])
def test_what_is_no_archive_is_told_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UploadRefusedError, match="no archive"):
        check_archive(tmp_path / "a.zip")
