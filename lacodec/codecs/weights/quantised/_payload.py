"""The payload of a chunk: tensors as sections, everything else by codec `weights`.

    payload  = u8[pieces] coded (1: sections, 0: not) | size, payload of codec `weights` for those that are not | tensors | stream
    tensor   = number sections, (u8 kind, size, data) ...
    GRID     = f32 step, u8 log2 of the rotation, u8 flags, [plane of column exponents if flags & 1],
               [plane of row exponents if flags & 2], plane of row classes, 2 x i8 shifts; 4 if flags & 4: a trellis
    OUTLIERS = number n, n gaps between their places, n values f32
    stream   = number base, packed tables, size, a rANS stream of the numbers of all grids    (absent without tensors)

A piece is the part of a tensor, or of the bytes between tensors, that lies in the chunk; the header's table gives them. The value
of a tensor is that of its grid, replaced at the outliers. Kinds CODEBOOK and LOW_RANK are kept for later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights._planes import decode_plane, encode_plane
from lacodec.codecs.weights.quantised import _kernel as kernels
from lacodec.codecs.weights.quantised import trellis
from lacodec.codecs.weights.quantised.quantise import (
    PRICE,
    ROW_CLASSES,
    SHIFT,
    Feedback,
    Grid,
    classes_of,
    counted,
    grid_classes,
    quantise,
)
from lacodec.entropy.information import quick_normalise
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile

GRID, CODEBOOK, OUTLIERS, LOW_RANK = range(4)
_EIGHTHS = (1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096, 1.4142135623730951, 1.5422108254079407,
            1.681792830507429, 1.8340080864093424)  # 2^(k/8)  # fmt: skip
_POWERS = np.array([_EIGHTHS[k % 8] * 2.0 ** (k // 8) for k in range(-128, 128)])
_LARGE = 1 << 17  # numbers from which on finer tables pay
_ENOUGH = 1 << 14  # numbers from which on a trellis gains more than its tables take
_MOST_ROTATED = 12
_TRELLIS = 4
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """A part of a tensor to encode: f32[rows, columns], the step, column exponents (i8 eighths of an octave), rotated columns.

    rows: exponents of rows. feedback: what errors take from later columns (see `Feedback`), in steps of these.
    """

    values: Values
    step: float
    exponents: NDArray[np.int8] | None = None
    rotation: int = 0
    rows: NDArray[np.int8] | None = None
    feedback: Values | None = None


@dataclass(frozen=True)
class Sections:
    """A decoded tensor: the whole numbers, and all that turns them into values."""

    grid: Grid
    steps: Values
    rotation: int
    shifts: Values
    factors: Values | None = None
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    outliers: Values = field(default_factory=lambda: np.zeros(0, np.float32))

    def values(self) -> Values:
        """f32[rows, columns]: the same on every machine."""
        out = np.empty(self.grid.numbers.shape, np.float32)
        with np.errstate(all="ignore"):
            if self.grid.trellis:
                out = trellis.restored(self.grid, self.steps, self.shifts)
            else:
                kernels.restore(self.grid.numbers, self.steps, self.shifts, out)
            if self.factors is not None:
                out *= self.factors[:, None]
        if self.rotation:
            kernels.rotate(out, 1 << self.rotation)
        out.reshape(-1)[self.places] = self.outliers
        return out


def encode_parts(
    out: Writer, parts: Sequence[Part], with_trellis: bool | None = None, price: float | None = None
) -> list[Sections]:
    """Append the tensors and their stream; returns what a decoder will have of them.

    with_trellis: None: where there are enough numbers. price: of a bit, in squared steps; None: the usual one.
    """
    if not parts:
        return []
    if with_trellis is None:
        with_trellis = sum(part.values.size for part in parts) >= _ENOUGH
    chosen: list[Part] = []
    units, steps = [], []
    for part in parts:
        step, unit = _incolumn_steps(part)
        if part.rotation and len(unit) and np.abs(unit).max() > kernels.MOST:  # outliers are kept as they are, not rotated
            part = replace(part, rotation=0)
            step, unit = _incolumn_steps(part)
        chosen.append(part)
        steps.append(step)
        units.append(unit)
    all_places = [np.flatnonzero(np.abs(unit) > kernels.MOST) for unit in units]
    fed = [None if len(places) else part.feedback for part, places in zip(chosen, all_places, strict=True)]
    if with_trellis:
        grids, base, moves = trellis.quantise_trellis(units, fed, trellis.PRICE if price is None else price)
        unit_of = trellis.UNITS
    else:
        grids, base, moves = _one_grid(units, fed, PRICE if price is None else price)
        unit_of = SHIFT
    made = []
    for part, step, grid, move, places in zip(chosen, steps, grids, moves, all_places, strict=True):
        outliers = part.values.reshape(-1)[places]
        moved = move.astype(np.float32) / np.float32(unit_of)
        made.append(Sections(grid, step, part.rotation, moved, _factors(part.rows), places, outliers))
        _write_sections(out, part, grid, move, places, outliers)
    write_stream(out, grids, base)
    return made


def _one_grid(
    units: list[Values], squares: Sequence[Values | None], price: float
) -> tuple[list[Grid], int, list[NDArray[np.int8]]]:
    """Like `quantise_trellis`, for numbers of one grid."""
    fed = [None if square is None else Feedback(square) for square in squares]
    grids, base = quantise(units, price, fed)
    moves = [
        (SHIFT * feedback.shifts).astype(np.int8) if feedback else _shifts(unit, grid.numbers)
        for unit, grid, feedback in zip(units, grids, fed, strict=True)
    ]
    return grids, base, moves


def _incolumn_steps(part: Part) -> tuple[Values, Values]:
    """(steps of the columns, values in steps)."""
    step, values = column_steps(part.step, part.exponents, part.values.shape[1]), part.values
    if part.rotation:
        values = values.copy()
        kernels.rotate(values, 1 << part.rotation)
    values = values * (np.float32(1) / step)
    factors = _factors(part.rows)
    return step, values if factors is None else values / factors[:, None]


def decode_parts(reader: Reader, shapes: Sequence[tuple[int, int]]) -> list[Sections]:
    """The tensors of these (rows, columns), in order; raises CorruptFile."""
    if not shapes:
        return []
    found = [_read_sections(reader, *shape) for shape in shapes]
    read_stream(reader, [sections.grid for sections in found])
    return found


def read_stream(reader: Reader, grids: Sequence[Grid]) -> None:
    """Fill the numbers of grids whose rows are known; raises CorruptFile."""
    base, tables, stream = reader.number(), reader.tables(), reader.piece()
    if base >= ROW_CLASSES or tables.escape or tables.lowest < -kernels.MOST or tables.highest > kernels.MOST:
        raise CorruptFile("a grid has impossible tables")
    kinds = {trellis.CLASSES if grid.trellis else kernels.CLASSES for grid in grids}
    if len(tables) != 1 and kinds != {len(tables)}:
        raise CorruptFile("a grid has another number of tables than of classes")
    try:
        decoder = RansDecoder(bytes(stream))
        for grid in grids:
            _pull(decoder, grid, tables, base)
        decoder.finish()
    except BadInput as error:
        raise CorruptFile(str(error)) from None


def _pull(decoder: RansDecoder, grid: Grid, tables: Tables, base: int) -> None:
    flat = grid.numbers.reshape(-1)
    if len(tables) == 1:
        decoder.pull(len(flat), tables, out=flat)
        return
    at = 0
    if grid.trellis:
        trellis.pull(decoder, grid, tables, base)
        return
    for index in grid_classes(grid, base):
        decoder.pull(len(index), tables, index, out=flat[at : at + len(index)])
        at += len(index)


def _write_sections(
    out: Writer, part: Part, grid: Grid, shifts: NDArray[np.int8], places: NDArray[np.int64], outliers: Values
) -> None:
    out.number(1 + bool(len(places)))
    data = Writer()
    flags = (part.exponents is not None) + 2 * (part.rows is not None) + _TRELLIS * grid.trellis
    data.write(np.array([part.step], "<f4").tobytes() + bytes([part.rotation, flags]))
    for exponents in (part.exponents, part.rows):
        if exponents is not None:
            encode_plane(data, exponents.view(np.uint8))
    encode_plane(data, grid.rows)
    data.write(shifts.tobytes())
    out.write(bytes([GRID]))
    out.piece(data)
    if len(places):
        data = Writer()
        data.number(len(places))
        data.numbers(np.diff(places, prepend=0).tolist())
        data.write(outliers.astype("<f4").tobytes())
        out.write(bytes([OUTLIERS]))
        out.piece(data)


def _read_sections(reader: Reader, rows: int, columns: int) -> Sections:
    found: Sections | None = None
    places, outliers = np.zeros(0, np.int64), np.zeros(0, np.float32)
    for _ in range(reader.number()):
        kind, data = reader.take(1)[0], Reader(reader.piece())
        if kind == GRID and found is None:
            found = _read_grid(data, rows, columns)
        elif kind == OUTLIERS and not len(places):
            places, outliers = _read_outliers(data, rows * columns)
        else:
            raise CorruptFile(f"a tensor has a section of the unknown kind {kind}; if a newer lacodec wrote it, update")
        data.finish()
    if found is None:
        raise CorruptFile("a tensor has no grid")
    return replace(found, places=places, outliers=outliers)


def _read_grid(data: Reader, rows: int, columns: int) -> Sections:
    step = float(np.frombuffer(data.take(4), "<f4")[0])
    rotation, flags = data.take(2)
    if rotation > _MOST_ROTATED or columns % (1 << rotation) or flags > 7 or not 0 <= step < float("inf"):
        raise CorruptFile("a grid has an impossible step or rotation")
    exponents = decode_plane(data, columns).view(np.int8) if flags & 1 else None
    factors = _factors(decode_plane(data, rows).view(np.int8) if flags & 2 else None)
    classes = decode_plane(data, rows)
    if rows and int(classes.max()) >= ROW_CLASSES:
        raise CorruptFile("a row has an unknown class")
    count, unit = (trellis.MOVES, trellis.UNITS) if flags & _TRELLIS else (2, SHIFT)
    shifts = np.frombuffer(data.take(count), np.int8).astype(np.float32) / np.float32(unit)
    grid = Grid(np.zeros((rows, columns), np.int16), np.array(classes), bool(flags & _TRELLIS))
    return Sections(grid, column_steps(step, exponents, columns), rotation, shifts, factors)


def _read_outliers(data: Reader, size: int) -> tuple[NDArray[np.int64], Values]:
    count = data.number()
    if count > len(data):  # each takes five bytes
        raise CorruptFile("more outliers than bytes")
    at, places = 0, []
    for _ in range(count):
        at += data.number()
        places.append(at)
    if at >= max(1, size):
        raise CorruptFile("an outlier lies behind its tensor")
    return np.array(places, np.int64), np.frombuffer(data.take(4 * count), "<f4").astype(np.float32)


def write_stream(out: Writer, grids: list[Grid], base: int) -> None:
    """Append the numbers of grids, all with trellises or none, by tables for each class above `base` or by one."""
    classes = [trellis.all_classes(grid, base) if grid.trellis else classes_of(grid, base) for grid in grids]
    kinds = trellis.CLASSES if grids and grids[0].trellis else kernels.CLASSES
    counts = np.zeros((kinds, 2 * kernels.MOST + 1), np.int64)
    for grid, mine in zip(grids, classes, strict=True):
        counts += counted(grid, mine, kinds)
    total = int(counts.sum())
    bits = 12 if total < _LARGE and np.count_nonzero(counts.sum(axis=0)) < 256 else 14
    ways = [_coded(grids, counts, classes, bits)]
    if total < _LARGE:
        ways.append(_coded(grids, counts.sum(axis=0, keepdims=True), None, bits))
    packed, stream = min(ways, key=lambda way: len(way[0]) + len(way[1]))
    out.number(base)
    out.write(packed)
    out.piece(stream)


def _coded(
    grids: list[Grid], counts: NDArray[np.int64], classes: list[NDArray[np.uint8]] | None, bits: int
) -> tuple[bytes, bytes]:
    """(packed tables, stream): one table, or one for each class."""
    used = np.flatnonzero(counts.sum(axis=0))
    low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (kernels.MOST, kernels.MOST + 1)
    freqs = np.zeros((len(counts), high - low), np.uint32)
    for number, line in enumerate(counts[:, low:high]):
        if line.any():
            quick_normalise(line, 1 << bits, freqs[number])
        else:
            freqs[number, 0] = 1 << bits
    width = high - low
    first = np.full(len(counts), low - kernels.MOST, np.int32)
    tables = Tables(freqs.ravel(), np.arange(len(counts) + 1, dtype=np.uint32) * np.uint32(width), bits, False, first)
    encoder = RansEncoder(32)
    for number, grid in enumerate(grids):
        encoder.push(grid.numbers.ravel(), tables, None if classes is None else classes[number])
    return tables.pack(), encoder.finish()


def column_steps(step: float, exponents: NDArray[np.int8] | None, columns: int) -> Values:
    """f32[columns]: the step times 2^(exponent / 8)."""
    if exponents is None:
        return np.full(columns, step, np.float32)
    with np.errstate(all="ignore"):
        return (np.float64(np.float32(step)) * _POWERS[exponents.astype(np.int64) + 128]).astype(np.float32)


def _factors(exponents: NDArray[np.int8] | None) -> Values | None:
    """f32[rows]: 2^(exponent / 8)."""
    return None if exponents is None else _POWERS[exponents.astype(np.int64) + 128].astype(np.float32)


def _shifts(unit: Values, numbers: NDArray[np.int16]) -> NDArray[np.int8]:
    """i8[2], 256ths of a step: how much the values coded as 1 or -1, and as more, lie above that on average."""
    sizes = np.abs(numbers)
    found = []
    for chosen in (sizes == 1, (sizes > 1) & (sizes < kernels.MOST)):
        count = int(chosen.sum())
        above = (np.abs(unit[chosen]).astype(np.float64) - sizes[chosen]).sum() / count if count else 0.0
        found.append(int(np.clip(np.rint(above * SHIFT), -100, 100)))
    return np.array(found, np.int8)
