"""Text in the wrong encoding: what a file seems to be instead, and words that were garbled on their way (mojibake)."""

from __future__ import annotations

import codecs

LOST = "\ufffd"
"""What stands where a byte could not be read."""
_BLOCK = 1 << 22
_MISREAD_AS = ("gb18030", "latin-1", "cp1252", "utf-8")
_MEANT = ("utf-8", "gb18030")


def meant_by(garbled: str, known: frozenset[str]) -> str | None:
    """The known word that was probably meant, where a word was written in one encoding and read in another."""
    for misread in _MISREAD_AS:
        for meant in _MEANT:
            if misread != meant:
                word = _recode(garbled, misread, meant)
                if word in known:
                    return word
    return None


def looks_garbled(text: str) -> bool:
    """Does the text hold lost characters, or is it UTF-8 that was read as GB18030 or Latin-1?

    Chinese written in UTF-8 and read as GB18030 turns back into Chinese; true Chinese almost never survives that.
    """
    if LOST in text:
        return True
    if text.isascii():
        return False
    return any(_is_chinese(_recode(text, misread, "utf-8")) for misread in ("gb18030", "latin-1", "cp1252"))


def first_bad_byte(raw: bytes, encoding: str) -> int | None:
    """Where bytes cease to be text of an encoding; None where they are, to the end. Decodes block by block."""
    decoder = codecs.getincrementaldecoder(encoding)()
    view = memoryview(raw)
    for start in range(0, len(raw), _BLOCK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start : start + _BLOCK], final=start + _BLOCK >= len(raw))
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None


def seems(raw: bytes, encoding: str) -> bool:
    """Are the bytes text of this encoding, and not merely ASCII?"""
    return not raw.isascii() and first_bad_byte(raw, encoding) is None


def as_utf8(raw: bytes, encoding: str) -> bytes:
    """The text in UTF-8; what is no text of its encoding becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    view = memoryview(raw)
    starts = range(0, len(raw), _BLOCK)
    parts = (decoder.decode(view[start : start + _BLOCK], final=start + _BLOCK >= len(raw)) for start in starts)
    return b"".join(part.encode("utf-8") for part in parts)


def _recode(text: str, misread: str, meant: str) -> str | None:
    try:
        return text.encode(misread).decode(meant)
    except UnicodeError:
        return None


def _is_chinese(text: str | None) -> bool:
    return text is not None and any("\u4e00" <= sign <= "\u9fff" for sign in text)
