"""Text that people typed, made safe to show and to log, in any script: what is not seen cannot mislead.

Escaping at output is the wall against markup, and is not done here; full-width forms stay what they are (making plain
forms of them would turn `＜script＞` into the very thing).

Source:
    Unicode Technical Report 36, section 2 (bidirectional and invisible spoofing); Unicode Standard Annex 9;
    CVE-2021-42574.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH: Final = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u200b-\u200d\u2060-\u2064\u206a-\u206f\u2800\u3164\ufeff\uffa0"
)
_MARKS_OF_OTHERS: Final = "\ufff9-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
_INVISIBLE: Final = re.compile(f"[{BIDI}{_ZERO_WIDTH}{_MARKS_OF_OTHERS}]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_ENDS: Final = re.compile("\r\n?|[\u0085\u2028\u2029]")
# Mongolian is written with these signs inside words; anywhere else they only hide.
_STRAY_MONGOLIAN: Final = re.compile("(?<![\u1820-\u18aa\u180b-\u180e])[\u180b-\u180f]")
# A variation selector asks for another shape of the character before it, as names of people do of Han characters.
_STRAY_SELECTOR: Final = re.compile(
    "(?<![\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")
_FOR_THE_LOG: Final = re.compile(
    f"[\x00-\x1f\x7f-\x9f\\\\\u2028\u2029\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef\ud800-\udfff"
    f"{BIDI}{_ZERO_WIDTH}{_MARKS_OF_OTHERS}]"
)
_SPACES: Final = re.compile(r"[^\S\n]+")


def clean_name(text: str) -> str:
    """A name on one line, without anything that is not seen: controls, zero-width, direction overrides."""
    return " ".join(clean_text(text).split())


def clean_text(text: str) -> str:
    """Free text without anything that is not seen; paragraphs stay, ended by a line feed alone."""
    text = unicodedata.normalize("NFC", _HALF_A_PAIR.sub("\ufffd", text))
    text = _LINE_ENDS.sub("\n", text)
    text = _CONTROL.sub("", _INVISIBLE.sub("", text))
    text = _STRAY_SELECTOR.sub("", _STRAY_MONGOLIAN.sub("", text))
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text)).strip()


def on_one_line(text: str) -> str:
    r"""Text as it may stand in a line of a log: whatever could end the line, move the cursor or hide is written out.

    Two texts never become the same line, for a backslash is doubled: `a\nb` with a line end and `a\\nb` differ.
    """
    return _FOR_THE_LOG.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\\":
        return "\\\\"
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
