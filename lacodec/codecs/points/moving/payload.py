"""Sweeps of a moving HDL-32E in and out of sections.

    sweep     = u8 engine, model, number of returns, runs, presence, ranges, residuals, rest (see `levels`)
    model     = u8 phase, u8 slip, 30 doubles, lines, columns
    doubles   = the map's axes in the file's frame (9), offset, centres, steps (3 each), the way back (9 + 3)
    lines     = number of segments; first column (difference), 12 signed numbers of 2**-36 each
    columns   = sizes and payloads of `columns`: steps of azimuth, u16; durations less expected ones, i16
    runs, presence, ranges: as in `spinning`, with a place for each column
    residuals = size, decisions

In sweeps of an older form, method 2, the rest is size, payload of `columns` for each further column.

Points without a return have the place of the sensor in their column, which is coded like a point.
"""

from dataclasses import dataclass

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.moving import _residual_kernel as residuals
from lacodec.codecs.points.moving._model import Model, model_of, read_model, write_model
from lacodec.codecs.points.moving._place_kernel import map_points
from lacodec.codecs.points.moving._sweep import Found, find, find_free
from lacodec.codecs.points.moving.levels import read_rest, write_rest
from lacodec.codecs.points.moving.sensor import RINGS, azimuth_of, azimuths, elevations
from lacodec.codecs.points.numbers import decode_numbers, fill
from lacodec.codecs.points.spinning.bits import Bits, check_end, finished, new_bits, started
from lacodec.codecs.points.spinning.calibration import TICKS
from lacodec.codecs.points.spinning.models import ENGINES, OLDER_RANGES, RANGES
from lacodec.codecs.points.spinning.models import Model as Ranges
from lacodec.codecs.points.spinning.payload import has_coordinates
from lacodec.codecs.points.spinning.sections import read_places, read_runs, write_places, write_runs
from lacodec.codecs.points.spinning.sides import Sides
from lacodec.codecs.points.spinning.values import read_numbers, sides_of, told, write_numbers
from lacodec.codecs.session import Session
from lacodec.entropy.mixing import start
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

_LEAST_COLUMNS = 200
_MOST_BITS = 32  # of a point: where the fit is worse, columns may do
_LEAST_EFFORT = 4  # the fit takes seconds
_FARTHEST = 1000.0  # metres


@dataclass(frozen=True)
class _Points:
    """What is coded like a point: the sensor's place in columns that need it, with range 0, then all returns, ring by ring."""

    columns: np.ndarray
    rings: np.ndarray
    counts: np.ndarray
    still: int

    @classmethod
    def of(cls, there: np.ndarray, ring: np.ndarray, column: np.ndarray, counts: np.ndarray) -> "_Points":
        """there: bool[columns, 32], whether points have a return; ring, column, counts: of the returns."""
        still = np.flatnonzero(~there.all(axis=1))
        none = np.zeros(len(still), np.int64)
        found = [np.concatenate(pair) for pair in ((still, column), (none, ring), (none, counts))]
        return cls(found[0], found[1], found[2], len(still))


def encode(records: np.ndarray, columns: Columns, effort: int, session: Session) -> bytes | None:
    """The payload of structured records; None if they are no sweep of the sensor, or were on no map."""
    whole = len(records) % RINGS == 0 and _LEAST_COLUMNS <= len(records) // RINGS <= TICKS
    if effort < _LEAST_EFFORT or not whole or not has_coordinates(columns):
        return None
    xyz = np.stack([records[name] for name in "xyz"], axis=1).reshape(-1, RINGS, 3)
    if not (np.abs(xyz) < _FARTHEST).all():
        return None
    for look in (lambda: find(xyz, effort, _cost), lambda: find_free(xyz)):
        found = look()
        if found is not None and found.returns.there.any():
            coded = _encode_found(found, xyz, records, columns, effort, session)
            if coded is not None:
                return coded
    return None


def _encode_found(
    found: Found, xyz: np.ndarray, records: np.ndarray, columns: Columns, effort: int, session: Session
) -> bytes | None:
    """The payload by a fit; None if coordinates take too many bits."""
    engine, model = ENGINES.get(effort, 0), model_of(found)
    if not model.plausible:
        return None
    out = Writer()
    out.write(bytes([engine]))
    write_model(out, model, effort, session)
    ring, column = np.nonzero(found.returns.there.T)
    used = np.unique(column)
    places, sizes = np.searchsorted(used, column), np.bincount(ring, minlength=RINGS)
    starts = np.concatenate([[0], np.cumsum(sizes[sizes > 0])])
    out.number(len(ring))
    write_runs(out, ring[starts[:-1]].astype(np.uint8), starts, places)
    write_places(out, ring[starts[:-1]].astype(np.uint8), starts, places, used)
    counts = found.returns.counts[column, ring]
    sides = sides_of(starts, places, len(used), ring.astype(np.uint8))
    errors = write_numbers(out, RANGES, engine, counts, sides, effort, session)
    points = _Points.of(found.returns.there, ring, column, counts)
    out.piece(_residuals(model, points, *_wanted(found, model, points, xyz)))
    if 8 * len(out) > _MOST_BITS * len(records):
        return None
    write_rest(out, records, columns, found.returns.there, engine, told(sides, errors, counts), effort, session)
    return bytes(out.data)


def decode(reader: Reader, columns: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """Fill structured records; raises CorruptFile."""
    engine, there, sides = _decode_coordinates(reader, columns, out, unembed, RANGES)
    read_rest(reader, out, columns, there, engine, sides, unembed)


def decode_older(reader: Reader, columns: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """The same for sweeps of method 2."""
    _decode_coordinates(reader, columns, out, unembed, OLDER_RANGES)
    for name, kind in list(zip(columns.names, columns.types, strict=True))[3:]:
        fill(out[name], decode_numbers(reader, kind, (len(out),), unembed))


def _decode_coordinates(
    reader: Reader, columns: Columns, out: np.ndarray, unembed: Unembed, ranges: Ranges
) -> tuple[int, np.ndarray, Sides]:
    """Fill x, y and z; returns (engine, which points have a return, bool[columns, 32], what is known of those)."""
    count, engine = len(out) // RINGS, reader.take(1)[0]
    if not has_coordinates(columns) or len(out) % RINGS or not 0 < count <= TICKS:
        raise CorruptFile("a sweep has columns or a size that its sensor does not have")
    if engine and engine not in ENGINES.values():
        raise CorruptFile("a sweep is coded in an unknown way; if a newer lacodec wrote it, update")
    model, returns = read_model(reader, count, unembed), reader.number()
    rings, starts, firsts = read_runs(reader, returns)
    if not len(rings) or rings[-1] >= RINGS or (np.diff(rings.astype(int)) <= 0).any() or returns > len(out):
        raise CorruptFile("a sweep has rings that its sensor does not have")
    places, used, _ = read_places(reader, rings, starts, firsts)
    if used[-1] >= count:
        raise CorruptFile("a sweep has more columns than points")
    ring, column = np.repeat(rings, np.diff(starts)).astype(np.int64), used[places]
    sides = sides_of(starts, places, len(used), ring.astype(np.uint8))
    counts, errors = read_numbers(reader, ranges, engine, returns, sides, unembed)
    there = np.zeros((count, RINGS), bool)
    there[column, ring] = True
    points = _Points.of(there, ring, column, counts)
    lattice, floats = np.zeros((2, len(points.columns), 3), np.int64)
    b = started(reader.piece(), residuals.COUNTERS)
    _code(b, model, points, _mapped(model, points), lattice, floats)
    check_end(b)
    _fill(out, there, points, floats)
    return engine, there, told(sides, errors, counts)


def _cost(found: Found) -> float:
    """Bytes of the residuals."""
    model = model_of(found)
    if not model.plausible:
        return np.inf
    ring, column = np.nonzero(found.returns.there.T)
    points = _Points.of(found.returns.there, ring, column, found.returns.counts[column, ring])
    return float(len(_residuals(model, points, *_wanted(found, model, points, found.frame.points.astype(np.float32)))))


def _residuals(model: Model, points: _Points, mapped: np.ndarray, lattice: np.ndarray, floats: np.ndarray) -> bytes:
    b = new_bits(residuals.COUNTERS, np.zeros(64 * len(floats) + 64, np.uint8), decoding=False)
    start(b)
    _code(b, model, points, mapped, lattice, floats)
    return finished(b)


def _mapped(model: Model, points: _Points) -> np.ndarray:
    """f64[n, 3]: along the map's axes."""
    out = np.empty((len(points.columns), 3))
    azimuth = azimuth_of(model.columns[points.columns, 0], model.columns[points.columns, 1], points.rings)
    map_points(
        points.columns,
        points.rings,
        points.counts,
        azimuth,
        azimuths(),
        elevations(),
        model.poses(),
        model.turn,
        model.offset,
        out,
    )
    return out


def _wanted(found: Found, model: Model, points: _Points, xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(places in the map, steps of the lattice that they are off, floats as ordered numbers)."""
    mapped = _mapped(model, points)
    placed, returned = points.columns[: points.still], (points.columns[points.still :], points.rings[points.still :])
    seen = np.concatenate([found.frame.placed[placed], found.frame.mapped[returned]])
    lattice = np.zeros(mapped.shape, np.int64)
    for axis in np.flatnonzero(model.steps > 0):
        steps, centre = model.steps[axis], model.centres[axis]
        apart = np.rint((centre + seen[:, axis]) / steps) - np.floor((centre + mapped[:, axis]) / steps + 0.5)
        lattice[:, axis] = np.clip(apart, -(1 << 38), 1 << 38)
    wanted = np.concatenate([found.frame.places[placed], xyz[returned]]).astype(np.float32)
    bits = wanted.view(np.int32).astype(np.int64)
    return mapped, lattice, np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF) - 1)


def _code(b: Bits, model: Model, points: _Points, mapped: np.ndarray, lattice: np.ndarray, floats: np.ndarray) -> None:
    single = np.zeros(1, np.float32)
    residuals.code_floats(
        b,
        mapped,
        points.counts,
        model.centres,
        model.steps,
        model.back,
        model.move,
        lattice,
        floats,
        residuals.SPACINGS,
        single,
        single.view(np.int32),
        np.zeros(3),
    )


def _fill(out: np.ndarray, there: np.ndarray, points: _Points, floats: np.ndarray) -> None:
    """Put coordinates into records; raises CorruptFile if they are no float32 numbers."""
    if (np.abs(floats) > 1 << 31).any():
        raise CorruptFile("a coordinate of a sweep is no number")
    bits = np.where(floats >= 0, floats, (-floats - 1) | -(1 << 31)).astype(np.int32)
    still = np.zeros((len(there), 3), np.int32)
    still[points.columns[: points.still]] = bits[: points.still]
    whole = np.repeat(still[:, None], RINGS, axis=1)
    whole[points.columns[points.still :], points.rings[points.still :]] = bits[points.still :]
    for axis, name in enumerate("xyz"):
        out[name] = whole[:, :, axis].reshape(-1).view(np.float32)
