"""Records laser by laser: where many lasers turn around an axis, each one's last point is nearest to its next.

    lanes = u8 source: 0, or 1 + the position of a column of small integers that says which laser a point is from
            source 0: size, payload of u8[n]; else of this column
            the records without this column, in the order of the lasers, as `_records` has them

The order is that of a stable sort. Without such a column, lasers are told apart by elevation, seen from where that works best.
"""

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points import _records
from lacodec.codecs.points._lanes_kernel import find_lanes
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers, fill, native
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.points.value import RINGS, Columns

_TYPES = ("|u1", "|i1", "<u2", "<i2")
_OWN_EFFORT = 4  # from which on elevations are looked at
_LEAST = 4096  # records
_SAMPLE = 1 << 14  # records that tell whether lanes pay
_MOST, _NEAR = 128, 0.0012  # lanes; slope between points of one
_WINDOW, _LOOKS = np.arange(8, 72), 700  # points before one that may be of its laser; points that are looked at
_ALIKE = 4e-4  # of slopes, usually, if lasers show


def encode_lanes(records: np.ndarray, found: Columns, effort: int, session: Session) -> bytes | None:
    """The payload of structured records; None if another order of theirs does not pay."""
    if len(records) < _LEAST or len(found.names) < 2:
        return None
    source = next((i for i, name in enumerate(found.names) if name.lower() in RINGS and found.types[i] in _TYPES), -1)
    middle = records[max(0, (len(records) - _SAMPLE) // 2) :][:_SAMPLE]
    centre = None
    if source < 0:
        centre = _centre(middle, found) if effort >= _OWN_EFFORT else None
        if centre is None:
            return None

    def coded(some: np.ndarray) -> bytes:
        lanes = native(some[found.names[source]]) if centre is None else _own_lanes(some, centre)
        return _coded(some, found, source, lanes, effort, session)

    if len(coded(middle)) >= len(_records.encode_records(middle, found, effort, session)):
        return None
    return coded(records)


def decode_lanes(reader: Reader, found: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """Fill structured records; raises CorruptFile."""
    source = int(reader.take(1)[0]) - 1
    if source >= len(found.names) or (source >= 0 and found.types[source] not in _TYPES):
        raise CorruptFile("its points are in the order of a column that tells none")
    kind = "|u1" if source < 0 else found.types[source]
    lanes = decode_numbers(reader, kind, (len(out),), unembed)
    if source >= 0:
        fill(out[found.names[source]], lanes)
    others = _others(found, source)
    sorted_records = np.empty(len(out), others.dtype)
    _records.decode_records(reader, others, sorted_records, unembed)
    order = np.argsort(lanes, kind="stable")
    for name in others.names:
        out[name][order] = sorted_records[name]


def _coded(records: np.ndarray, found: Columns, source: int, lanes: np.ndarray, effort: int, session: Session) -> bytes:
    out = Writer()
    out.write(bytes([source + 1]))
    out.piece(encode_numbers(lanes, effort, session))
    others = _others(found, source)
    order = np.argsort(lanes, kind="stable")
    return bytes(out.data) + _records.encode_records(records[list(others.names)][order], others, effort, session)


def _others(found: Columns, source: int) -> Columns:
    """The columns but one; all of them for -1."""
    kept = [i for i in range(len(found.names)) if i != source]
    return Columns(tuple(found.names[i] for i in kept), tuple(found.types[i] for i in kept))


def _own_lanes(records: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """u8[n]: the laser of each point, seen from a place f64[3]."""
    lanes = np.zeros(len(records), np.uint8)
    find_lanes(_slopes(_places(records), centre), _NEAR, np.zeros(_MOST), lanes)
    return lanes


def _places(records: np.ndarray) -> np.ndarray:
    """f64[n, 3], zeros for what is no number."""
    places = np.stack([records[name] for name in "xyz"], axis=1).astype(np.float64)
    return np.where(np.abs(places) < 1e6, places, 0.0)


def _centre(records: np.ndarray, found: Columns) -> np.ndarray | None:
    """Where the sensor is, f64[3]: where slopes of points are most like some of those before; None if they are not alike.

    Tried on a grid, then in ever smaller steps.
    """
    if any(name not in found.names or not found.types[found.names.index(name)].startswith("<f") for name in "xyz"):
        return None
    places = _places(records)
    at = np.random.default_rng(0).integers(_WINDOW[-1], len(places), _LOOKS)

    def cost(centre: np.ndarray) -> float:
        slopes = _slopes(places, centre)
        return float(np.median(np.abs(slopes[at, None] - slopes[at[:, None] - _WINDOW]).min(axis=1)))

    x, z = np.meshgrid(np.arange(-0.5, 2.1, 0.5), np.arange(-0.2, 2.5, 0.2))
    tried = [np.array([a, 0.0, b]) for a, b in zip(x.ravel(), z.ravel(), strict=True)] + [np.zeros(3)]
    best = min((cost(centre), i) for i, centre in enumerate(tried))
    least, centre = best[0], tried[best[1]]
    step = 0.2
    for _ in range(12):
        around = [centre + step * axis for axis in (*np.eye(3), *-np.eye(3))]
        costs = [cost(one) for one in around]
        if min(costs) < least:
            least, centre = min(costs), around[int(np.argmin(costs))]
        else:
            step /= 2
    return centre if least < _ALIKE else None


def _slopes(places: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """f64[n]: height over distance from an upright axis."""
    x, y, z = (places - centre).T
    return np.asarray(z / np.maximum(np.sqrt(x * x + y * y), 1e-3))
