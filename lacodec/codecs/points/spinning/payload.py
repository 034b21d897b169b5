"""Sweeps of the KITTI sensor in and out of sections.

    sweep      = u8 engine, u8 kind of the intensities, u8 after, motion, exceptions, runs, presence, ranges, misses, rest
    motion     = see `before`; if `after` is 1: ranges and presence are told from a frame before
    exceptions = number, places (differences), 12 bytes each          points that are not on the grid
    runs       = number; ring (difference to the run before), points, first place of each
    presence   = size, decisions: which ticks are used, which of them each run has
    ranges     = see `values`
    misses     = size, decisions: whole units by which points are elsewhere, signs of zeros
    rest       = if the kind is 1, intensities in hundredths: see `values`; for each further column size, payload of `columns`

Numbers are LEB128. Sweeps of an older form, method 4, have wider limits in least squares and other contexts after a frame before;
those of the oldest, method 1, have neither `after` nor motion.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.columns.mixed.setup import largest_pools
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers, fill, native
from lacodec.codecs.points.spinning._grid import from_grid, read_exceptions, to_grid, write_exceptions
from lacodec.codecs.points.spinning._neighbours_kernel import NEIGHBOURS
from lacodec.codecs.points.spinning.before import Before, read_motion, write_motion
from lacodec.codecs.points.spinning.calibration import UNITS, kitti
from lacodec.codecs.points.spinning.fit import fit, predicted
from lacodec.codecs.points.spinning.models import (
    ENGINES,
    LEVELS,
    OLDER_RANGES,
    RANGES,
    RANGES_AFTER,
    TIGHT_RANGES,
    TIGHT_RANGES_AFTER,
    Model,
)
from lacodec.codecs.points.spinning.motion import find_motion
from lacodec.codecs.points.spinning.sections import (
    Look,
    read_misses,
    read_places,
    read_runs,
    write_misses,
    write_places,
    write_runs,
)
from lacodec.codecs.points.spinning.values import read_numbers, sides_of, told, write_numbers
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

_COLUMN, _HUNDREDTHS = range(2)
_HUNDRED = 100.0
_NEAR = 1  # units that most points may miss their place by
_LEAST_NEAR = 0.75
_NOW, _OLDER = (TIGHT_RANGES, TIGHT_RANGES_AFTER), (RANGES, RANGES_AFTER)  # without a frame before, and with one


def encode(
    records: np.ndarray, columns: Columns, effort: int, session: Session, before: np.ndarray | None = None
) -> bytes | None:
    """The payload of structured records; None if they are no sweep of the sensor. before: such records, of a frame before."""
    if not has_coordinates(columns):
        return None
    xyz = np.stack([records[name] for name in "xyz"], axis=1)
    found = to_grid(xyz, UNITS)
    sweep = None if found is None else fit(found[0], kitti())
    if found is None or sweep is None:
        return None
    whole, edges, signs = predicted(sweep.ring_of, sweep.ticks, sweep.counts, kitti())
    misses = found[0] - whole
    if np.mean(np.abs(misses).max(axis=1) <= _NEAR) < _LEAST_NEAR:
        return None
    engine, levels = ENGINES.get(effort, 0), _levels(records, columns)
    out = Writer()
    moved = find_motion(_points(before), sweep) if before is not None and engine else None
    out.write(bytes([engine, _COLUMN if levels is None else _HUNDREDTHS, moved is not None]))
    if moved is not None:
        write_motion(out, moved.motion)
    write_exceptions(out, found[1], xyz)
    used = np.unique(sweep.ticks)
    places = np.searchsorted(used, sweep.ticks)
    image = None if moved is None else moved.image(used)
    write_runs(out, sweep.rings, sweep.starts, places)
    write_places(out, sweep.rings, sweep.starts, places, used, image)
    sides = sides_of(sweep.starts, places, len(used), sweep.ring_of, image)
    errors = write_numbers(out, _NOW[image is not None], engine, sweep.counts, sides, effort, session)
    write_misses(out, whole, edges, signs, misses, np.signbit(xyz))
    if levels is not None:
        write_numbers(out, LEVELS, engine, levels, told(sides, errors, sweep.counts), effort, session)
    for name in columns.names[3 if levels is None else 4 :]:
        out.piece(encode_numbers(native(records[name]), effort, session))
    return bytes(out.data)


def measured(records: np.ndarray, columns: Columns) -> bool:
    """Whether the sensor may have measured these records."""
    if not has_coordinates(columns):
        return False
    found = to_grid(np.stack([records[name] for name in "xyz"], axis=1), UNITS)
    return found is not None and fit(found[0], kitti()) is not None


def decode(
    reader: Reader, columns: Columns, out: np.ndarray, unembed: Unembed, before: Callable[[], np.ndarray], *, older: bool = False
) -> None:
    """Fill structured records; before: those of the frame before; older: by method 4. Raises CorruptFile."""
    engine, kind, after = reader.take(3)
    if after > 1:
        raise CorruptFile("a sweep is coded in an unknown way; if a newer lacodec wrote it, update")
    look = None
    if after and has_coordinates(columns):
        motion = read_motion(reader)
        look = Before(_points(before()), motion).image
    _decode(reader, columns, out, unembed, _Form(engine, kind, (_OLDER if older else _NOW)[after], look))


def decode_oldest(reader: Reader, columns: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """The same for sweeps of method 1."""
    engine, kind = reader.take(2)
    _decode(reader, columns, out, unembed, _Form(engine, kind, OLDER_RANGES, None))


@dataclass(frozen=True)
class _Form:
    """How a sweep is coded."""

    engine: int
    kind: int
    ranges: Model
    look: Look | None


def _decode(reader: Reader, columns: Columns, out: np.ndarray, unembed: Unembed, form: _Form) -> None:
    count, engine = len(out), form.engine
    levels = form.kind == _HUNDREDTHS
    if not has_coordinates(columns) or (levels and columns.types[3:4] != ("<f4",)):
        raise CorruptFile("a sweep has columns that its sensor does not have")
    if (engine and engine not in ENGINES.values()) or form.kind > _HUNDREDTHS:
        raise CorruptFile("a sweep is coded in an unknown way; if a newer lacodec wrote it, update")
    off, bits = read_exceptions(reader, count)
    rings, starts, firsts = read_runs(reader, count)
    places, used, image = read_places(reader, rings, starts, firsts, form.look)
    ring_of = np.repeat(rings, np.diff(starts))
    sides = sides_of(starts, places, len(used), ring_of, image)
    counts, errors = read_numbers(reader, form.ranges, engine, count, sides, unembed)
    whole, edges, signs = predicted(ring_of, used[places], counts, kitti())
    minus = read_misses(reader, whole, edges, signs)
    xyz = from_grid(whole, minus, UNITS)
    xyz[off] = bits
    for i, name in enumerate("xyz"):
        out[name] = xyz[:, i]
    if levels:
        found, _ = read_numbers(reader, LEVELS, engine, count, told(sides, errors, counts), unembed)
        out[columns.names[3]] = (found / _HUNDRED).astype(np.float32)
    for name, kind in list(zip(columns.names, columns.types, strict=True))[4 if levels else 3 :]:
        fill(out[name], decode_numbers(reader, kind, (count,), unembed))


def memory(count: int) -> int:
    """Bytes that coding so many points takes at most, besides their records."""
    return count * (4 * NEIGHBOURS + 200) + largest_pools(count, 9)


def has_coordinates(columns: Columns) -> bool:
    """Whether the first columns are x, y and z in float32."""
    return columns.names[:3] == ("x", "y", "z") and set(columns.types[:3]) == {"<f4"}


def _points(records: np.ndarray) -> np.ndarray:
    """f32[n, 3]."""
    return np.stack([records[name] for name in "xyz"], axis=1)


def _levels(records: np.ndarray, columns: Columns) -> np.ndarray | None:
    """The fourth column in whole hundredths, i64[n]; None if it is another kind of number."""
    if columns.types[3:4] != ("<f4",):
        return None
    values = records[columns.names[3]]
    near = (values >= 0) & (values <= 1)
    levels = np.rint(np.where(near, values, 0) * _HUNDRED).astype(np.int64)
    same = (levels / _HUNDRED).astype(np.float32).view(np.uint32) == np.ascontiguousarray(values).view(np.uint32)
    return levels if same.all() else None
