"""One answer as one page in HTML that needs nothing else: no script, no font, no picture, no network.

Readable on a telephone 320 px wide, by a screen reader, on paper, and in large print (`elder`: 24 px and more). Nothing
is said by colour alone: each clause says in words how it came out.

Source:
    Web Content Accessibility Guidelines 2.2, level AA: 1.3.1, 1.4.1, 1.4.3, 1.4.10, 2.4.6, 3.1.1; the large print of
    elder modes: Ministry of Industry and Information Technology, general design norms for the elderly (2021): 18 pt.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape
from importlib import resources

from explain.contributions import Contributions
from explain.shown import Line, Section, Shown
from explain.waterfall import LANGUAGE_TAGS, waterfall_svg, waterfall_table
from explain.wording import Messages, messages

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page may load nothing, whatever a value in it says."""


def page(shown: Shown, *, elder: bool = False, contributions: Contributions | None = None) -> str:
    """A whole page.

    Args:
        shown: the answer in sentences, already cut to what its audience may see.
        elder: in large print.
        contributions: a model's score taken apart, as a table and (not in large print) as a drawing; only for an
            audience that sees the model's part.
    """
    say = messages(shown.language)
    style = _style("page.css") + (_style("page_elder.css") if elder else "")
    first, *others = shown.sections
    parts = [
        f"<h1>{escape(shown.heading)}</h1>",
        f'<p class="outcome {shown.outcome.value}">{escape(shown.outcome_text)}</p>',
        *(f"<p>{escape(text)}</p>" for line in first.lines for text in line.sentences),
        *(part for section in others for part in _section(section)),
    ]
    if contributions is not None:
        parts += _waterfall(contributions, say, elder=elder)
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="{LANGUAGE_TAGS[shown.language]}">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="robots" content="noindex">',
            f"<title>{escape(shown.heading)}</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            "<main>",
            *parts,
            "</main>",
            "</body>",
            "</html>",
            "",
        )
    )


@cache
def _style(name: str) -> str:
    return (resources.files("explain") / name).read_text(encoding="utf-8")


def _section(section: Section) -> Iterator[str]:
    own = f"part-{section.id}"
    yield f'<section aria-labelledby="{own}">'
    yield f'<h2 id="{own}">{escape(section.title)}</h2>'
    marked = ' class="clauses"' if any(line.met is not None for line in section.lines) else ""
    yield f"<ul{marked}>"
    yield from (_item(line) for line in section.lines)
    yield "</ul>"
    yield "</section>"


def _item(line: Line) -> str:
    met = f' class="{line.met.name.lower()}"' if line.met is not None else ""
    under = "".join(map(_item, line.details))
    return f"<li{met}>{escape(line.text)}" + (f'<ul class="details">{under}</ul>' if under else "") + "</li>"


def _waterfall(contributions: Contributions, say: Messages, *, elder: bool) -> Iterator[str]:
    """The table can be scrolled by keyboard where it is wider than the screen."""
    title = escape(say.say("waterfall_title"))
    yield f'<div class="wide" role="region" aria-label="{title}" tabindex="0">'
    yield waterfall_table(contributions, say)
    yield "</div>"
    if not elder:
        yield waterfall_svg(contributions, say)
