"""Codec `vectors`: chunks of vectors and the model they share -> an .npy, .fvecs or .bvecs file. All is IEEE double precision.

model   = number flags (1: length 1), signed exponent, number K, 1 + K signed differences of fineness, K of spread, f64 scale,
          number size, a payload of codec `arrays` of i16[1 + K, d], and if K > 0: packed tables, u8[K] which, i8[T, 2] shifts
payload = [if sorted: number size, a payload of codec `arrays` of i32[first columns, n],] a rANS stream of the other numbers
"""

import math
import struct
from dataclasses import dataclass
from typing import Any

from reference import columns, rans, tables
from reference.container import CRITICAL, Chunk, hash64
from reference.stream import Stream, need

EIGHTHS = (1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096,
           1.4142135623730951, 1.5422108254079407, 1.681792830507429, 1.8340080864093424)  # fmt: skip
CODES = {"<f2": "<e", "<f4": "<f", "<f8": "<d", "|u1": "B", "|i1": "b"}
LIMITS = {"<f2": 65504.0, "<f4": (2 - 2.0**-23) * 2.0**127, "<f8": float.fromhex("0x1.fffffffffffffp+1023")}
SORTED = 2


@dataclass(frozen=True)
class Model:
    """mean and basis: rows of doubles; of each direction its step, its table; shifts of each table for sizes of 1 and more."""

    unit: bool
    exponent: int
    mean: list[float]
    basis: list[list[float]]
    steps: list[float]
    tables: tables.Tables | None
    which: list[int]
    shifts: list[tuple[float, float]]


def decode(header: dict[str, Any], chunks: list[Chunk]) -> bytes:
    """The file."""
    axes = header["metadata"]
    critical = [chunk for chunk in chunks if chunk.kind == CRITICAL]
    need(critical and not critical[0].covers, "vectors without a model")
    critical[0].check(critical[0].payload)
    model, rows = _read_model(Stream(critical[0].payload), axes["columns"]), []
    for chunk in critical[1:]:
        ((start, stop),) = chunk.covers
        numbers = _numbers(chunk.payload, model, stop - start, axes["ordered"])
        latents = b"".join(struct.pack(f"<{len(row)}i", *row) for row in numbers)
        need(hash64(latents) == chunk.content_hash, "other numbers than were encoded")
        rows += [_packed(_vector(row, model), axes["dtype"]) for row in numbers]
    need(len(rows) == axes["rows"], "another number of vectors than the header has")
    if header["format"] == "npy":
        return _npy_head(axes) + b"".join(rows)
    return b"".join(struct.pack("<i", axes["columns"]) + row for row in rows)


def _read_model(data: Stream, size: int) -> Model:
    flags, exponent, count = data.number(), data.signed(), data.number()
    fineness, spread = (_sums(data, n) for n in (1 + count, count))
    (scale,) = struct.unpack("<d", data.take(8))
    bits = columns.decode(data.piece(), ("i", 2), (1 + count, size))
    units = [_power(k) for k in fineness]
    rows = [[((bit ^ 0x8000) - 0x8000) * unit for bit in bits[k * size : (k + 1) * size]] for k, unit in enumerate(units)]
    packed, which, shifts = None, [], []
    if count:
        packed = tables.unpack(data)
        which = list(data.take(count))
        values = struct.unpack(f"{2 * len(packed.freqs)}b", data.take(2 * len(packed.freqs)))
        shifts = [(one / 256, more / 256) for one, more in zip(values[::2], values[1::2], strict=True)]
    data.finish()
    return Model(bool(flags & 1), exponent, rows[0], rows[1:], [scale * _power(k) for k in spread], packed, which, shifts)


def _sums(data: Stream, count: int) -> list[int]:
    total = 0
    return [total := total + data.signed() for _ in range(count)]


def _power(eighths: int) -> float:
    return math.ldexp(EIGHTHS[eighths % 8], eighths // 8)


def _numbers(payload: bytes, model: Model, count: int, ordered: bool) -> list[list[int]]:
    if model.tables is None:
        need(not payload, "numbers without directions")
        return [[] for _ in range(count)]
    data, width, heads = Stream(payload), len(model.which), [[] for _ in range(count)]
    first = 0
    if not ordered:
        first = min(SORTED, width)
        bits = columns.decode(data.piece(), ("i", 4), (first, count))
        found = [(bit ^ 1 << 31) - (1 << 31) for bit in bits]
        last = [0] * first
        for i in range(count):
            if first == SORTED:
                last[1] = found[count + i] + (last[1] if found[i] == 0 else 0)
            last[0] += found[i]
            heads[i] = list(last)
    which = model.which[first:] * count
    rows, far = rans.decode(data.rest(), model.tables, which, len(which))
    escaped, out = iter(far), []
    for row, t in zip(rows, which, strict=True):
        last_row = len(model.tables.freqs[t]) - 1
        out.append(model.tables.first[t] + (row if row < last_row else last_row + next(escaped)))
    step = width - first
    return [heads[i] + out[i * step : (i + 1) * step] for i in range(count)]


def _vector(numbers: list[int], model: Model) -> list[float]:
    out = list(model.mean)
    for k, number in enumerate(numbers):
        if number == 0:
            continue
        size = (abs(number) - model.shifts[model.which[k]][abs(number) > 1]) * model.steps[k]
        times = size if number > 0 else -size
        out = [value + times * entry for value, entry in zip(out, model.basis[k], strict=True)]
    if not model.unit:
        return [_scaled(value, model.exponent) for value in out]
    total = 0.0
    for value in out:
        total += value * value
    length = math.sqrt(total)
    return [value / length for value in out] if length > 0 else out


def _scaled(value: float, exponent: int) -> float:
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.copysign(math.inf, value)


def _packed(vector: list[float], dtype: str) -> bytes:
    code = CODES[dtype]
    if dtype[1] in "ui":
        low, high = (0, 255) if dtype[1] == "u" else (-128, 127)
        return struct.pack(f"{len(vector)}{code}", *(min(max(round(value), low), high) for value in vector))
    most = LIMITS[dtype]
    return struct.pack(f"<{len(vector)}{code[-1]}", *(min(max(value, -most), most) for value in vector))


def _npy_head(axes: dict[str, Any]) -> bytes:
    text = f"{{'descr': '{axes['dtype']}', 'fortran_order': False, 'shape': ({axes['rows']}, {axes['columns']})}}"
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
