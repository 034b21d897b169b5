"""Tables as text of a given width: columns side by side, cells of several lines where needed, else one record after another.

Nothing is cut off: where even single words do not fit side by side, each row becomes a list of "column  cell" lines.
"""

import unicodedata

_GAP = "  "
_LEAST = 14
"""Columns of text are not made narrower than this, or their longest word."""


def table_lines(columns: list[str], rows: list[list[str]], width: int | None) -> list[str]:
    """The lines of a table with these headings; `width` None: as wide as it gets. Columns of figures are set to the right."""
    cells = [[row[i] for row in rows] for i in range(len(columns))]
    right = [all(cell[:1].isdigit() or cell in ("", "-") for cell in column) for column in cells]
    natural = [max(map(text_width, (name, *column))) for name, column in zip(columns, cells, strict=True)]
    if width is not None and sum(natural) + len(_GAP) * (len(columns) - 1) > width:
        natural = [max(_longest_word(name), *map(text_width, ("", *column))) for name, column in zip(columns, cells, strict=True)]
        found = _narrowed(natural, cells, right, width - len(_GAP) * (len(columns) - 1))
        if found is None:
            return _records(columns, rows, width)
        natural = found
    return [
        *_row(columns, natural, right, bottom=True),
        _GAP.join("\u2500" * size for size in natural),
        *(line for row in rows for line in _row(row, natural, right)),
    ]


def text_width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _narrowed(natural: list[int], cells: list[list[str]], right: list[bool], room: int) -> list[int] | None:
    """Widths that fit into `room` when columns of text are broken between words; None where that is impossible."""
    least = [
        size if figures else min(size, max(_LEAST, *map(_longest_word, ("", *column))))
        for size, column, figures in zip(natural, cells, right, strict=True)
    ]
    if sum(least) > room:
        return None
    widths, left = list(least), room - sum(least)
    while left > 0 and any(size < most for size, most in zip(widths, natural, strict=True)):
        # The column that lacks most gets the next one.
        which = max(range(len(widths)), key=lambda i: natural[i] / widths[i])
        widths[which] += 1
        left -= 1
    return widths


def _records(columns: list[str], rows: list[list[str]], width: int) -> list[str]:
    margin = max(map(text_width, columns[1:])) + 2 * len(_GAP) if len(columns) > 1 else len(_GAP)
    lines: list[str] = []
    for row in rows:
        lines += [*([""] if lines else []), *wrapped(row[0], width)]
        for name, cell in zip(columns[1:], row[1:], strict=True):
            parts = wrapped(cell, max(8, width - margin))
            begin = _GAP + name + " " * (margin - len(_GAP) - text_width(name))
            lines += [(begin if not i else " " * margin) + part for i, part in enumerate(parts)]
    return [line.rstrip() for line in lines]


def _row(cells: list[str], widths: list[int], right: list[bool], bottom: bool = False) -> list[str]:
    parts = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, parts))
    parts = [[""] * (height - len(part)) + part if bottom else part + [""] * (height - len(part)) for part in parts]
    lines = []
    for line in zip(*parts, strict=True):
        padded = [
            " " * (width - text_width(text)) + text if figures else text + " " * (width - text_width(text))
            for text, width, figures in zip(line, widths, right, strict=True)
        ]
        lines.append(_GAP.join(padded).rstrip())
    return lines


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a text that is broken between words, or within words that are too long for a line."""
    if text_width(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split():
        if line and text_width(line) + 1 + text_width(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while text_width(line) > width:
            size = next(n for n in range(len(line), 0, -1) if n == 1 or text_width(line[:n]) <= width)
            lines.append(line[:size])
            line = line[size:]
    return [*lines, line] if line else lines


def _longest_word(text: str) -> int:
    return max(map(text_width, text.split()), default=0)
