"""One plane: an array of bytes, coded separately. The reader knows their number.

    u8 method | 0 the bytes | 1 the one byte that all are | 2, 3 u8 tables[...] (`Tables.pack`), number, stream

Method 2 is a stream of segments (`entropy/segments.py`), for planes of at least `SEGMENTED` bytes; 3 is one of `RansEncoder`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.codecs.pieces import Reader, Writer
from lacodec.codecs.weights import _kernel
from lacodec.entropy.information import information, quick_normalise
from lacodec.entropy.rans import RansDecoder, RansEncoder
from lacodec.entropy.rans_dispatch import readonly
from lacodec.entropy.segments import decode_segments, segment_parts
from lacodec.entropy.tables import Tables
from lacodec.errors import BadInput, CorruptFile
from lacodec.kernels.scratch import scratch

Bytes = NDArray[np.uint8]
RAW, CONSTANT, SEGMENTS, RANS = range(4)

SEGMENTED = 1 << 15  # bytes
_LARGE = 1 << 19  # bytes of a plane above which a finer table pays
_ESTIMATED = 1 << 17  # bytes of a plane from which on a part of it tells enough
_FINE = 13  # bits of a table that has every byte, whether it occurs or not
_OVERHEAD = 48  # bytes of table and stream that the entropy does not tell of, at least
_SAMPLES, _SAMPLE = 32, 512  # pieces of a plane, and bytes in each, that are looked at first
_WORTH = 0.004  # share of a plane that coding must save


def encode_plane(
    out: Writer, plane: Bytes, counts: NDArray[Any] | None = None, stored: bool = False, quick: bool = False
) -> None:
    """Append `plane` in the shortest form, or `stored` as it is.

    counts: integers[256], how often each byte occurs, if known; quick: those of a large plane may be estimated.
    """
    estimated = quick and counts is None and len(plane) >= _ESTIMATED
    if estimated:
        counts = np.empty(256, np.uint32)
        _kernel.estimate_bytes(readonly(plane), counts)
    elif counts is None and len(plane) and not stored:
        counts = _counts_if_promising(plane)
    if counts is None:
        _raw(out, plane)
        return
    used = np.flatnonzero(counts)
    if len(used) == 1:
        out.write(bytes([CONSTANT, int(used[0])]))
        return
    if len(used) == 0 or entropy(counts) / 8 + _OVERHEAD > len(plane) * (1 - _WORTH):
        _raw(out, plane)
        return
    bits = max(freq_bits(len(plane), len(used)), _FINE if estimated else 0)
    freqs = np.zeros(used[-1] + 1, np.uint32)
    quick_normalise(counts[: len(freqs)].astype(np.int64), 1 << bits, freqs)
    tables = Tables.of_one(freqs, bits)
    packed, stream = tables.pack(), Writer()
    if len(plane) >= SEGMENTED:
        method = SEGMENTS
        for part in segment_parts(plane, tables, memory=scratch):
            stream.write(part)
    else:
        method = RANS
        stream.write(RansEncoder(32).push(plane, tables).finish())
    if len(packed) + len(stream) + 4 > len(plane):
        _raw(out, plane)
        return
    out.write(bytes([method]))
    out.write(packed)
    out.piece(stream)


def decode_plane(reader: Reader, size: int) -> Bytes:
    """The u8[size] of a plane; raises CorruptFile."""
    method = reader.take(1)[0]
    if method == RAW:
        return np.frombuffer(reader.take(size), np.uint8)
    if method == CONSTANT:
        return np.full(size, reader.take(1)[0], np.uint8)
    if method not in (SEGMENTS, RANS):
        raise CorruptFile(f"a plane has the unknown method {method}; if a newer lacodec wrote it, update")
    tables = reader.tables()
    stream = reader.piece()
    try:
        if method == SEGMENTS:
            return decode_segments(stream, tables, size, out=scratch(size))
        decoder = RansDecoder(bytes(stream))
        plane: Bytes = decoder.pull(size, tables, dtype=np.uint8)
        decoder.finish()
        return plane
    except BadInput as error:  # tables that no plane can have
        raise CorruptFile(str(error)) from None


def freq_bits(n: int, symbols: int) -> int:
    """Precision of the table: the one that suits `n` symbols of that many kinds."""
    most = 14 if n >= _LARGE else 12
    return max(symbols.bit_length(), min(most, max(8, n.bit_length() - 1)))


def entropy(counts: NDArray[Any]) -> float:
    """Bits of data with these counts (integers) at their own entropy; the same on every machine."""
    return float(information(counts))


def _raw(out: Writer, plane: Bytes) -> None:
    out.write(bytes([RAW]))
    out.write(plane)


def _counts_if_promising(plane: Bytes) -> NDArray[Any] | None:
    """Counts of all bytes, None if a sample shows that they are not worth coding."""
    size = _SAMPLES * _SAMPLE
    # A sample of n bytes has an entropy some 255 / (2 n ln 2) bits below that of the whole.
    if len(plane) > 4 * size and (
        _kernel.sampled_entropy(readonly(plane), np.uint64(_SAMPLES), np.uint64(_SAMPLE))
        > 8 * (1 - 2 * _WORTH) - 255 / (1.386 * size)
    ):
        return None
    counts = np.empty(256, np.uint32)
    _kernel.count_bytes(readonly(plane), counts)
    return counts
