"""A report as one HTML file that needs no network: sections, each a piece of HTML -> the page.

Names and texts of users are escaped by whoever makes a section.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from lacodec.evaluation.report import machine

CAP = 18_000_000
"""Characters of the sections with pictures and sounds in a page, so that it stays below 20 MB."""

# The browser itself makes sure that nothing is loaded.
_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(title: str, sections: Sequence[str], methods: Sequence[tuple[str, str]], remarks: Sequence[str] = ()) -> str:
    """The page. `methods`: names and how they are called. `remarks`: what could not be measured or shown."""
    here = Path(__file__).parent
    style, script = (here.joinpath(name).read_text() for name in ("page.css", "page.js"))
    calls = [("command", machine.call()), *methods, *machine.facts()]
    told = "".join(f'<p class="remark">{escape(text)}</p>' for text in remarks)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n{told}\n"
        + "\n".join(section for section in sections if section)
        + f"\n<section><h2>Calls, versions, machine</h2>{_pairs(calls)}</section>\n"
        f'<div id="tip" role="status" hidden></div>\n<script>\n{script}</script>\n</body>\n</html>\n'
    )


def section(heading: str, *content: str, about: str = "") -> str:
    """A section with a heading and a line about it; "" without content."""
    text = f"<p>{escape(about)}</p>" if about else ""
    return f"<section><h2>{escape(heading)}</h2>{text}{''.join(content)}</section>" if any(content) else ""


def side_by_side(*figures: str) -> str:
    """Figures in as many columns as fit."""
    return f'<div class="columns">{"".join(figures)}</div>' if any(figures) else ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls sideways where it does not fit. Cells that begin with a figure are set to the right."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def folded(summary: str, content: str) -> str:
    """Content that opens when its summary is clicked."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def within_cap(sections: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Of (name, section), the sections that fit in `CAP` together, and the name of the first that did not.

    They are made one after another; those after it are not made.
    """
    kept: list[str] = []
    room = CAP
    for name, text in sections:
        if len(text) > room:
            return kept, [name]
        kept.append(text)
        room -= len(text)
    return kept, []


def _cell(text: str) -> str:
    kind = ' class="figure"' if text[:1] in "0123456789+-" else ""
    return f"<td{kind}>{escape(text)}</td>"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd><code>{escape(text)}</code></dd>" for name, text in pairs)
    return f"<dl>{rows}</dl>"
