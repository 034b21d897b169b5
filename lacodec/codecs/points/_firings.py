"""Columns by firings: where all lasers fire at once, the point of the same laser one firing before is nearest.

firings = width; for each column a payload of numbers [n / width, width]: the points of a firing in a row

Each payload has its size before it; numbers are LEB128.
"""

import numpy as np

from lacodec.codecs.columns.estimate import bits_of_rows
from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.columns.splits import ordered
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers, fill, native
from lacodec.codecs.session import Session
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

_RING, _MOST, _LEAST = "ring", 256, 8  # points of a firing
_QUICK, _FASTEST = 2, 3  # efforts; the latter is the last one at which coordinates are looked at
_LOOKS, _SAVES = 1024, 2.0  # points that are looked at; bits of each that the step one firing before must save


def encode_firings(records: np.ndarray, found: Columns, effort: int, session: Session) -> bytes | None:
    """The payload of structured records; None if they come in no firings, or that does not pay."""
    width = _width_by_rings(records, found)
    if width:
        return _coded(records, found, width, effort, session)
    if effort <= _FASTEST:
        width = _width_by_places(records, found)
    return _coded(records, found, width, effort, session) if width else None


def decode_firings(reader: Reader, found: Columns, out: np.ndarray, unembed: Unembed) -> None:
    """Fill structured records; raises CorruptFile."""
    width = reader.number()
    if not 0 < width <= len(out) or len(out) % width:
        raise CorruptFile("its firings do not make up its points")
    for name, kind in zip(found.names, found.types, strict=True):
        fill(out[name], decode_numbers(reader, kind, (len(out) // width, width), unembed).reshape(-1))


def _coded(records: np.ndarray, found: Columns, width: int, effort: int, session: Session) -> bytes:
    effort = _QUICK if effort == _FASTEST else effort  # which would take eight times as long for a hundredth
    out = Writer()
    out.number(width)
    for name in found.names:
        out.piece(encode_numbers(native(records[name]).reshape(-1, width), effort, session))
    return bytes(out.data)


def _width_by_rings(records: np.ndarray, found: Columns) -> int:
    """How many points a firing has, where the column of rings counts up from 0 in each of them; 0 where it does not."""
    if _RING not in found.names or len(records) < 2:
        return 0
    rings = records[_RING]
    width = int(np.argmax(rings[1 : _MOST + 1] == rings[0])) + 1
    if width < 2 or len(rings) % width:
        return 0
    fired = np.tile(np.arange(width).astype(rings.dtype), len(rings) // width)
    return width if (rings == fired).all() else 0


def _width_by_places(records: np.ndarray, found: Columns) -> int:
    """How many points a firing has, where steps between points are much like those one firing before; 0 where they are not."""
    back = np.array([width for width in range(_LEAST, _MOST + 1) if len(records) % width == 0], np.int64)
    if not {*"xyz"} <= {*found.names} or len(records) < 2 * _MOST or not len(back):
        return 0
    at = np.random.default_rng(0).integers(_MOST + 1, len(records), _LOOKS)
    bits = np.zeros(1 + len(back))
    for name in "xyz":
        latents = ordered(native(records[name]))
        steps = latents[at] - latents[at - 1]
        before = latents[at - back[:, None]] - latents[at - back[:, None] - 1]
        middle = latents.dtype.type(1 << 8 * latents.itemsize - 1)
        bits += bits_of_rows(np.vstack([steps, steps - before]) + middle, _LOOKS) / _LOOKS
    best = int(np.argmin(bits[1:]))
    return int(back[best]) if bits[1 + best] + _SAVES < bits[0] else 0
