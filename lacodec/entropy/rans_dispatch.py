"""Which kernel codes which symbols: one push or pull comes in and is split between fast and general kernels, same bytes.

Fast kernels take whole blocks that start at lane 0 (of 8 or 64); the general ones take symbols before, after, in a single
lane, near the end of the words, or in tables too large for a look-up by slot.
"""

import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lacodec.entropy import _rans_portable as portable
from lacodec.entropy.tables import Tables

Ints = NDArray[Any]  # of integers

FLOAT_BITS = 11
"""Bits of tables from which on the AVX-512 kernels can encode with them; for others use the portable ones."""
_NEEDED = ("avx512f", "avx512bw", "avx512dq", "avx512vl")
_U64 = np.uint64


@cache
def avx512() -> Any:
    """The module of AVX-512 kernels, or None: on other CPUs, for another numba target, or with LACODEC_SIMD=0."""
    import llvmlite.binding

    if os.environ.get("LACODEC_SIMD", "1") == "0" or os.environ.get("NUMBA_CPU_NAME", "host") != "host":
        return None
    features: Any = llvmlite.binding.get_host_cpu_features()
    if "NUMBA_CPU_FEATURES" in os.environ:
        features = {name[1:]: name[0] == "+" for name in os.environ["NUMBA_CPU_FEATURES"].split(",") if name}
    if not all(features.get(name) for name in _NEEDED):
        return None
    from lacodec.entropy import _rans_avx512

    return _rans_avx512


decode_search, decode_split = portable.decode_search, portable.decode_split
"""For kernels that choose tables by the symbols before: streams of 32-bit states and 8 lanes or more (see `RansDecoder.run`)."""


def encode(
    rows: Ints, begin: int, end: int, first: int, states: Ints, tables: Tables, words: Ints, at: int, stop: int
) -> tuple[int, int]:
    """Code rows[end - 1], ..., rows[begin] into words[:at] while at > stop; rows[0] is symbol `first` of the stream.

    Returns (i, at): rows[i:end] are coded; at is -1 if rows[i] has no frequency.
    """
    rows = readonly(rows)
    lanes = len(states)
    block = _block(states) if tables.freq_bits >= FLOAT_BITS else min(8, _block(states))
    if block and end - begin >= 2 * block:
        edge = (first + end) // block * block - first
        left, at = _encode_slowly(rows, edge, end, first, states, tables, words, at, stop)
        if at < 0 or left > edge:
            return left, at
        if block == 64:
            least = np.empty(64, np.uint32)
            low, place = avx512().encode_rows(
                rows,
                _U64(begin),
                _U64(edge),
                states,
                tables.small_spans,
                _U64(tables.freq_bits),
                words,
                _U64(at),
                least,
            )
            bad = not least[:16].all()
        else:
            low, place, smallest = portable.encode_fast(
                rows, _U64(begin), _U64(edge), _U64(first), states, _U64(lanes - 1), tables.small_spans, tables.reciprocals,
                _U64(tables.freq_bits), words, _U64(at),
            )  # fmt: skip
            bad = smallest == 0
        if bad:
            return int(np.flatnonzero(tables.small_spans[rows[int(low) : edge]] >> 16 == 0)[-1]) + int(low), -1
        end, at = int(low), int(place)
    return _encode_slowly(rows, begin, end, first, states, tables, words, at, stop)


def decode(out: Ints, first: int, states: Ints, words: Ints, at: int, stop: int, tables: Tables, index: Ints | None) -> int:
    """Fill `out` (its first symbol is number `first` of the stream) from words[at:stop]; returns the new position.

    A position above `stop` means that words were missing. `index` must be checked against the tables.
    """
    index = None if index is None else readonly(index)
    begin, end = 0, len(out)
    block = _block(states)
    if block and end >= 2 * block:
        begin = -first % block
        at = _decode_slowly(out, 0, begin, first, states, words, at, stop, tables, index)
        if at <= stop:
            begin, at = _decode_fast(out, begin, first, states, words, at, stop, tables, index, block)
    return at if at > stop else _decode_slowly(out, begin, end, first, states, words, at, stop, tables, index)


def _block(states: Ints) -> int:
    """Symbols that the fast kernel for these states takes at a time; 0 without one."""
    if states.itemsize != 4 or len(states) < 8:
        return 0
    return 64 if len(states) == 64 and avx512() is not None else 8


def _decode_fast(
    out: Ints,
    begin: int,
    first: int,
    states: Ints,
    words: Ints,
    at: int,
    stop: int,
    tables: Tables,
    index: Ints | None,
    block: int,
) -> tuple[int, int]:
    kernels: Any = portable
    place: tuple[Any, ...] = (
        _U64(begin),
        _U64(len(out)),
        _U64(first),
        states,
        _U64(len(states) - 1),
        words,
        _U64(at),
        _U64(stop),
    )
    if block == 64:
        kernels = avx512()
        place = (_U64(begin), _U64(len(out)), states, words, _U64(at), _U64(stop))
    ends: tuple[Any, ...] = (_U64(tables.freq_bits), np.int64(tables.lowest), index)
    if tables.direct is not None:
        i, at = kernels.decode_direct(out, *place, tables.direct, *ends)
    elif tables.split is not None:
        split = tables.split
        i, at = kernels.decode_split(out, *place, split.codes, split.spans, _U64(split.code_bits), *ends)
    else:
        return begin, at
    return int(i), int(at)


def _encode_slowly(
    rows: Ints, begin: int, end: int, first: int, states: Ints, tables: Tables, words: Ints, at: int, stop: int
) -> tuple[int, int]:
    if begin >= end:
        return end, at
    left, place = portable.encode_rows(
        rows, _U64(begin), _U64(end), _U64(first), states, _U64(len(states) - 1), tables.spans, _U64(tables.freq_bits),
        words, _U64(at), _U64(stop),
    )  # fmt: skip
    return int(left), -1 if place == portable.REFUSED else int(place)


def _decode_slowly(
    out: Ints, begin: int, end: int, first: int, states: Ints, words: Ints, at: int, stop: int, tables: Tables, index: Ints | None
) -> int:
    if begin >= end:
        return at
    search = tables.search
    return int(
        portable.decode_search(
            out, _U64(begin), _U64(end), _U64(first), states, _U64(len(states) - 1), words, _U64(at), _U64(stop), search.rows,
            search.modes, _U64(search.stride), _U64(search.shift), tables.spans, tables.values, _U64(tables.freq_bits), index,
        )
    )  # fmt: skip


def readonly(array: Any) -> Any:
    """A read-only view: numba compiles again for every mix of writable and read-only inputs."""
    if array is None or not array.flags.writeable:
        return array
    view = array.view()
    view.setflags(write=False)
    return view
