"""How numbers are spelled in lines of text: a line as literal pieces and numbers, each number by a format that prints it again.

line = piece, number, piece, number, ..., piece that ends with the end of the line
"""

import re
from dataclasses import dataclass
from itertools import chain

import numpy as np

from lacodec.errors import CorruptFile, UnsupportedFile
from lacodec.media.points.words import NUMBER

_BETWEEN = rb"(?<![^\s,;])(?:" + NUMBER + rb")(?![^\s,;])"
_WHOLE = re.compile(rb"-?[1-9]\d*|0")
_FORMAT = re.compile(r"d|r|f(?:1?\d|20)|g(?:[1-9]|1[0-7])")  # whole; the shortest; with decimals; with digits
_MOST_PIECES, _MOST_PIECE = 256, 16  # bytes of all pieces, and more for each number
_TO_SPACES = bytes(32 if byte in b",;" else byte for byte in range(256))
_SURE = 1.0


@dataclass(frozen=True)
class Spelling:
    """pieces: one more than numbers; formats: of the numbers, "d", "r", "f" and decimals, or "g" and digits."""

    pieces: tuple[bytes, ...]
    formats: tuple[str, ...]

    def __post_init__(self) -> None:
        size, count = sum(map(len, self.pieces)), len(self.formats)
        good = len(self.pieces) == count + 1 and size <= _MOST_PIECES + _MOST_PIECE * count
        good = good and all(_FORMAT.fullmatch(one) for one in self.formats)
        if not good or b"".join(self.pieces).find(b"\n") != size - 1 or not size:
            raise CorruptFile("its lines of numbers are spelled in an impossible way")

    def lines(self, columns: list[np.ndarray]) -> bytes:
        """Numbers of each column [n] as n lines."""
        pieces = [piece.decode("latin-1").replace("%", "%%") for piece in self.pieces]
        line = pieces[0] + "".join(_printing(one) + piece for one, piece in zip(self.formats, pieces[1:], strict=True))
        values = tuple(chain.from_iterable(zip(*(column.tolist() for column in columns), strict=True)))
        return (line * len(columns[0]) % values).encode("latin-1")

    def numbers(self, block: bytes, types: tuple[str, ...]) -> list[np.ndarray]:
        """Columns of the numbers in lines; raises ValueError or OverflowError where a line has other words."""
        words = block.translate(_TO_SPACES).split()
        where = self._words()
        if len(words) % where[0]:
            raise ValueError("a line has more or fewer words")
        table = np.array(words).reshape(-1, where[0])
        return [as_numbers(table[:, at], kind) for at, kind in zip(where[1:], types, strict=True)]

    def _words(self) -> list[int]:
        """How many words a line has, and which of them are the numbers."""
        counts = [len(piece.translate(_TO_SPACES).split()) for piece in self.pieces]
        starts = [sum(counts[: i + 1]) + i for i in range(len(self.formats))]
        return [sum(counts) + len(self.formats), *starts]


def as_numbers(words: np.ndarray, kind: str) -> np.ndarray:
    """Words S[n] as numbers of a type; raises ValueError or OverflowError."""
    if kind[1] == "f":
        with np.errstate(over="ignore"):
            return words.astype(np.float64).astype(kind)
    wide = words.astype(np.int64)
    if wide.size and not np.iinfo(kind).min <= wide.min() <= wide.max() <= np.iinfo(kind).max:
        raise ValueError("a number is too large for its column")
    return wide.astype(kind)


def spelling_of(lines: list[bytes], types: tuple[str, ...] | None) -> tuple[Spelling, tuple[str, ...]]:
    """How the first of these lines, and numbers in most of them, are spelled, and the types that suffice.

    types: those that a header names, if there is one. Raises UnsupportedFile.
    """
    first = lines[0]
    found = list(re.finditer(_BETWEEN, first))
    starts, ends = [m.start() for m in found], [m.end() for m in found]
    pieces = tuple(first[a:b] for a, b in zip([0, *ends], [*starts, len(first)], strict=True))
    if not found or (types is not None and len(found) != len(types)):
        raise UnsupportedFile("its lines have other numbers than its header says")
    try:
        any_of = Spelling(pieces, ("r",) * len(found))
    except CorruptFile as error:
        raise UnsupportedFile(str(error)) from error
    where, like = any_of._words(), run_of(any_of)
    rows = [line.translate(_TO_SPACES).split() for line in lines if like.fullmatch(line)]
    how = [_format([row[at] for row in rows], types[i] if types else None) for i, at in enumerate(where[1:])]
    return Spelling(pieces, tuple(one for one, _ in how)), tuple(kind for _, kind in how)


def _format(words: list[bytes], kind: str | None) -> tuple[str, str]:
    """(format, type) of numbers that are spelled so."""
    if kind is None and all(map(_WHOLE.fullmatch, words)):
        most = max(abs(int(word)) for word in words)
        kind = "<i4" if most < 1 << 31 else "<i8" if most < 1 << 63 else None
    if kind is not None and kind[1] != "f":
        return "d", kind
    values = _doubles(words)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32).astype(float)
    best, best_share = ("r", "<f8"), -1.0
    for one in _candidates(words):
        for type_, column in (("<f4", single), ("<f8", values)):
            share = _share(one, column.tolist(), words)
            if share > best_share:
                best, best_share = (one, type_), share
            if share >= _SURE:
                return best
    return best


def _doubles(words: list[bytes]) -> np.ndarray:
    out = np.zeros(len(words))
    for i, word in enumerate(words):  # of a sample
        if re.fullmatch(NUMBER, word):
            out[i] = float(word)
    return out


def _candidates(words: list[bytes]) -> list[str]:
    """Formats that may print them, the likeliest first."""
    decimals = {len(word.partition(b".")[2]) for word in words if b"e" not in word and b"n" not in word}
    digits = max((len(re.sub(rb"[-+.]|[eE].*", b"", word).lstrip(b"0")) for word in words), default=1)
    fixed = [f"f{most}" for most in decimals if len(decimals) == 1 and 0 < most <= 20]
    return [*fixed, *(f"g{most}" for most in (digits, 6) if 0 < most <= 17), "r"]


def _share(one: str, values: list[float], words: list[bytes]) -> float:
    printed = (" ".join([_printing(one)] * len(values)) % tuple(values)).encode().split(b" ")
    return sum(a == b for a, b in zip(printed, words, strict=True)) / max(1, len(words))


def _printing(one: str) -> str:
    return {"d": "%d", "r": "%r"}.get(one) or f"%.{one[1:]}{one[0]}"


def run_of(spelling: Spelling) -> "re.Pattern[bytes]":
    """Finds the lines from a place on that have this form."""
    line = re.escape(spelling.pieces[0])
    for piece in spelling.pieces[1:]:
        line += rb"(?>" + NUMBER + rb")" + re.escape(piece)
    return re.compile(rb"(?>" + line + rb")*+")
