"""Codec `weights.quantised`: the chunks of a file -> a safetensors file. All is IEEE single precision, in the order written here.

payload  = u8[pieces] coded (1: sections, 0: not) | size, payload of codec `weights` for those that are not | tensors | stream
tensor   = number sections, (u8 kind, size, data) ...
GRID     = f32 step, u8 log2 of the rotation, u8 flags, [plane of column exponents if flags & 1],
           [plane of row exponents if flags & 2], plane of row classes, 2 x i8 shifts; 4 if flags & 4: a trellis
OUTLIERS = number n, n gaps between their places, n values f32
stream   = number base, packed tables, size, a rANS stream of the numbers of all grids        (absent without tensors)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reference import rans, tables, weights_payload
from reference.container import CRITICAL, Chunk, hash64
from reference.stream import Stream, need
from reference.weights_planes import read_plane
from reference.weights_table import Tensor, read_table, safetensors_head

F = np.float32
TRELLIS = 4  # a flag
GRID, CODEBOOK, OUTLIERS, LOW_RANK = range(4)
CLASSES, MOST, ROW_CLASSES, UNITY, BAND = 16, 1000, 48, 16, 64
WIDTHS = {"F32": 4, "F16": 2, "BF16": 2}
QUARTERS = (1.0, 0.8408964152537145, 0.7071067811865476, 0.5946035575013605)  # 2^(-k/4)
EIGHTHS = (1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096,
           1.4142135623730951, 1.5422108254079407, 1.681792830507429, 1.8340080864093424)  # fmt: skip


@dataclass
class Piece:
    """Bytes of one tensor, or between tensors; rows of columns where they may be quantised, else 0 columns."""

    size: int
    dtype: str = ""
    rows: int = 0
    columns: int = 0


@dataclass
class Grid:
    """What a tensor is made of; `numbers` are filled in from the stream."""

    rows: int
    columns: int
    steps: np.ndarray
    factors: np.ndarray
    rotation: int
    classes: list[int]
    trellis: bool
    shifts: tuple[np.float32, ...]
    numbers: list[int]
    outliers: dict[int, np.float32]


def decode(header: dict[str, Any], chunks: list[Chunk]) -> bytes:
    """The file."""
    tensors = read_table(header["metadata"]["tensors"])
    return b"".join(_content(chunk, tensors) for chunk in chunks if chunk.kind == CRITICAL and chunk.covers)


def _content(chunk: Chunk, tensors: list[Tensor]) -> bytes:
    ((start, stop),) = chunk.covers
    need(stop - start == chunk.decoded_size, "a size that contradicts the range that is covered")
    pieces, data = pieces_of(tensors, start, stop), Stream(chunk.payload)
    flags = data.take(len(pieces))
    need(all(flag <= bool(piece.columns) for flag, piece in zip(flags, pieces, strict=True)), "sections of what is not a matrix")
    size = sum(piece.size for piece, flag in zip(pieces, flags, strict=True) if not flag)
    inner = data.piece()
    kept = weights_payload.decode(inner, size, lambda stored: safetensors_head(tensors, stored), lambda: b"") if size else b""
    grids = [_read_grid(data, piece) for piece, flag in zip(pieces, flags, strict=True) if flag]
    if grids:
        _read_numbers(data, grids)
    data.finish()
    latents = kept + b"".join(np.array(grid.numbers, "<i2").tobytes() for grid in grids)
    need(hash64(latents) == chunk.content_hash, "other numbers than were encoded")
    out, at, made = b"", 0, iter(grids)
    for piece, flag in zip(pieces, flags, strict=True):
        if flag:
            out += narrowed(_values(next(made)), piece.dtype)
        else:
            out += kept[at : at + piece.size]
            at += piece.size
    return out


def pieces_of(tensors: list[Tensor], start: int, stop: int) -> list[Piece]:
    """The pieces of a range of the file."""
    found, at = [], start
    for tensor in tensors:
        begin, end = max(start, tensor.offset), min(stop, tensor.offset + tensor.size)
        if begin >= end:
            continue
        if begin > at:
            found.append(Piece(begin - at))
        found.append(Piece(end - begin, tensor.dtype, *_shape(tensor, begin - tensor.offset, end - begin)))
        at = end
    return found + ([Piece(stop - at)] if at < stop else [])


def _shape(tensor: Tensor, first: int, size: int) -> tuple[int, int]:
    """Rows of the first axis; one row if the piece is not made of whole ones."""
    width, values = WIDTHS.get(tensor.dtype, 0), int(np.prod(tensor.shape, dtype=object))
    if not width or len(tensor.shape) < 2 or values < 1024 or tensor.order == "F" or first % width or size % width:
        return 0, 0
    row = values // tensor.shape[0] * width
    return (size // row, row // width) if first % row == size % row == 0 else (1, size // width)


def _read_grid(data: Stream, piece: Piece) -> Grid:
    made, outliers = None, {}
    for _ in range(data.number()):
        kind, section = data.byte(), Stream(data.piece())
        need(kind == OUTLIERS or (kind == GRID and made is None), f"a section of the unknown kind {kind}")
        if kind == OUTLIERS:
            count, place = section.number(), 0
            places = [place := place + section.number() for _ in range(count)]
            outliers = dict(zip(places, np.frombuffer(section.take(4 * count), "<f4"), strict=True))
            need(place < piece.rows * piece.columns, "an outlier behind its tensor")
        else:
            step, rotation, flags = np.frombuffer(section.take(4), "<f4")[0], section.byte(), section.byte()
            need(rotation <= 12 and piece.columns % (1 << rotation) == 0 and flags <= 7, "an impossible rotation")
            exponents = _exponents(section, piece.columns, flags & 1)
            steps = np.array([F(float(step) * EIGHTHS[k % 8] * 2.0 ** (k // 8)) for k in exponents])
            factors = np.array([F(EIGHTHS[k % 8] * 2.0 ** (k // 8)) for k in _exponents(section, piece.rows, flags & 2)])
            classes = read_plane(section, piece.rows)
            need(max(classes, default=0) < ROW_CLASSES, "an unknown class of a row")
            count, unit = (4, 128) if flags & TRELLIS else (2, 256)
            shifts = tuple(F((value ^ 128) - 128) / F(unit) for value in section.take(count))
            made = Grid(piece.rows, piece.columns, steps, factors, rotation, classes, bool(flags & TRELLIS), shifts, [], {})
        section.finish()
    need(made is not None, "a tensor without a grid")
    made.outliers = outliers
    return made


def _exponents(section: Stream, count: int, stored: int) -> list[int]:
    return [(value ^ 128) - 128 for value in read_plane(section, count)] if stored else [0] * count


def _read_numbers(data: Stream, grids: list[Grid]) -> None:
    base, packed, stream = data.number(), tables.unpack(data), data.piece()
    kinds = {CLASSES * (1 + grid.trellis) for grid in grids}
    need(len(packed.freqs) == 1 or {len(packed.freqs)} == kinds, "another number of tables than of classes")
    need(not packed.escape and base < ROW_CLASSES, "impossible tables")
    total = sum(grid.rows * grid.columns for grid in grids)
    chooser = Chooser(grids, base, packed.first) if len(packed.freqs) > 1 else None
    rows, _ = rans.decode(stream, packed, chooser, total)
    first, at = packed.first, 0
    for grid in grids:
        grid.numbers = [row + first[0] for row in rows[at : at + grid.rows * grid.columns]]
        need(all(abs(number) <= MOST for number in grid.numbers), "a number out of range")
        at += grid.rows * grid.columns


class Chooser:
    """The table of each number. `scales` follows the mean of |q| in each column relative to its row, band by band."""

    def __init__(self, grids: list[Grid], base: int, first: list[int]) -> None:
        self.grids, self.base, self.first = list(grids), base, first
        self.start = self.begin = self.end = 0
        self._open()

    def _open(self) -> None:
        self.grid = self.grids.pop(0)
        self.scales = np.ones(self.grid.columns, F)
        self.states = [0] * self.grid.columns
        self.begin, self.end = 0, min(1, self.grid.rows)
        self.size = 1

    def __call__(self, i: int, seen: list[int]) -> int:
        """The table of number i; `seen`: rows of the tables so far."""
        columns = self.grid.columns
        if i - self.start == self.end * columns:
            rate = F(1.0 / min(64.0, self.begin + 2.0))
            for y in range(self.begin, self.end):
                k = self.grid.classes[y]
                octaves, quarter = divmod(k - UNITY, 4)
                row = seen[self.start + y * columns : self.start + (y + 1) * columns]
                sizes = np.array([abs(value + self.first[0]) for value in row], F) * F(QUARTERS[quarter] * 2.0**-octaves)
                self.scales = self.scales + (sizes - self.scales) * rate
            self.size = min(BAND, 2 * self.size)
            self.begin, self.end = self.end, min(self.grid.rows, self.end + self.size)
            if self.begin == self.grid.rows:
                self.start += self.grid.rows * columns
                self._open()
                columns = self.grid.columns
        y, x = divmod(i - self.start, columns)
        if self.grid.trellis and y:
            self.states[x] = following(self.states[x], seen[i - columns] + self.first[0])
        logarithm = int(self.scales[x].view(np.int32)) >> 21
        found = max(0, min(CLASSES - 1, logarithm - 508 + self.grid.classes[y] - self.base))
        return found + CLASSES * (self.states[x] & 1)


def following(state: int, number: int) -> int:
    """The state of a trellis after a number, by the parity checks 13 and 4 (octal). Odd ones have the second grid."""
    return (state >> 1) ^ 5 * (state & 1) ^ 2 * (number & 1)


def _second(numbers: np.ndarray) -> np.ndarray:
    """1 where a number is of the second grid."""
    states, found = [0] * numbers.shape[1], np.zeros(numbers.shape, np.int64)
    for y, row in enumerate(numbers.tolist()):
        found[y] = [state & 1 for state in states]
        states = [following(state, number) for state, number in zip(states, row, strict=True)]
    return found


def _places(grid: Grid, numbers: np.ndarray) -> np.ndarray:
    """Values in steps."""
    sizes = np.abs(numbers)
    if not grid.trellis:
        shift = np.where(numbers == 0, F(0), np.where(sizes == 1, grid.shifts[0], grid.shifts[1]))
        return numbers.astype(F) + np.where(numbers < 0, -shift, shift)
    second = _second(numbers)
    moves = np.array(grid.shifts, F)[2 * second + (sizes > 1)]
    places = np.where(sizes > 0, (2 * sizes - second).astype(F) + moves, F(0))
    return np.where(numbers < 0, -places, places)


def _values(grid: Grid) -> np.ndarray:
    numbers = np.array(grid.numbers, np.int64).reshape(grid.rows, grid.columns)
    values = _places(grid, numbers) * grid.steps * grid.factors[:, None]
    if grid.rotation:
        values = _rotated(values, 1 << grid.rotation)
    values = values.ravel()
    for place, value in grid.outliers.items():
        values[place] = value
    return values


def _rotated(values: np.ndarray, size: int) -> np.ndarray:
    """The Walsh-Hadamard transform of every `size` columns."""
    rows, columns = values.shape
    half, unit, left = 1, F(1), size
    while half < size:
        pairs = values.reshape(rows, columns // (2 * half), 2, half)
        values = np.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], axis=2).reshape(rows, columns)
        half *= 2
    while left >= 4:
        unit, left = unit * F(0.5), left // 4
    return values * (unit * F(0.70710677) if left == 2 else unit)


def narrowed(values: np.ndarray, dtype: str) -> bytes:
    """As BF16, F16 or F32: to the nearest, ties to even."""
    if dtype == "BF16":
        bits = values.astype("<f4").view(np.uint32).astype(np.uint64)
        return (bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype("<u2").tobytes()
    with np.errstate(over="ignore"):
        return values.astype("<f4" if dtype == "F32" else "<f2").tobytes()
