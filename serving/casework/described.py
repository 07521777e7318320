"""The tables of docs/casework.md, made from the code and data that they describe."""

from __future__ import annotations

from collections.abc import Iterable

from serving.casework.carrying_out import way_of
from serving.casework.clocks import Clocks
from serving.casework.errors import NotAllowedError
from serving.casework.moves import Entitlement
from serving.casework.reasons import reasons
from serving.casework.review import TAKING_AWAY, Verdict
from serving.casework.states import NEGATIVE, Actor, State, may_move


def moves_table() -> str:
    """From where to where, and who: two for what takes something away."""
    rows = []
    for before in State:
        ways = [(after, [actor for actor in Actor if may_move(before, after, actor)]) for after in State]
        told = [f"{after}{' ²' if after in NEGATIVE else ''} ({_who(actors)})" for after, actors in ways if actors]
        rows.append((f"`{before}`", "; ".join(told) or "–"))
    return _table(("from", "to (by whom)"), rows)


def verdicts_table(of: Entitlement) -> str:
    """What each verdict does to an entitlement in review, before and after its money has arrived.

    Args:
        of: any one that is in review.
    """
    rows = []
    for verdict in Verdict:
        ways = [_way(verdict, of, arrived) for arrived in (False, True)]
        rows.append((f"`{verdict}`", *ways, "always" if verdict in TAKING_AWAY else _second(verdict)))
    return _table(("verdict", "before it arrives", "once it has arrived", "a second person"), rows)


def clocks_table(clocks: Clocks) -> str:
    """Each kind of case with its limits."""
    rows = []
    for kind, clock in clocks.kinds.items():
        law = "ours" if clock.because is None else clock.because + ("" if clock.confirmed else " (to be confirmed)")
        limit = f"{clock.days} {'working' if clock.working else 'calendar'} days"
        touch = "–" if clock.first_touch is None else f"{clock.first_touch}"
        levels = ", ".join(map(str, clock.escalated))
        rows.append((f"`{kind}` {clock.names.zh}", limit, touch, levels, "yes" if clock.citizen_waits else "no", law))
    heads = ("kind", "decided within", "taken up within (working days)", "then each level", "citizen is told", "law")
    return _table(heads, rows)


def reasons_table() -> str:
    """Each code with what it asks for."""
    rows = []
    for code, reason in reasons().items():
        asks = [
            "a clause" if reason.needs_clause else "",
            f"{reason.least_characters} characters" if reason.least_characters > 1 else "",
            "who may read the words is restricted" if reason.restricted else "",
        ]
        rows.append((f"`{code}`", reason.names.zh, "; ".join(filter(None, asks)) or "–", reason.ticket or "–"))
    return _table(("code", "中文", "needs, besides words", "opens a ticket"), rows)


def _who(actors: Iterable[Actor]) -> str:
    return ", ".join(actors)


def _way(verdict: Verdict, of: Entitlement, arrived: bool) -> str:
    try:
        return " → ".join(way_of(verdict, of, arrived=arrived)) or "nothing moves"
    except NotAllowedError:
        return "no"


def _second(verdict: Verdict) -> str:
    return "above a cap" if verdict in (Verdict.GRANT, Verdict.REINSTATE) else "no"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
