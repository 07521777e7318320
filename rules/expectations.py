"""Does a determination fulfil what an example expects? Every difference in words."""

from __future__ import annotations

from decimal import Decimal

from rules.determination import Determination
from rules.examples import Expectation

_NOTHING = ("", "null", "none", "~")


def differences(expect: Expectation, found: Determination) -> list[str]:
    """What differs, one line each; empty where the example passes."""
    result: list[str] = []

    def compare(field: str, wanted: object, got: object) -> None:
        if wanted != got:
            result.append(f"{field}: expected {_shown(wanted)}, got {_shown(got)}")

    if expect.outcome is not None:
        compare("outcome", expect.outcome, found.outcome.value)
    figures = (
        ("amount", expect.amount, found.amount),
        ("amount_low", expect.amount_low, found.amount_low),
        ("amount_high", expect.amount_high, found.amount_high),
    )
    for field, text, figure in figures:
        if text is not None:
            wanted = None if text in _NOTHING else Decimal(text)
            if wanted != figure:
                compare(field, wanted, figure)
    for field, names, got in (("unmet", expect.unmet, found.unmet), ("missing", expect.missing, found.missing)):
        if names is not None and sorted(names) != sorted(got):
            compare(field, sorted(names), sorted(got))
    if expect.next_change is not None:
        wanted_day = None if expect.next_change in _NOTHING else expect.next_change
        compare("next_change", wanted_day, found.next_change.isoformat() if found.next_change else None)
    if expect.version is not None:
        compare("version", expect.version, found.version)
    return result


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return "[" + ", ".join(value) + "]"
    return str(value)
