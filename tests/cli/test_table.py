"""Tables fit the terminal and lose nothing."""

import pytest

from lacodec.cli._report import printable, speed_text
from lacodec.cli._table import table_lines, text_width

COLUMNS = ["codec", "encode MB/s", "identical", "about"]
ROWS = [
    ["image.learned --profile small", "1,130", "none", "Pictures with loss, at a quality from 1 to 100."],
    ["bytes", "0.334", "bytes", "Any bytes, with an effort from 1 to 9, 文字 as well."],
    ["x", "-", "", ""],
]


@pytest.mark.parametrize("width", [24, 30, 60, 80, 120, None])
def test_every_word_is_there_and_fits(width: int | None) -> None:
    lines = table_lines(COLUMNS, ROWS, width)
    if width is not None:
        assert max(map(text_width, lines)) <= width
    said = " ".join(lines).split()
    for row in ROWS:
        assert all(word in said for cell in row for word in cell.split())
    assert all(word in said for column in COLUMNS[1:] for word in column.split())


def test_side_by_side_where_there_is_room() -> None:
    assert table_lines(["name", "bytes"], [["a", "1,000"], ["long", "12"]], 60) == [
        "name  bytes",
        "────  ─────",
        "a     1,000",
        "long     12",
    ]
    assert table_lines(["name", "encode MB/s"], [["a", "15.2"]], 12)[:2] == ["      encode", "name    MB/s"]


def test_speeds_are_left_out_where_starting_takes_longer() -> None:
    assert speed_text(999_999, 0.1) == "" and speed_text(2_000_000, 0.1) == ", 20 MB/s"


def test_what_a_terminal_must_not_see() -> None:
    assert printable("a <_io.BytesIO object at 0x7f0123abcd> \x1b[1m") == "a <_io.BytesIO> ?[1m"
    assert printable("<function f at 0x55D0>") == "<function f>"
