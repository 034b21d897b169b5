"""The columns of a sweep besides x, y and z: intensities by rings, and rings, which follow from the order of firing.

    rest   = u8 known, intensities of returns, intensities of the others (size, decisions), further columns
    known  = bit 0: the fourth column is intensities from 0 to 255   bit 1: the fifth is rings as fired, which is all of it

Intensities of returns are as those of `spinning.values`, from 0 to 255. Further columns, and the fourth and fifth if they are not
known, have size, payload of `columns`.
"""

import numpy as np

from lacodec.codecs.columns.forms import Unembed
from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.points.moving import _levels_kernel as kernel
from lacodec.codecs.points.moving.sensor import RINGS
from lacodec.codecs.points.numbers import decode_numbers, encode_numbers, fill, native
from lacodec.codecs.points.spinning.bits import check_end, finished, new_bits, started
from lacodec.codecs.points.spinning.models import BYTES
from lacodec.codecs.points.spinning.sides import Sides
from lacodec.codecs.points.spinning.values import read_numbers, write_numbers
from lacodec.codecs.session import Session
from lacodec.entropy.mixing import start
from lacodec.errors import CorruptFile
from lacodec.media.points.value import Columns

_LEVELS, _RINGS = 1, 2
_AT = {_LEVELS: 3, _RINGS: 4}  # columns


def write_rest(
    out: Writer,
    records: np.ndarray,
    columns: Columns,
    there: np.ndarray,
    engine: int,
    sides: Sides,
    effort: int,
    session: Session,
) -> None:
    """All columns but the first three. there: bool[columns, 32], which points have a return; sides: of those, ring by ring."""
    levels, known = _levels(records, columns), 0
    if levels is not None:
        known |= _LEVELS
    if columns.types[4:5] == ("<f4",) and _same_bits(records[columns.names[4]], _rings(len(there))):
        known |= _RINGS
    out.write(bytes([known]))
    if levels is not None:
        by_ring, returned = levels.reshape(there.shape).T, there.T
        write_numbers(out, BYTES, engine, by_ring[returned], sides, effort, session)
        quiet = by_ring[~returned]
        b = new_bits(kernel.COUNTERS, np.zeros(32 * len(quiet) + 64, np.uint8), decoding=False)
        start(b)
        kernel.code_quiet(b, np.nonzero(~returned)[0], quiet)
        out.piece(finished(b))
    for i in _others(columns, known):
        out.piece(encode_numbers(native(records[columns.names[i]]), effort, session))


def read_rest(
    reader: Reader, out: np.ndarray, columns: Columns, there: np.ndarray, engine: int, sides: Sides, unembed: Unembed
) -> None:
    """Fill these columns of structured records; raises CorruptFile."""
    known = reader.take(1)[0]
    if known & ~(_LEVELS | _RINGS) or any(known & bit and columns.types[at : at + 1] != ("<f4",) for bit, at in _AT.items()):
        raise CorruptFile("a sweep has columns that its sensor does not have")
    if known & _LEVELS:
        returned = there.T
        levels = np.zeros(returned.shape, np.int64)
        levels[returned], _ = read_numbers(reader, BYTES, engine, int(returned.sum()), sides, unembed)
        b = started(reader.piece(), kernel.COUNTERS)
        quiet = np.zeros(returned.size - int(returned.sum()), np.int64)
        kernel.code_quiet(b, np.nonzero(~returned)[0], quiet)
        check_end(b)
        levels[~returned] = quiet
        out[columns.names[3]] = levels.T.reshape(-1)
    if known & _RINGS:
        out[columns.names[4]] = _rings(len(there))
    for i in _others(columns, known):
        name, kind = columns.names[i], columns.types[i]
        fill(out[name], decode_numbers(reader, kind, (len(out),), unembed))


def _others(columns: Columns, known: int) -> list[int]:
    """Positions of the columns that are coded as any others."""
    done = {at for bit, at in _AT.items() if known & bit}
    return [i for i in range(3, len(columns.names)) if i not in done]


def _rings(count: int) -> np.ndarray:
    """f32[32 * count]: the rings of so many columns."""
    return np.tile(np.arange(RINGS, dtype=np.float32), count)


def _levels(records: np.ndarray, columns: Columns) -> np.ndarray | None:
    """The fourth column, i64[n]; None if it has other numbers than 0 to 255."""
    if columns.types[3:4] != ("<f4",):
        return None
    values = records[columns.names[3]]
    levels = np.where((values >= 0) & (values <= 255), values, 0).astype(np.int64)
    return levels if _same_bits(values, levels.astype(np.float32)) else None


def _same_bits(values: np.ndarray, others: np.ndarray) -> bool:
    return bool((np.ascontiguousarray(values).view(np.uint32) == others.view(np.uint32)).all())
