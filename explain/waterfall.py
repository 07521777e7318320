"""A score taken apart, as a table that a screen reader reads and as a drawing: both from the same contributions.

The drawing says nothing by colour alone: each bar carries its figure with its sign, and those that raise the score are
filled, those that lower it hatched. It names the table as its description.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from explain.contributions import Contributions
from explain.wording import Language, Messages

MOST_BARS = 10
WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 760, 250, 90, 26, 10, 20
LANGUAGE_TAGS = {Language.ZH: "zh-CN", Language.EN: "en"}
"""What pages and drawings say of the language that they are in."""


class Bar(NamedTuple):
    """One step from the start to the score: what it is, where it begins, and by how much it moves."""

    label: str
    register: str
    start: float
    value: float

    @property
    def end(self) -> float:
        """Where it leads to."""
        return self.start + self.value


def bars(contributions: Contributions, say: Messages, most: int = MOST_BARS) -> tuple[Bar, ...]:
    """The steps, largest first; the smallest are one step together, so that the last one still ends at the score."""
    shown = contributions.parts if len(contributions.parts) <= most else contributions.parts[: most - 1]
    at = contributions.base
    found: list[Bar] = []
    for part in shown:
        found.append(Bar(say.of(part.label), say.of(part.register_name), at, part.value))
        at += part.value
    rest = len(contributions.parts) - len(shown)
    if rest:
        found.append(Bar(say.say("waterfall_rest", count=rest), "", at, contributions.score - at))
    return tuple(found)


def contribution_lines(contributions: Contributions, say: Messages) -> Iterator[str]:
    """The same as sentences."""
    yield say.say("model_total", score=_figure(contributions.score), base=_figure(contributions.base))
    for part in contributions.parts[:MOST_BARS]:
        if f"{abs(part.value):.3f}" == "0.000":
            continue
        key = "model_raises" if part.value > 0 else "model_lowers"
        label, register = say.of(part.label), say.of(part.register_name)
        yield say.say(key, label=label, register=register, value=f"{abs(part.value):.3f}")


def waterfall_table(contributions: Contributions, say: Messages) -> str:
    """A table in HTML: caption, headings with scope, one row for each step, start first and score last."""
    heads = ("waterfall_fact", "waterfall_register", "waterfall_part", "waterfall_sum")
    rows = [(say.say("waterfall_base"), "", "", _figure(contributions.base))]
    rows += [(b.label, b.register, _signed(b.value), _figure(b.end)) for b in bars(contributions, say)]
    rows.append((say.say("waterfall_score"), "", "", _figure(contributions.score)))
    head = "".join(f'<th scope="col">{escape(say.say(key))}</th>' for key in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(label)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        for label, *cells in rows
    )
    tag, caption = LANGUAGE_TAGS[say.language], escape(say.say("waterfall_title"))
    return (
        f'<table class="waterfall" lang="{tag}"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def waterfall_svg(contributions: Contributions, say: Messages, name: str = "waterfall") -> str:
    """A drawing in SVG, labelled for screen readers. `name` begins its ids, so that a page may hold several."""
    steps = bars(contributions, say)
    height = TOP * 2 + (len(steps) + 2) * (BAR + GAP)
    ends = [contributions.base, *(bar.end for bar in steps)]
    low, high = min(ends), max(ends)
    # A tenth on either side, so that the longest bar leaves room for its figure.
    span = (high - low) or 1.0
    left = low - span * 0.1
    scale = (WIDTH - LEFT - RIGHT) / (span * 1.2)

    def x(value: float) -> float:
        return LEFT + (value - left) * scale

    described = say.say(
        "waterfall_described",
        base=_figure(contributions.base),
        score=_figure(contributions.score),
        count=len(steps),
    )
    drawn = [_level(say.say("waterfall_base"), contributions.base, x(contributions.base), 0)]
    drawn += [
        _bar(bar, x(min(bar.start, bar.end)), abs(bar.value) * scale, row + 1, name) for row, bar in enumerate(steps)
    ]
    drawn.append(_level(say.say("waterfall_score"), contributions.score, x(contributions.score), len(steps) + 1))
    own = escape(name)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" lang="{LANGUAGE_TAGS[say.language]}" '
        f'viewBox="0 0 {WIDTH} {height}" aria-labelledby="{own}-title {own}-described" '
        'font-size="15" font-family="sans-serif">'
        f'<title id="{own}-title">{escape(say.say("waterfall_title"))}</title>'
        f'<desc id="{own}-described">{escape(described)}</desc>'
        f'<defs><pattern id="{own}-lowers" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/><path d="M0 0V6" stroke="#000" '
        f'stroke-width="3"/></pattern></defs>{"".join(drawn)}</svg>'
    )


def _bar(bar: Bar, x: float, width: float, row: int, name: str) -> str:
    y = TOP + row * (BAR + GAP)
    fill = "#333" if bar.value > 0 else f"url(#{escape(name)}-lowers)"
    return (
        f"{_label(bar.label, y)}"
        f'<rect x="{x:.1f}" y="{y}" width="{max(width, 1):.1f}" height="{BAR}" fill="{fill}" stroke="#000"/>'
        f'<text x="{x + max(width, 1) + 6:.1f}" y="{y + 18}">{escape(_signed(bar.value))}</text>'
    )


def _level(label: str, value: float, x: float, row: int) -> str:
    y = TOP + row * (BAR + GAP)
    return (
        f'{_label(label, y)}<path d="M{x:.1f} {y}v{BAR}" stroke="#000" stroke-width="4"/>'
        f'<text x="{x + 8:.1f}" y="{y + 18}">{escape(_figure(value))}</text>'
    )


def _label(label: str, y: int) -> str:
    return f'<text x="{LEFT - 10}" y="{y + 18}" text-anchor="end">{escape(label)}</text>'


def _figure(value: float) -> str:
    return f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"
