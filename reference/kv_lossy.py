"""Codec `kv.lossy`: the chunks of a KV cache, and its basis -> its plain file.

All is IEEE single precision, in the order written here.

payload = piece: payload of codec `weights` for the exact tokens (none: empty) | piece: payload of codec `bytes` for the sides
          | u8 set of tables, a rANS stream of all numbers                          (absent if no tokens are left)
sides   = u8[layers, tokens] class of each token; for keys and values of each layer: u8[channels] table, less that of the
          channel before; without a matrix: i16[channels] exponents, i16[channels] offsets
numbers = for keys and values of each layer: [batch, tokens, channels]
step    = step of the file * 2^((16 - class) / 2)
value   = mean + sum of number * step * row of the matrix, or (number * step + offset / 4) * 2^(exponent / 4) * step of the file
"""

import json
from functools import cache
from typing import Any

import numpy as np

from reference import bytes_codec, data_files, kv_codec, rans, weights_payload
from reference.container import Chunk, hash64
from reference.stream import Damaged, Stream, need
from reference.tables import Tables

F = np.float32
SETS, FREQ_BITS, TABLES = ("mixture-12", "sparse-14"), (12, 14), (23, 16)
CLASSES, PLAIN = 32, 16
QUARTERS = (F(1.0), F(1.189207115002721), F(1.4142135623730951), F(1.681792830507429))
Basis = dict[str, np.ndarray]


def decode(header: dict[str, Any], chunks: list[Chunk], basis: bytes | None) -> bytes:
    """The plain file."""
    described = header["metadata"].get("basis")
    if described is not None:
        need(basis is not None and len(basis) == described["size"], "a cache whose basis is missing")
    known = read_basis(basis) if described is not None and basis is not None else {}
    return kv_codec.decode(header, chunks, lambda chunk, arrays, axes: _content(chunk, arrays, axes, known))


def read_basis(data: bytes) -> Basis:
    """The tensors of a safetensors file."""
    size = int.from_bytes(data[:8], "little")
    found = {}
    for name, told in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = told["data_offsets"]
            kind = {"F16": "<f2", "F32": "<f4"}[told["dtype"]]
            found[name] = np.frombuffer(data[8 + size + begin : 8 + size + end], kind).astype(F).reshape(told["shape"])
    return found


def _content(chunk: Chunk, arrays: list[tuple[int, int]], axes: dict[str, Any], basis: Basis) -> bytes:
    """Keys and values of the chunk's layers, [batch, heads, width, tokens], as codec `kv` has them."""
    (first, last), (start, stop) = chunk.covers
    lossy, batch, kind = axes["lossy"], axes["batch"], axes["dtype"]
    width = kv_codec.WIDTHS[kind]
    middle = min(max(start, lossy["exact"] - lossy["start"]), stop)
    chosen = [(n, *arrays[n]) for n in range(2 * first, 2 * last) if batch * arrays[n][0] * arrays[n][1]]
    size = sum(batch * heads * wide for _, heads, wide in chosen) * (middle - start) * width
    stream = Stream(chunk.payload)
    exact, sides = stream.piece(), stream.piece()
    kept = weights_payload.decode(exact, size, _none, _none) if size else b""
    told, numbers = b"", []
    tokens, classes = stop - middle, []
    if chosen and tokens:
        plain, begin = [_name(n) + "matrix" not in basis for n, _, _ in chosen], (last - first) * tokens
        size = begin + sum((5 if p else 1) * h * w for p, (_, h, w) in zip(plain, chosen, strict=True))
        told = bytes_codec.decode(sides, size)
        need(max(told[:begin]) < CLASSES, "an unknown class")
        classes = [list(told[at : at + tokens]) for at in ((n // 2 - first) * tokens for n, _, _ in chosen)]
        numbers = _numbers(stream, chosen, plain, told[begin:], classes, batch)
    content = kept + told + b"".join(np.array(part, "<i2").tobytes() for part in numbers)
    need(hash64(content) == chunk.content_hash, "other numbers than were encoded")
    out, at, side = b"", 0, Stream(told[(last - first) * tokens :])
    for i, (n, heads, wide) in enumerate(chosen):
        channels, begin = heads * wide, batch * heads * wide * (middle - start) * width
        rows = _kept(kept[at : at + begin], batch, channels, width)
        at += begin
        if classes:
            side.take(channels)
            values = _values(numbers[i], n, channels, [_factor(c) for c in classes[i]], lossy["step"], basis, side)
            if n % 2 == 0:
                _turn(values, wide, range(lossy["start"] + middle, lossy["start"] + stop), axes["model"])
            rows = np.concatenate([rows, _narrowed(values, kind).reshape(batch, -1, channels)], axis=1)
        out += rows.transpose(0, 2, 1).tobytes()
    return out


def _kept(data: bytes, batch: int, channels: int, width: int) -> np.ndarray:
    """Elements [batch, tokens, channels], as whole numbers, of those [batch, channels, tokens]."""
    return np.frombuffer(data, f"<u{width}").reshape(batch, channels, -1).transpose(0, 2, 1)


def _numbers(
    stream: Stream, chosen: list[Any], plain: list[bool], told: bytes, classes: list[list[int]], batch: int
) -> list[np.ndarray]:
    which, side, index = stream.byte(), Stream(told), []
    need(which < len(SETS), "an unknown set of tables")
    for (_, heads, wide), without, own in zip(chosen, plain, classes, strict=True):
        tables, last = [], 0
        for difference in side.take(heads * wide):
            tables.append(last := (last + difference) % 256)
        need(max(tables) < 64, "an unknown table")
        side.take(4 * heads * wide if without else 0)
        for c in own * batch:
            further = ((c - PLAIN) * TABLES[which] + 3) // 6
            index += [min(max(t + further, 0), 63) for t in tables]
    tables_of = _tables(which)
    rows, distances = rans.decode(stream.rest(), tables_of, index, len(index))
    numbers, beyond = [], iter(distances)
    for t, row in zip(index, rows, strict=True):
        own = len(tables_of.freqs[t]) - 1
        numbers.append(tables_of.first[t] + (row if row < own else own + next(beyond)))
    found, at = [], 0
    for _, heads, wide in chosen:
        count = batch * len(classes[0]) * heads * wide
        found.append(np.array(numbers[at : at + count]).reshape(-1, heads * wide))
        at += count
    return found


@cache
def _tables(which: int) -> Tables:
    """Zero-mean distributions of 64 scales: frequencies of 0, 1 ..., then that of an escape; both signs are alike."""
    stored, name = data_files.arrays("distributions.npz"), SETS[which]
    freqs, at = [], 0
    for reach in stored[f"{name}.reach"].tolist():
        half = stored[f"{name}.freqs"][at : at + reach + 2].tolist()
        freqs.append([*half[reach:0:-1], *half])
        at += reach + 2
    return Tables(FREQ_BITS[which], freqs, [-int(reach) for reach in stored[f"{name}.reach"]], True)


def _values(
    numbers: np.ndarray, n: int, channels: int, steps: list[np.float32], step: float, basis: Basis, side: Stream
) -> np.ndarray:
    """f32[batch * tokens, channels]."""
    out, name = np.zeros(numbers.shape, F), _name(n)
    each = steps * (len(numbers) // len(steps))
    if name + "matrix" in basis:
        groups, size, _ = basis[name + "matrix"].shape
        matrix = basis[name + "matrix"] * basis[name + "units"].reshape(groups, size, 1)
        for row, (line, own) in enumerate(zip(numbers.tolist(), each, strict=True)):
            for group in range(groups):
                place = slice(group * size, (group + 1) * size)
                total = basis[name + "mean"][place].copy()
                for k, number in enumerate(line[place]):
                    total = total + F(number) * (own * F(step)) * matrix[group, k] if number else total
                out[row, place] = total
        return out
    exponents = np.frombuffer(side.take(2 * channels), "<i2").tolist()
    offsets = np.frombuffer(side.take(2 * channels), "<i2").astype(F) / F(4)
    units = np.array([F(np.ldexp(QUARTERS[e % 4], e // 4)) * F(step) for e in exponents], F)
    for row, own in enumerate(each):
        out[row] = (numbers[row].astype(F) * own + offsets) * units
    return out


def _factor(c: int) -> np.float32:
    """What the file's step is multiplied by for tokens of a class."""
    return F(np.ldexp(F(0.7071067690849304) if c % 2 else F(1), PLAIN // 2 - c // 2))


def _turn(values: np.ndarray, width: int, positions: range, model: dict[str, Any]) -> None:
    half = len(model["inv_freq"])
    if not 0 < 2 * half <= width or not model["scaling"]:
        return
    for row in range(len(values)):
        angles = positions[row % len(positions)] * np.array(model["inv_freq"])
        cos, sin = (np.cos(angles) * model["scaling"]).astype(F), (np.sin(angles) * model["scaling"]).astype(F)
        for begin in range(0, values.shape[1], width):
            a, b = values[row, begin : begin + half].copy(), values[row, begin + half : begin + 2 * half].copy()
            values[row, begin : begin + half] = a * cos - b * sin
            values[row, begin + half : begin + 2 * half] = b * cos + a * sin


def _narrowed(values: np.ndarray, kind: str) -> np.ndarray:
    """Elements as whole numbers of their width."""
    if kind == "F32":
        return values.view(np.uint32)
    if kind == "F16":
        return np.clip(values, -65504, 65504).astype("<f2").view(np.uint16)
    bits = values.view(np.uint32)
    short = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return (short - ((short & 0x7FFF) == 0x7F80)).astype(np.uint16)


def _name(n: int) -> str:
    return f"layers.{n // 2}.{('keys', 'values')[n % 2]}."


def _none(*_: Any) -> bytes:
    raise Damaged("a cache has neither a head nor a base")
